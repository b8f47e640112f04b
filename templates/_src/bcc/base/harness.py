# SPDX-License-Identifier: BSD-2-Clause
"""Starts a program as people do, for tests."""

import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path


@unittest.skipIf(os.geteuid() != 0, "loading programs needs root: make test")
class ProgramTest(unittest.TestCase):
    """A test that runs a program of this folder, for a minute at most."""

    def start(self, program, *args):
        """Starts a program and waits until it is attached."""
        signal.signal(signal.SIGALRM, self.too_late)
        signal.alarm(60)
        self.addCleanup(signal.alarm, 0)
        self.process = subprocess.Popen(
            [sys.executable, "-B", Path(__file__).with_name(program), *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.kill, self.process)
        said = []
        for line in self.process.stderr:
            said.append(line)
            if line.endswith(", Ctrl-C stops\n"):
                return
        self.fail(f"it ended at once:\n{''.join(said)}")

    def too_late(self, *_):
        """Is called when a test takes too long."""
        self.fail("nothing came in time")

    def kill(self, process):
        """Ends a program if the test did not."""
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()

    def stop(self, number=signal.SIGINT):
        """Ends the program with a signal and returns what it says then."""
        self.process.send_signal(number)
        self.process.stdout.read()
        said = self.process.stderr.read()
        self.assertEqual(self.process.wait(), 0, said)
        return said
