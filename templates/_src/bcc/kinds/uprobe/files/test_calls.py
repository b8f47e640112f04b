# SPDX-License-Identifier: BSD-2-Clause
"""Runs calls.py and programs that call malloc, and expects to see them."""

import contextlib
import ctypes
import io
import json
import os
import signal
import unittest

import calls
from harness import ProgramTest

LIBC = ctypes.CDLL("libc.so.6", use_errno=True)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]
LIBC.free.argtypes = [ctypes.c_void_p]


def allocate(times, size):
    """Calls malloc."""
    for _ in range(times):
        LIBC.free(LIBC.malloc(size))


def whole_machine():
    """Reports whether process ids here are those that the kernel reports."""
    return os.readlink("/proc/self/ns/pid") == "pid:[4026531836]"


class TestCounting(ProgramTest):
    """calls.py as people start it."""

    def count(self, enough):
        """Waits until enough calls of this process are counted."""
        for line in self.process.stdout:
            for count in json.loads(line):
                ours = count["pid"] == os.getpid() or not whole_machine()
                if ours and count["calls"] >= enough:
                    return count
        self.fail(f"it ended:\n{self.process.stderr.read()}")

    def test_counts_calls(self):
        """Calls and bytes of this process are counted, from any library path."""
        pid = ["--pid", str(os.getpid())] if whole_machine() else []
        self.start("calls.py", "libc", "malloc", "--json", "--interval", "0.2", *pid)
        allocate(times=1000, size=4096)
        count = self.count(enough=1000)
        self.assertGreaterEqual(count["bytes"], 1000 * 4096)
        self.stop()

    def test_prints_at_once(self):
        """Whoever reads a pipe does not wait for more lines."""
        self.start("calls.py", "libc", "malloc", "--interval", "0.1")
        self.assertRegex(
            self.process.stdout.readline(), r"^ +CALLS +BYTES +PID +COMM\n$"
        )
        self.stop(signal.SIGTERM)

    def test_refuses(self):
        """A library or a function that is not there."""
        for library, symbol in [
            ("libc", "no_such_function"),
            ("no_such_library", "malloc"),
        ]:
            with self.subTest(library=library, symbol=symbol):
                with self.assertRaisesRegex(AssertionError, r"(?s)at once.*error: "):
                    self.start("calls.py", library, symbol)
                self.assertEqual(self.process.wait(), 1)


class TestOutput(unittest.TestCase):
    """What needs no kernel."""

    def test_table(self):
        """What a process calls itself must not control the terminal."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            calls.show_table([{"calls": 3, "bytes": 48, "pid": 7, "comm": "a\x1b[2Jb"}])
        self.assertEqual(
            out.getvalue(),
            "     CALLS           BYTES      PID  COMM\n"
            '         3              48        7  "a\\u001b[2Jb"\n\n',
        )

    def test_short_names(self):
        """BCC's names of libraries lack what all have."""
        for library, want in {
            "libc": "c",
            "libc.so.6": "c",
            "c": "c",
            "/usr/lib/libx.so": "/usr/lib/libx.so",
        }.items():
            self.assertEqual(calls.short(library), want)


if __name__ == "__main__":
    unittest.main()
