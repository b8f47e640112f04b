// SPDX-License-Identifier: BSD-2-Clause

//! Flags and output.

use std::{
    io::{self, Write},
    pin::pin,
    time::Duration,
};

use clap::Parser;
use loader::{Counter, Usage, text};

/// Counts the calls of a library's function, by process.
///
/// Stops on Ctrl-C. What the BPF code logs goes to the error output; the environment
/// variable RUST_LOG says how much of it.
#[derive(Parser)]
pub struct Options {
    /// The library or program that has the function
    #[arg(long, value_name = "FILE", default_value = "libc.so.6")]
    path: String,
    /// Count the calls of this function
    #[arg(long, value_name = "NAME", default_value = "malloc")]
    symbol: String,
    /// Count this process alone
    #[arg(long, value_name = "ID", default_value_t = 0, hide_default_value = true)]
    pid: u32,
    /// Print after each so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Print the processes that called most often
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Print one JSON array per line
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => Err("not a positive number".to_owned()),
    }
}

/// The program, until `stop` is ready.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let mut counter = Counter::new(options.pid)?;
    counter.attach(&options.path, &options.symbol)?;
    let Options { path, symbol, .. } = &options;
    eprintln!("counting calls of {symbol} in {path}, Ctrl-C stops");

    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = tokio::time::sleep(options.interval) => {}
        }
        let list = counter.top(options.top)?;
        let mut out = io::stdout();
        if options.json {
            writeln!(out, "{}", serde_json::to_string(&list)?)?;
        } else {
            print(&mut out, &list)?;
        }
    }
}

/// Prints a list for people. A process calls itself what it likes: names are quoted.
fn print(out: &mut dyn Write, list: &[Usage]) -> io::Result<()> {
    let mut lines = vec![["CALLS", "BYTES", "PID", "COMM"].map(str::to_owned)];
    for usage in list {
        let comm = text::quote(&usage.comm).into_owned();
        let [calls, bytes] = [usage.calls, usage.bytes].map(|number| number.to_string());
        lines.push([calls, bytes, usage.pid.to_string(), comm]);
    }
    text::print_table(out, &lines)
}
