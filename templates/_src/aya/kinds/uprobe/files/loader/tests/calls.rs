// SPDX-License-Identifier: BSD-2-Clause

//! Runs programs and expects their calls to be counted. Needs root: make test.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::PathBuf,
    process::{Command, Stdio, id},
};

use loader::{Counter, Usage};

// The calls of a program that really runs are counted, under its own name.
#[tokio::test]
async fn counts_calls() {
    let mut counter = Counter::new(0).unwrap();
    counter.attach("libc.so.6", "malloc").unwrap();
    let ls = Copy::of("/bin/ls", &format!("ls{}", id()));
    let mut child = Command::new(&ls.0).args(["-l", "/"]).stdout(Stdio::null()).spawn().unwrap();
    assert!(child.wait().unwrap().success());

    let got = usage_of(&counter, &ls);
    assert!(got.calls > 0 && got.bytes >= got.calls, "{got:?}");
    if whole_machine() {
        assert_eq!(got.pid, child.id());
    }
}

// With a process id nobody else is counted. In a container with a pid namespace of its
// own a process's number here is not the kernel's, so that comes from counting all.
#[tokio::test]
async fn counts_one_process() {
    let mut all = Counter::new(0).unwrap();
    all.attach("libc.so.6", "malloc").unwrap();
    let ls = Copy::of("/bin/ls", &format!("one{}", id()));
    let sh = Copy::of("/bin/sh", &format!("sh{}", id()));
    let mut child = Command::new(&sh.0)
        .args(["-c", "echo ready && read go && exec \"$0\" /"]) // exec keeps the process id
        .arg(&ls.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    let pid = usage_of(&all, &sh).pid;

    let mut counter = Counter::new(pid).unwrap();
    counter.attach("libc.so.6", "malloc").unwrap();
    assert!(Command::new(&ls.0).stdout(Stdio::null()).status().unwrap().success());
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    out.read_to_string(&mut String::new()).unwrap();
    assert!(child.wait().unwrap().success());

    assert!(usage_of(&counter, &ls).calls > 0);
    let list = counter.top(100).unwrap();
    assert!(list.iter().all(|usage| usage.pid == pid), "{list:?}");
}

#[tokio::test]
async fn attach_refuses() {
    let mut counter = Counter::new(0).unwrap();
    for (file, want) in [
        ("libnothing.so.1", "not found"),
        ("/no/such/libc.so.6", "No such file"),
        ("libc.so.6", "has no function no_such_function"),
    ] {
        let err = counter.attach(file, "no_such_function").unwrap_err();
        assert!(format!("{err:#}").contains(want), "{file}: {err:#}");
    }
}

/// A copy of a program, with a name that no other process has. It is gone with its owner.
struct Copy(PathBuf);

impl Copy {
    fn of(program: &str, name: &str) -> Self {
        let to = std::env::temp_dir().join(name);
        fs::copy(program, &to).unwrap();
        Self(to)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Returns what the processes of that program have called.
fn usage_of(counter: &Counter, program: &Copy) -> Usage {
    let comm = program.0.file_name().unwrap().to_str().unwrap();
    let list = counter.top(10_000).unwrap();
    let usage = list.iter().find(|usage| usage.comm == comm);
    usage.unwrap_or_else(|| panic!("{comm} is not among {list:?}")).clone()
}

/// Reports whether we see process ids as the kernel reports them: not in a container with
/// a pid namespace of its own (without --pid=host).
fn whole_machine() -> bool {
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap();
    namespace.to_str() == Some("pid:[4026531836]") // the first one's number is fixed
}
