"""Running other programs: at once, or as daemons that are known by their pid.

A daemon writes its output and its pid to files, so that the process that ends
it need not be the one that started it. Nothing here waits for a fixed time:
whoever waits names the condition.
"""

import os
import pathlib
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Failure(Exception):
    """Something did not go as it must; the text says what."""


def run(*command, check=True):
    """Run to the end and return what it printed."""
    done = subprocess.run([str(word) for word in command], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def wait_until(condition, what, seconds=10.0, every=0.01):
    """Wait for a condition; its first true value is the result."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds:g} s in vain for: {what}")
        time.sleep(every)


def exit_on_terminate():
    """Let SIGTERM unwind the stack as SIGINT does, so that labs are taken down."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


def _start_time(pid):
    """When the kernel started the process: tells it from a later one with the same pid."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


class Daemon:
    """One background process, found again by name through its pid file."""

    def __init__(self, directory, name):
        self.name = name
        self.log = pathlib.Path(directory) / f"{name}.log"
        self._pid_file = pathlib.Path(directory) / f"{name}.pid"
        self._child = None

    def start(self, command, commands=False):
        """With `commands`, tell() writes to its standard input."""
        with open(self.log, "wb") as log:
            self._child = subprocess.Popen([str(word) for word in command],
                                           stdin=subprocess.PIPE if commands else subprocess.DEVNULL,
                                           stdout=log, stderr=log, start_new_session=True)
        self._pid_file.write_text(f"{self._child.pid} {_start_time(self._child.pid)}")
        return self

    def pid(self):
        """The pid, or None if the process is gone."""
        if self._child is not None:
            self._child.poll()
        try:
            pid, started = self._pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if _start_time(pid) == started else None

    def cpu_seconds(self):
        """What all its threads have used so far."""
        fields = pathlib.Path(f"/proc/{self.pid()}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for_output(self, text, seconds=20.0):
        def said():
            if text in self.output():
                return True
            if self.pid() is None:
                raise Failure(f"{self.name} ended before it said {text!r}: {self.output()[-800:].strip()}")
            return False
        wait_until(said, f"{self.name} to say {text!r}", seconds)

    def tell(self, line):
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()

    def send(self, number):
        pid = self.pid()
        if pid is not None:
            os.kill(pid, number)

    def wait(self, seconds):
        """Wait for its end; the exit status if it is our child."""
        wait_until(lambda: self.pid() is None, f"the end of {self.name}", seconds)
        return self._child.wait() if self._child is not None else None

    def kill(self):
        self.send(signal.SIGKILL)
        return self.wait(5)

    def stop(self, number=signal.SIGTERM, seconds=5.0):
        """Ask it to end; kill it if it does not."""
        self.send(number)
        try:
            return self.wait(seconds)
        except Failure:
            return self.kill()
