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
# A server that was stopped for five seconds sends all of them at once, and the worker may wait for its core.
RING = "blocksz=65536,framesz=2048,framecnt=8192"


def configuration(device, servers, service, names=None, settings="", service_settings=""):
    """The lab's file. `servers` is {name: address}; `names` those that serve, in order of preference."""
    listed = "".join(f'[[server]]\nname    = "{name}"\naddress = "{address}"\n' for name, address in servers.items())
    order = ", ".join(f'"{name}"' for name in names or servers)
    return f"""\
[device]
address = "{device}"
idle    = "sleep"

[[port]]
side = "client"
[[port]]
side = "server"

{listed}
[[service]]
name    = "movies"
address = "{service}"
port    = 554
servers = [{order}]
{service_settings}
[heartbeat]
kind        = "rtsp-options"
interval_ms = 500
multiplier  = 3

[detect]
stall_ms   = 200
{settings}"""


class Midstream:
    def __init__(self, space, directory, file_prefix, configuration, hugepages=False):
        self._space = space
        self._directory = pathlib.Path(directory)
        self._file_prefix = file_prefix
        self._hugepages = hugepages
        self._configuration = configuration
        self.process = Daemon(directory, "switch")

    def start(self):
        if not SWITCH.exists():
            raise Failure(f"{SWITCH} is not there: build it first (meson setup build && ninja -C build)")
        file = self._directory / "midstream.toml"
        file.write_text(self._configuration)
        self.process.start(netns.execute(self._space, *self.command(file)))

    def command(self, configuration, ports=("client", "server"), cores="0-1"):
        memory = [] if self._hugepages else ["--no-huge"]
        devices = [f"--vdev=net_af_packet{n},iface={device},{RING}" for n, device in enumerate(ports)]
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
        return states and all(row["state"] == "up" for row in states)


def rows(printed):
    """JSON lines, or one JSON array."""
    printed = printed.strip()
    if printed.startswith("["):
        return json.loads(printed)
    return [json.loads(line) for line in printed.splitlines() if line]
