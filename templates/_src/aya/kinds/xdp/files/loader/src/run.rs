// SPDX-License-Identifier: BSD-2-Clause

//! Flags and output.

use std::{
    io::{self, Write},
    pin::pin,
    time::Duration,
};

use aya::programs::XdpMode;
use clap::{Parser, ValueEnum};
use loader::{Counter, Traffic, text};

/// Counts the packets that arrive at an interface, by source address.
///
/// Stops on Ctrl-C. What the BPF code logs goes to the error output; the environment
/// variable RUST_LOG says how much of it.
#[derive(Parser)]
pub struct Options {
    /// Count what arrives at this interface
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// Attach in the driver or, slower but for every interface, in the network stack
    #[arg(long, value_enum, default_value = "auto")]
    mode: Mode,
    /// Print after each so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// Print the sources that sent most
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Print one JSON array per line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    Auto,
    Native,
    Generic,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse().map(Duration::try_from_secs_f64) {
        Ok(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => Err("not a positive number".to_owned()),
    }
}

/// The program, until `stop` is ready.
pub async fn run(options: Options, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let mode = match options.mode {
        Mode::Auto => XdpMode::Default,
        Mode::Native => XdpMode::Driver,
        Mode::Generic => XdpMode::Skb,
    };
    let mut counter = Counter::new()?;
    counter.attach(&options.interface, mode)?;
    eprintln!("counting on {}, Ctrl-C stops", options.interface);

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

/// Prints a list for people.
fn print(out: &mut dyn Write, list: &[Traffic]) -> io::Result<()> {
    let mut lines = vec![["SOURCE", "PACKETS", "BYTES"].map(str::to_owned)];
    for t in list {
        lines.push([t.source.to_string(), t.packets.to_string(), t.bytes.to_string()]);
    }
    text::print_table(out, &lines)
}
