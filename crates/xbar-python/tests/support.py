"""What the tests share: a directory of regions for each, other processes that are told what to do, threads that fail aloud."""

import contextlib
import gc
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest

PATIENCE = 60
"""Seconds after which something hangs."""

COMMAND = os.environ.get("XBAR_COMMAND")
"""The command `xbar`, where it was built."""


class Case(unittest.TestCase):
    """A test with a directory of regions of its own, in which it leaves nothing."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="xbar-python-")
        self.folder = folder.name
        self.regions = os.path.join(folder.name, "regions")
        before = os.environ.get("XBAR_DIR")
        os.environ["XBAR_DIR"] = self.regions

        def restore():
            gc.collect()
            left = [name for name in os.listdir(self.regions)] if os.path.isdir(self.regions) else []
            left = [name for name in left if not name.startswith(".")]
            if before is None:
                del os.environ["XBAR_DIR"]
            else:
                os.environ["XBAR_DIR"] = before
            folder.cleanup()
            self.assertEqual(left, [], "regions that nobody removed")

        self.addCleanup(restore)

    def other(self, code, *arguments):
        """Another process that runs `code`, ended with the test."""
        other = Other([sys.executable, "-B", "-c", textwrap.dedent(code), *map(str, arguments)])
        self.addCleanup(other.end)
        return other

    def command(self, *arguments):
        """The command `xbar`, which is written in Rust, ended with the test."""
        if COMMAND is None or not os.path.exists(COMMAND):
            self.skipTest("the command xbar was not built: run cargo xtask python")
        other = Other([COMMAND, *arguments])
        self.addCleanup(other.end)
        return other


class Other:
    """Another process; it hangs no longer than patience lasts."""

    def __init__(self, arguments):
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        self.timer = threading.Timer(PATIENCE, self.process.kill)
        self.timer.daemon = True
        self.timer.start()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the other process ended: " + self.process.stderr.read())
        return line.rstrip("\n")

    def expect(self, line):
        heard = self.hear()
        if heard != line:
            raise AssertionError(f"{heard!r} rather than {line!r}")

    def until_asleep(self):
        """Waits until it waits."""
        end = time.monotonic() + PATIENCE
        while True:
            with open(f"/proc/{self.pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "S":
                    return
            if time.monotonic() > end:
                raise AssertionError("the other process does not wait")

    def finish(self):
        """Lets it end by itself; what it still said."""
        self.process.stdin.close()
        # Not `communicate`, which passes over what was read ahead.
        output, errors = self.process.stdout.read(), self.process.stderr.read()
        self.process.wait()
        if self.process.returncode != 0:
            raise AssertionError(f"{self.process.returncode}: {errors}")
        return output

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def in_thread(work):
    """Runs `work` in a thread; the function that it returns waits for it, and has its result or raises what it raised."""
    done = {}

    def run():
        try:
            done["result"] = work()
        except BaseException as error:
            done["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join():
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a thread hangs"
        if "error" in done:
            raise done["error"]
        return done["result"]

    return join
