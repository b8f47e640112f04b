// SPDX-License-Identifier: BSD-2-Clause

//! Flags and output.

use std::{
    cmp::Reverse,
    io::{self, Write as _},
    pin::pin,
};

use clap::Parser;
use loader::{Exec, Tracer, text};

/// Prints every program that starts on this machine, with its arguments.
///
/// Stops on Ctrl-C; then the commands that ran most often are shown. What the BPF code
/// logs goes to the error output; the environment variable RUST_LOG says how much of it.
#[derive(Parser)]
pub struct Options {
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

/// The program, until `stop` is ready.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let mut tracer = Tracer::new()?;
    let mut out = io::stdout(); // each line is written as soon as it is complete
    if !options.json {
        writeln!(out, "{}", line("PID", "PPID", "UID", "COMM", "ARGS"))?;
    }
    let mut stop = pin!(stop);
    loop {
        let exec = tokio::select! {
            () = &mut stop => return summary(&tracer),
            exec = tracer.next() => exec?,
        };
        if options.json {
            writeln!(out, "{}", serde_json::to_string(&exec)?)?;
        } else {
            writeln!(out, "{}", row(&exec))?;
        }
    }
}

/// Returns an event as a line. Arguments come from any process, so they are quoted.
fn row(exec: &Exec) -> String {
    let mut args: Vec<_> = exec.args.iter().map(|arg| text::quote(arg)).collect();
    if exec.truncated {
        args.push("...".into());
    }
    let [pid, ppid, uid] = [exec.pid, exec.ppid, exec.uid].map(|number| number.to_string());
    line(&pid, &ppid, &uid, &text::quote(&exec.comm), &args.join(" "))
}

fn line(pid: &str, ppid: &str, uid: &str, comm: &str, args: &str) -> String {
    format!("{pid:>7}  {ppid:>7}  {uid:>5}  {comm:15}  {args}")
}

/// Prints the ten commands that ran most often, from the map.
fn summary(tracer: &Tracer) -> anyhow::Result<()> {
    let mut counts = tracer.counts()?;
    counts.sort_by(|a, b| {
        (Reverse(a.execs), &a.comm, a.uid).cmp(&(Reverse(b.execs), &b.comm, b.uid))
    });
    eprintln!("\n{:>7}  {:>5}  COMM", "EXECS", "UID");
    for count in counts.iter().take(10) {
        eprintln!("{:>7}  {:>5}  {}", count.execs, count.uid, text::quote(&count.comm));
    }
    match tracer.lost()? {
        0 => {}
        lost => eprintln!("{lost} events were lost"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // What a process calls itself must not control the terminal.
    #[test]
    fn rows_are_quoted() {
        let exec = Exec {
            pid: 7,
            ppid: 1,
            uid: 0,
            comm: "a\x1bb".to_owned(),
            filename: String::new(),
            args: ["ls", "two words", "", "\n"].map(str::to_owned).to_vec(),
            truncated: true,
        };
        let want = r#"      7        1      0  "a\u{1b}b"       ls "two words" "" "\n" ..."#;
        assert_eq!(row(&exec), want);
    }
}
