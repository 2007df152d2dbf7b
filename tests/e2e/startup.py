"""Starting and ending: what is wrong is said in one sentence, and signals end the switch cleanly."""

import signal
import subprocess

from e2e.case import expect
from support.lab import SERVERS
from support.midstream import CONTROL, SWITCH, configuration, rows
from support.shell import Daemon, run, wait_until

CONFIGURATION = configuration("10.99.0.254/24", SERVERS, SERVERS["a"])
# What each line of the table changes, and what the sentence must name.
MISTAKES = (
    ("an unknown key", {"old": 'idle    = "sleep"', "new": 'idle = "sleep"\nidel = 1'}, ("midstream.toml:4", "idel")),
    ("an address that is none", {"old": '"10.99.0.3"', "new": '"10.99.0"'}, ("midstream.toml", "10.99.0")),
    ("a server that nobody knows", {"old": '["a", "b", "c"]', "new": '["a", "z"]'}, ("midstream.toml", "z")),
    ("a file that is not TOML", {"old": "[device]", "new": "[device"}, ("midstream.toml:1",)),
    ("a port too few", {"ports": 1}, ("port",)),
    ("a port too many", {"ports": 3}, ("port",)),
    ("a core too few", {"cores": "0"}, ("core",)),
    ("no configuration", {"options": ()}, ("--config",)),
    ("a file that is not there", {"options": ("--config", "/nowhere.toml")}, ("/nowhere.toml",)),
)


def configuration_mistakes(case):
    """Exit status 2, and one sentence that names the setting."""
    for what, change, words in MISTAKES:
        done = subprocess.run(_command(case, **change), text=True, capture_output=True, timeout=30)
        expect(done.returncode == 2, f"{what}: exit status {done.returncode} instead of 2: {done.stderr[-500:]}")
        said = [line for line in done.stderr.splitlines() if line.startswith("midstream: ")]
        expect(len(said) == 1, f"{what}: {len(said)} sentences instead of one: {done.stderr[-500:]}")
        for word in words:
            expect(word in said[0], f"{what}: {said[0]!r} does not name {word!r}")


def _command(case, old="", new="", ports=2, cores="0-1", options=None):
    file = case.directory / "midstream.toml"
    expect(old in CONFIGURATION, f"the lab's configuration has no {old!r}")
    file.write_text(CONFIGURATION.replace(old, new, 1) if old else CONFIGURATION)
    devices = [f"--vdev=net_null{number}" for number in range(ports)]
    options = ("--config", str(file)) if options is None else options
    return [str(SWITCH), "-l", cores, "--no-pci", "--no-huge", "-m", "256", "--file-prefix", _prefix(case),
            *devices, "--", *options]


def _prefix(case):
    return f"midstream-{case.instance}-start"


def signals(case):
    """SIGINT and SIGTERM: exit status 0."""
    for number in (signal.SIGINT, signal.SIGTERM):
        process = Daemon(case.directory, "switch").start(_command(case))
        try:
            wait_until(lambda: _answers(case, process), "the switch to answer midstreamctl")
            process.send(number)
            status = process.wait(10)
        finally:
            process.kill()
        expect(status == 0, f"{number.name} ended the switch with status {status}: {process.output()[-500:]}")


def _answers(case, process):
    expect(process.pid() is not None, f"the switch ended by itself: {process.output()[-500:]}")
    return rows(run(CONTROL, "--file-prefix", _prefix(case), "servers", "--json", check=False))


CASES = [configuration_mistakes, signals]
