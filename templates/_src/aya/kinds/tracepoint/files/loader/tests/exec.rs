// SPDX-License-Identifier: BSD-2-Clause

//! Runs programs and expects to see them. Needs root: make test.

use std::{
    fs,
    process::{Command, id},
    time::Duration,
};

use loader::{Exec, Tracer};

// A program that starts is seen with its arguments, and counted.
#[tokio::test]
async fn sees_an_exec() {
    let mut tracer = Tracer::new().unwrap();
    let mark = format!("test {}", id());
    let mut child = Command::new("/bin/true").args(["seen by", &mark]).spawn().unwrap();
    let got = next(&mut tracer, &["/bin/true", "seen by", &mark]).await;
    if whole_machine() {
        assert_eq!((got.pid, got.ppid), (child.id(), id()));
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(got.uid, 0);
    assert_eq!((&*got.comm, &*got.filename), ("true", "/bin/true"));
    assert!(!got.truncated, "{got:?}");

    let counts = tracer.counts().unwrap();
    let counted = counts.iter().find(|c| c.comm == "true" && c.uid == 0);
    assert!(counted.is_some_and(|c| c.execs > 0), "{counts:?}");
}

// Arguments that an event has no room for are cut or left out, and it says so.
#[tokio::test]
async fn cuts_arguments() {
    let mut tracer = Tracer::new().unwrap();
    let mark = id().to_string();
    let (fits, long) = ("x".repeat(126), "x".repeat(4096));
    for (args, there, cut) in [
        (vec![&*mark, "", &fits, "4", "5", "6", "7"], 8, false),
        (vec![&*mark, &long, "3"], 3, true),
        (vec![&*mark, "2", "3", "4", "5", "6", "7", "8"], 8, true),
    ] {
        run(&args);
        let got = next(&mut tracer, &["/bin/true", &mark]).await;
        assert_eq!((got.args.len(), got.truncated), (there, cut), "{got:?}");
        if !cut {
            assert_eq!(got.args[1..], args);
        }
    }
}

// Counting goes on when nobody reads the events and the ring buffer is full; what is lost
// is counted, too.
#[tokio::test]
async fn counts_without_a_reader() {
    const WANT: u64 = 300; // the ring buffer has room for some 210
    let tracer = Tracer::new().unwrap();
    for _ in 0..WANT {
        run(&[]);
    }
    let counts = tracer.counts().unwrap();
    let counted = counts.iter().find(|c| c.comm == "true" && c.uid == 0);
    assert!(counted.is_some_and(|c| c.execs >= WANT), "{counts:?}");
    assert!(tracer.lost().unwrap() > 0);
}

/// Waits for the exec whose arguments begin with the given ones.
async fn next(tracer: &mut Tracer, args: &[&str]) -> Exec {
    let wait = async {
        loop {
            let exec = tracer.next().await.unwrap();
            if exec.args.len() >= args.len() && exec.args[..args.len()] == *args {
                return exec;
            }
        }
    };
    let got = tokio::time::timeout(Duration::from_secs(10), wait).await;
    got.unwrap_or_else(|_| panic!("no exec of {args:?}"))
}

fn run(args: &[&str]) {
    assert!(Command::new("/bin/true").args(args).status().unwrap().success());
}

/// Reports whether we see process ids as the kernel reports them: not in a container with
/// a pid namespace of its own (without --pid=host).
fn whole_machine() -> bool {
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap();
    namespace.to_str() == Some("pid:[4026531836]") // the first one's number is fixed
}
