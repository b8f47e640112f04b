// SPDX-License-Identifier: BSD-2-Clause

//! Compiles the BPF code, so that the program can embed it.
//!
//! Aya's book has the crate aya-build for this, which asks rustup for a nightly
//! compiler. This does the same with the compiler that is there: BPF is a target
//! without a ready-made `core`, so `core` is compiled along (-Z build-std), and
//! RUSTC_BOOTSTRAP lets a stable compiler do that.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, exit},
};

fn main() {
    let out = PathBuf::from(variable("OUT_DIR"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for input in ["common", "ebpf", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    println!("cargo::rerun-if-env-changed=PATH"); // where rustc and bpf-linker come from

    let target = match variable("CARGO_CFG_TARGET_ENDIAN").as_str() {
        "big" => "bpfeb-unknown-none",
        _ => "bpfel-unknown-none",
    };
    // The arguments of a traced function are in registers that each machine has its own of.
    let machine = match variable("CARGO_CFG_TARGET_ARCH") {
        arch if arch.starts_with("riscv64") => "riscv64".to_owned(),
        arch => arch,
    };
    let flags = [format!("--cfg=bpf_target_arch=\"{machine}\""), "-Clink-arg=--btf".to_owned()];

    // Its own target folder, because cargo locks the one that it works in.
    let target_dir = root.join("target/ebpf");
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .current_dir(&root)
        .args(["build", "--locked", "--package=ebpf", "--profile=ebpf"])
        .args(["-Zbuild-std=core", "--target", target, "--target-dir"])
        .arg(&target_dir)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    // What cargo and clippy set for this script is not meant for another target.
    for name in ["RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(name);
    }
    match cargo.status() {
        Ok(status) if status.success() => {}
        Ok(_) => exit(1), // cargo has said why
        Err(err) => {
            eprintln!("cargo cannot be run: {err}");
            exit(1);
        }
    }

    let object = target_dir.join(target).join("ebpf/ebpf");
    if let Err(err) = fs::copy(&object, out.join("ebpf")) {
        eprintln!("{} cannot be copied: {err}", object.display());
        exit(1);
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|err| panic!("{name}: {err}"))
}
