"""The switch under test: its configuration, its process, and what it says of itself."""

import json
import os
import pathlib
import subprocess

from support import netns
from support.shell import ROOT, Daemon, Failure, run

BUILD = pathlib.Path(os.environ.get("MIDSTREAM_BUILD", ROOT / "build"))
SWITCH = BUILD / "midstream"
CONTROL = BUILD / "midstreamctl"

CONFIGURATION = """\
[device]
address = "10.99.0.254/24"
idle    = "sleep"

[[port]]
side = "client"
[[port]]
side = "server"

[[server]]
name    = "a"
address = "10.99.0.2"
[[server]]
name    = "b"
address = "10.99.0.3"
[[server]]
name    = "c"
address = "10.99.0.4"

[[service]]
name    = "movies"
address = "10.99.0.2"
port    = 554
servers = ["a", "b", "c"]

[heartbeat]
kind        = "rtsp-options"
interval_ms = 500
multiplier  = 3

[detect]
stall_ms   = 200
"""


class Midstream:
    def __init__(self, space, directory, file_prefix, hugepages=False, settings=""):
        self._space = space
        self._directory = pathlib.Path(directory)
        self._file_prefix = file_prefix
        self._hugepages = hugepages
        self._settings = settings
        self.process = Daemon(directory, "switch")

    def start(self):
        if not SWITCH.exists():
            raise Failure(f"{SWITCH} is not there: build it first (meson setup build && ninja -C build)")
        configuration = self._directory / "midstream.toml"
        configuration.write_text(CONFIGURATION + self._settings)
        self.process.start(netns.execute(self._space, *self.command(configuration)))

    def command(self, configuration, ports=("client", "server"), cores="0-1"):
        memory = [] if self._hugepages else ["--no-huge"]
        devices = [f"--vdev=net_af_packet{n},iface={device}" for n, device in enumerate(ports)]
        return [SWITCH, "-l", cores, "--no-pci", "--file-prefix", self._file_prefix, *memory,
                "-m", "256", *devices, "--", "--config", configuration]

    def stop(self):
        return self.process.stop()

    def ask(self, *words):
        """The rows of midstreamctl's answer; an answer that fails is a Failure."""
        printed = run(CONTROL, "--file-prefix", self._file_prefix, *words, "--json")
        return rows(printed)

    def table(self, *words):
        return run(CONTROL, "--file-prefix", self._file_prefix, *words)

    def follow_events(self):
        """A process that prints every event as a line of JSON, as it happens."""
        return subprocess.Popen([CONTROL, "--file-prefix", self._file_prefix, "events", "--follow", "--json"],
                                stdout=subprocess.PIPE, text=True)

    def all_servers_up(self):
        if self.process.pid() is None:
            raise Failure(f"the switch ended: {self.process.output()[-1500:].strip()}")
        try:
            states = self.ask("servers")
        except Failure:
            return False
        return len(states) == 3 and all(row["state"] == "up" for row in states)


def rows(printed):
    """JSON lines, or one JSON array."""
    printed = printed.strip()
    if printed.startswith("["):
        return json.loads(printed)
    return [json.loads(line) for line in printed.splitlines() if line]
