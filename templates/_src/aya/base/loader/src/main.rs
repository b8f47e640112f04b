// SPDX-License-Identifier: BSD-2-Clause

//! The entry point: signals, error output and exit codes. What the program does
//! begins at run.

use std::{
    io::{self, ErrorKind},
    process::ExitCode,
};

use aya::programs::ProgramError;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

mod run;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = run::Options::parse(); // ends the program if they make no sense
    let log = env_logger::Env::default().default_filter_or("info");
    env_logger::Builder::from_env(log).init();

    let Err(err) = start(options).await else {
        return ExitCode::SUCCESS;
    };
    if failed_with(&err, ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS; // whoever reads our output has seen enough
    }
    eprintln!("error: {}", describe(&err));
    if failed_with(&err, ErrorKind::PermissionDenied) && !rejected(&err) {
        eprintln!("hint: loading programs needs root: make run");
    }
    ExitCode::FAILURE
}

/// Runs the program until it is told to stop.
async fn start(options: run::Options) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    run::run(options, async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
    .await
}

/// Joins an error's causes. Many of Aya's errors repeat theirs; once is enough.
fn describe(err: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in err.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text += if text.is_empty() { "" } else { ": " };
            text += &cause;
        }
    }
    text
}

fn failed_with(err: &anyhow::Error, kind: ErrorKind) -> bool {
    err.chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == kind)
}

/// Tells the verifier's verdict, which is a permission error too, from a lack of rights.
fn rejected(err: &anyhow::Error) -> bool {
    err.chain().any(|cause| matches!(cause.downcast_ref(), Some(ProgramError::LoadError { .. })))
}
