# SPDX-License-Identifier: BSD-2-Clause
"""Runs execs.py and programs, and expects to see them."""

import json
import os
import signal
import subprocess
import unittest

import execs
from harness import ProgramTest


def whole_machine():
    """Reports whether process ids here are those that the kernel reports."""
    return os.readlink("/proc/self/ns/pid") == "pid:[4026531836]"


class TestTracing(ProgramTest):
    """execs.py as people start it."""

    def event(self, args):
        """Waits for the program that was started with these arguments."""
        for line in self.process.stdout:
            event = json.loads(line)
            if event["args"][: len(args)] == args:
                return event
        self.fail(f"it ended:\n{self.process.stderr.read()}")

    def test_sees_exec(self):
        """A program that starts is seen with its arguments, and counted."""
        self.start("execs.py", "--json")
        args = ["true", "seen by", f"test {os.getpid()}", ""]
        child = subprocess.Popen(args, executable="/bin/true")
        child.wait()
        event = self.event(args)
        if whole_machine():
            self.assertEqual((event["pid"], event["ppid"]), (child.pid, os.getpid()))
        self.assertEqual(event["args"], args)
        self.assertEqual(event["comm"], "true")
        self.assertEqual(event["filename"], "/bin/true")
        self.assertEqual(event["uid"], os.getuid())
        self.assertNotIn("truncated", event)
        self.assertRegex(self.stop(), rf"(?m)^ +[1-9]\d* +{os.getuid()}  true$")

    def test_cuts_arguments(self):
        """Arguments that an event has no room for are cut, and it says so."""
        self.start("execs.py", "--json")
        mark = str(os.getpid())
        for name, args, count, cut in [
            ("fits", ["", "x" * 126, "5", "6", "7", "8"], 8, False),
            ("too long", ["x" * 4096, "4"], 4, True),
            ("too many", ["2", "3", "4", "5", "6", "7", "8"], 8, True),
        ]:
            with self.subTest(name):
                args = ["true", mark + name, *args]
                subprocess.run(args, executable="/bin/true", check=True)
                event = self.event(args[:2])
                self.assertEqual(len(event["args"]), count)
                self.assertEqual(event.get("truncated", False), cut)
                if not cut:
                    self.assertEqual(event["args"], args)

    def test_only_one_user(self):
        """Others than the user that was asked for are not even counted."""
        self.start("execs.py", "--json", "--uid", "65534")
        subprocess.run(["true", "mine"], executable="/bin/true", check=True)
        subprocess.run(
            ["true", "theirs"], executable="/bin/true", check=True, user=65534
        )
        self.assertEqual(self.event(["true"])["args"], ["true", "theirs"])
        self.assertNotRegex(self.stop(), r"(?m)^ +\d+ +0  ")

    def test_prints_at_once(self):
        """Whoever reads a pipe does not wait for more lines."""
        self.start("execs.py")
        self.assertRegex(self.process.stdout.readline(), r"^TIME +PID .* ARGS\n$")
        subprocess.run(["true", "at", "once"], executable="/bin/true", check=True)
        while "  true             true at once\n" not in self.process.stdout.readline():
            pass
        self.stop(signal.SIGTERM)

    def test_reader_goes(self):
        """Without a reader it ends."""
        self.start("execs.py", "--json")
        self.process.stdout.close()
        while self.process.poll() is None:
            subprocess.run("/bin/true", check=True)
        self.assertEqual(self.process.returncode, 1)


class TestOutput(unittest.TestCase):
    """What needs no kernel."""

    def test_quotes(self):
        """What a process calls itself must not control the terminal."""
        for word, want in {
            "ls": "ls",
            "-l": "-l",
            "two words": '"two words"',
            "": '""',
            "\n": '"\\n"',
            "a\x1b[2Jb": '"a\\u001b[2Jb"',
        }.items():
            self.assertEqual(execs.quote(word), want)

    def test_decodes_anything(self):
        """Bytes that are no UTF-8 are shown as what they are."""
        event = execs.Event(pid=os.getpid(), comm=b"a\xff", args_count=1)
        event.args[0].value = b"\xfe"
        decoded = execs.decode(event)
        self.assertEqual(decoded["comm"], "a\\xff")
        self.assertEqual(decoded["args"], ["\\xfe"])
        self.assertEqual(decoded["ppid"], os.getppid())


if __name__ == "__main__":
    unittest.main()
