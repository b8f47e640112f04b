# SPDX-License-Identifier: BSD-2-Clause
"""What any program of BCC's needs: compile, check, run until a signal comes."""

import os
import signal
import sys

from bcc import BPF


def load(source, functions, cflags=()):
    """Compiles a file of BPF C and gives its functions to the kernel.

    Here the verifier refuses what it does not like. Nothing is attached yet.
    functions holds their names and types: {"on_exec": BPF.TRACEPOINT}.
    """
    if os.geteuid() != 0:
        sys.exit("error: loading programs needs root: make run")
    bpf = BPF(text=numbered(source), cflags=list(cflags))
    for function, kind in functions.items():
        bpf.load_func(function, kind)
    return bpf


def numbered(source):
    """Returns a file's text so that messages of the compiler name file and line.

    BCC compiles a text without a name, and puts structs of its own in front of
    functions: lines are counted anew in each.
    """
    lines = [f'#line 1 "{source.name}"']
    for number, line in enumerate(source.read_text().splitlines(), start=1):
        lines.append(line)
        if line == "{":
            lines.append(f"#line {number + 1}")
    return "\n".join(lines) + "\n"


def check(source, functions):
    """Says that the verifier accepts a file's functions."""
    bpf = load(source, functions)
    for function in functions:
        size = len(bpf.dump_func(function)) // 8
        print(f"{source.name}: {function}: {size} instructions, accepted")


def stop_on_signals():
    """Returns a list that is empty until somebody wants the program to end."""
    stopped = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: stopped.append(number))
    return stopped


def text(data):
    """Decodes a C string of anybody's, whatever it holds."""
    return data.decode(errors="backslashreplace")


def main(run):
    """Runs the program; says what went wrong, without a trace."""
    try:
        run()
    except BrokenPipeError:  # whoever read the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # what BCC raises has no class of its own
        sys.exit(f"error: {error}")
