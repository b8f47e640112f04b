#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints every program that starts on this machine, with its arguments.

Stops on Ctrl-C; then the commands that ran most often are shown.
"""

import argparse
import ctypes
import json
import sys
import time
from pathlib import Path

from bcc import BPF

import loader

EXAMPLES = """\
examples:
  execs.py                print every program that starts
  execs.py --uid 1000     only those of this user
  execs.py --json         one JSON object per line
"""

SOURCE = Path(__file__).with_name("execs.c")

# Which function of execs.c runs at which tracepoint.
TRACEPOINTS = {
    "on_fork": "sched:sched_process_fork",
    "on_execve": "syscalls:sys_enter_execve",
    "on_exec": "sched:sched_process_exec",
}
FUNCTIONS = dict.fromkeys(TRACEPOINTS, BPF.TRACEPOINT)


class Event(ctypes.Structure):
    """struct event of execs.c."""

    _fields_ = [
        ("pid", ctypes.c_uint32),
        ("ppid", ctypes.c_uint32),
        ("uid", ctypes.c_uint32),
        ("comm", ctypes.c_char * 16),
        ("filename", ctypes.c_char * 128),
        ("args_count", ctypes.c_uint16),
        ("args_cut", ctypes.c_uint16),
        ("args", ctypes.c_char * 128 * 8),
    ]


def decode(event):
    """Turns an Event into what is printed."""
    decoded = {
        "pid": event.pid,
        "ppid": event.ppid or parent(event.pid),
        "uid": event.uid,
        "comm": loader.text(event.comm),
        "filename": loader.text(event.filename),
        "args": [loader.text(arg.value) for arg in event.args[: event.args_count]],
    }
    if event.args_cut:
        decoded["truncated"] = True
    return decoded


def parent(pid):
    """Asks /proc for a parent that was there before us; 0 is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def quote(word):
    """Returns a word as it is, and anything else quoted.

    Names and arguments come from any process: they must not control the terminal.
    """
    if word and word.isprintable() and not set(word) & set("\"'\\ "):
        return word
    return json.dumps(word)


def show_table(event):
    """Prints an event as a line for people."""
    args = [quote(arg) for arg in event["args"]]
    if "truncated" in event:
        args.append("...")
    print_line(
        time.strftime("%H:%M:%S"),
        event["pid"],
        event["ppid"],
        event["uid"],
        quote(event["comm"]),
        " ".join(args),
    )


def print_line(when, pid, ppid, uid, comm, args):
    """Prints a line of the table, at once: whoever reads a pipe waits for it."""
    print(f"{when:8}  {pid:>7}  {ppid:>7}  {uid:>5}  {comm:15}  {args}", flush=True)


def show_json(event):
    """Prints an event as a line for programs."""
    print(json.dumps(event), flush=True)


def summary(bpf):
    """Prints the ten commands that ran most often, from the map."""
    counts = [(n.value, loader.text(k.comm), k.uid) for k, n in bpf["execs"].items()]
    counts.sort(key=lambda count: (-count[0], *count[1:]))
    print(f"\n{'EXECS':>7}  {'UID':>5}  COMM", file=sys.stderr)
    for execs, comm, uid in counts[:10]:
        print(f"{execs:>7}  {uid:>5}  {quote(comm)}", file=sys.stderr)
    lost = bpf["lost"][0].value
    if lost:
        print(f"{lost} events were lost", file=sys.stderr)


def trace(uid, show):
    """Attaches the programs and shows events until a signal comes."""
    stopped = loader.stop_on_signals()
    cflags = [] if uid is None else [f"-DONLY_UID={uid}"]
    bpf = loader.load(SOURCE, FUNCTIONS, cflags)

    events = []  # those of one poll: an exception in the callback would be lost

    def on_event(_context, data, _size):
        events.append(decode(ctypes.cast(data, ctypes.POINTER(Event)).contents))

    bpf["events"].open_ring_buffer(on_event)
    for function, tracepoint in TRACEPOINTS.items():
        bpf.attach_tracepoint(tp=tracepoint, fn_name=function)
    print("tracing, Ctrl-C stops", file=sys.stderr, flush=True)
    if show is show_table:
        print_line("TIME", "PID", "PPID", "UID", "COMM", "ARGS")
    while not stopped:
        bpf.ring_buffer_poll(timeout=200)
        for event in events:
            show(event)
        events.clear()
    summary(bpf)


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per line"
    )
    parser.add_argument("--uid", type=int, help="print only programs of this user")
    parser.add_argument(
        "--check",
        action="store_true",
        help="compile and let the verifier check it, attach nothing",
    )
    args = parser.parse_args()
    if args.check:
        loader.check(SOURCE, FUNCTIONS)
    else:
        trace(args.uid, show_json if args.json else show_table)


if __name__ == "__main__":
    loader.main(main)
