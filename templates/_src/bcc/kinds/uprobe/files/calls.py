#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Counts the calls of a function in a library, by process.

Adds up the function's first argument, too: for malloc, the bytes that were asked for.
Stops on Ctrl-C.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from bcc import BPF

import loader

EXAMPLES = """\
examples:
  calls.py libc malloc              who allocates memory
  calls.py libc malloc --pid 1234   only this process
  calls.py /usr/bin/bash readline   a program's own function
  calls.py libc free --json         one JSON array per line
"""

SOURCE = Path(__file__).with_name("calls.c")
FUNCTIONS = {"on_call": BPF.KPROBE}  # the kernel's type for uprobes, too


def top(bpf, size):
    """Returns the processes that called most so far, most first."""
    counts = [
        {
            "pid": process.pid,
            "comm": loader.text(process.comm),
            "calls": count.calls,
            "bytes": count.bytes,
        }
        for process, count in bpf["calls"].items()
    ]
    counts.sort(key=lambda count: (-count["calls"], count["pid"]))
    return counts[:size]


def quote(word):
    """Returns a name as it is if nothing in it can control the terminal."""
    return word if word.isprintable() else json.dumps(word)


def show_table(counts):
    """Prints a list for people, at once: whoever reads a pipe waits for it."""
    print(f"{'CALLS':>10}  {'BYTES':>14}  {'PID':>7}  COMM")
    for count in counts:
        calls, size, pid = count["calls"], count["bytes"], count["pid"]
        print(f"{calls:>10}  {size:>14}  {pid:>7}  {quote(count['comm'])}")
    print(flush=True)


def show_json(counts):
    """Prints a list for programs."""
    print(json.dumps(counts), flush=True)


def short(library):
    """Returns a library's name as BCC wants it: c for libc.so.6; paths as they are."""
    if "/" in library:
        return library
    return library.partition(".so")[0].removeprefix("lib")


def count_calls(args):
    """Attaches the program and shows the map until a signal comes."""
    stopped = loader.stop_on_signals()
    bpf = loader.load(SOURCE, FUNCTIONS)
    bpf.attach_uprobe(
        name=short(args.library), sym=args.symbol, fn_name="on_call", pid=args.pid
    )
    print(
        f"counting {args.symbol} of {args.library}, Ctrl-C stops",
        file=sys.stderr,
        flush=True,
    )
    show = show_json if args.json else show_table
    while not stopped:
        time.sleep(args.interval)  # a signal ends it early
        show(top(bpf, args.top))


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("library", help="its name, or its path with a /")
    parser.add_argument("symbol", help="the function in it")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON array per line"
    )
    parser.add_argument(
        "--pid", type=int, default=-1, help="count only calls of this process"
    )
    parser.add_argument(
        "--interval",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="print as often (default: 1)",
    )
    parser.add_argument(
        "--top",
        type=int,
        default=10,
        metavar="N",
        help="print the processes that called most (default: 10)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compile and let the verifier check it, attach nothing",
    )
    args = parser.parse_args()
    if args.interval <= 0 or args.top < 1:
        parser.error("--interval and --top are more than 0")
    if args.check:
        loader.check(SOURCE, FUNCTIONS)
    else:
        count_calls(args)


if __name__ == "__main__":
    loader.main(main)
