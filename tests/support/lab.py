"""The lab: a client, three servers and the switch between them, in network namespaces.

    client 10.99.0.1 --- [ switch 10.99.0.254 ] --- bridge -+- a 10.99.0.2
                         [ service 10.99.0.100]             +- b 10.99.0.3
                                                            +- c 10.99.0.4

Each of client, switch, bridge, a, b and c is a namespace of its own, named
midstream-INSTANCE-WHO, so several labs can stand side by side and what a
crashed one left behind is found and removed. The bridge lets a server be cut
off without the switch seeing its link go down. All cables are veth pairs; the
device in a host is called eth0, the one in the bridge after its host.

The service is server a's own address (transparent) or 10.99.0.100 (virtual).
With IPv6 all of them speak from fd00:99::1 to fd00:99::254 as well, and the
service is an IPv6 one. `switch` may also be a plain Linux bridge: the network
without midstream, which gives the runs that a failover is compared with.

With a `cable` (the options of cable.py) the client's frames go through one
that loses and delays them, in a namespace of its own.
"""

import dataclasses
import pathlib
import re
import shutil
import signal
import time

from support import movies, netns
from support.midstream import BUILD, Midstream, configuration
from support.rtsp_client import warm
from support.shell import Daemon, wait_until

HOSTS = {"client": 1, "a": 2, "b": 3, "c": 4, "virtual": 100, "device": 254}
SERVER_NAMES = ("a", "b", "c")
PORT = 554
ROLES = ("client", "switch", "bridge", *SERVER_NAMES)
CABLE = "cable"


def address_of(who, version=4):
    return f"10.99.0.{HOSTS[who]}" if version == 4 else f"fd00:99::{HOSTS[who]}"


CLIENT, DEVICE = address_of("client"), address_of("device")
SERVERS = {name: address_of(name) for name in SERVER_NAMES}


def mac_of(address):
    """Fixed hardware addresses, so that a capture can be read by eye."""
    return f"02:00:00:99:00:{int(re.split('[.:]', address)[-1]):02x}"


@dataclasses.dataclass(frozen=True)
class Scripted:
    """A server of the scenario tests in place of gst-rtsp-server. It is a whole computer with a TCP of its
    own, so its namespace's kernel has no address."""
    personality: str
    movie: str = "half"             # whatever path is asked for
    packet_bytes: int = 1400

    def command(self, address, seconds):
        picture, sound = movies.elementary(self.movie, seconds)
        return [BUILD / "tests" / "scenario" / "personality", "--interface", "eth0", "--address", address,
                "--personality", self.personality, "--packet-bytes", self.packet_bytes,
                "--h264", picture, "--adts", sound]


@dataclasses.dataclass(frozen=True)
class Flood:
    """A server that sends as fast as it can, in place of gst-rtsp-server."""

    @staticmethod
    def command(_address, _seconds):
        return ["/usr/bin/python3", "-B", pathlib.Path(__file__).with_name("flood_server.py"), "--port", PORT]


class Lab:
    def __init__(self, instance="lab", seconds=30, switch="midstream", mode="transparent", version=4,
                 hugepages=False, servers=None, settings="", service_settings="", keep_log=None, cable=()):
        """`servers`: by name the options of a server's program, or another server in its place; the settings go into the switch's file."""
        self.instance = instance
        self.seconds = seconds
        self.kind = switch
        self.mode = mode
        self.version = version
        self.client = address_of("client", version)
        self.servers_at = {name: address_of(name, version) for name in SERVER_NAMES}
        self.service = address_of("virtual" if mode == "virtual" and switch == "midstream" else "a", version)
        self.keep_log = keep_log        # a directory for the switch's log, when the lab goes down
        self.directory = pathlib.Path("/run/midstream") / instance
        self._server_options = servers or {}
        self._cable = cable
        device = f"{address_of('device', version)}/{24 if version == 4 else 64}"
        self.midstream = Midstream(
            self.namespace("switch"), self.directory, f"midstream-{instance}",
            configuration(device, self.servers_at, self.service, None, settings, service_settings), hugepages)
        self.servers = {name: Daemon(self.directory, f"server-{name}") for name in SERVER_NAMES}

    def namespace(self, role):
        return f"midstream-{self.instance}-{role}"

    def url(self, movie, user=""):
        host = self.service if self.version == 4 else f"[{self.service}]"
        return f"rtsp://{user}{host}:{PORT}/{movie}"

    def at_switch(self):
        """Where the frames between client and switch are seen as the switch sends them: (namespace, device)."""
        return (self.namespace(CABLE), "switch") if self._cable else (self.namespace("client"), "eth0")

    def in_client(self, *command):
        return netns.execute(self.namespace("client"), *command)

    def __enter__(self):
        try:
            return self.up()
        except BaseException:
            self.down()
            raise

    def __exit__(self, *_):
        self.down()

    def up(self):
        Lab(self.instance).down()       # what a crash has left
        self.directory.mkdir(parents=True)
        self._build_network()
        for name in SERVER_NAMES:
            self.start_server(name)
        self._start_switch()
        for name in SERVER_NAMES:
            self.servers[name].wait_for_output("ready")
        return self

    def down(self):
        self.midstream.stop()
        if self.keep_log:
            for log in self.directory.glob("*.log"):
                shutil.copy(log, self.keep_log)
        for role in (*ROLES, CABLE):
            netns.remove(self.namespace(role))
        shutil.rmtree(self.directory, ignore_errors=True)

    def is_up(self):
        return all(netns.exists(self.namespace(role)) for role in ROLES)

    def start_server(self, name):
        """A fresh server process; it prints "ready" once it listens."""
        options = self._server_options.get(name, ())
        if isinstance(options, (Scripted, Flood)):
            command = options.command(self.servers_at[name], self.seconds)
            self.servers[name].start(netns.execute(self.namespace(name), *command), commands=True)
            return
        serving = [f"{movie}={movies.path(movie, self.seconds)}" for movie in movies.NAMES]
        program = pathlib.Path(__file__).with_name("rtsp_server.py")
        self.servers[name].start(netns.execute(self.namespace(name), "/usr/bin/python3", "-B", program,
                                               "--port", str(PORT), *options, *serving))

    def warm(self, names, movie, **credentials):
        """Play a moment on each, so that plugins are loaded and files are in memory."""
        for name in names:
            self.servers[name].wait_for_output("ready")
            with netns.inside(self.namespace(name)):
                warm(self.servers_at[name], PORT, movie, **credentials)

    def kill_server(self, name):
        """SIGKILL: the process is gone, and its host's kernel closes what it held. The moment, in ns."""
        self.servers[name].send(signal.SIGKILL)
        moment = time.time_ns()
        self.servers[name].wait(5)
        return moment

    def terminate_server(self, name):
        """SIGTERM: it says goodbye to its clients (BYE) and ends. The moment, in ns."""
        moment = time.time_ns()
        self.servers[name].send(signal.SIGTERM)
        return moment

    def stop_server(self, name):
        """SIGSTOP: its kernel goes on to acknowledge, and nobody answers. The moment, in ns."""
        self.servers[name].send(signal.SIGSTOP)
        return time.time_ns()

    def continue_server(self, name):
        self.servers[name].send(signal.SIGCONT)

    def cut_off(self, name):
        """The host falls silent: nothing in, nothing out, and no link goes down at the switch. The moment, in ns."""
        netns.run("ip", "-n", self.namespace("bridge"), "link", "set", "dev", name, "down")
        return time.time_ns()

    def reconnect(self, name):
        netns.run("ip", "-n", self.namespace("bridge"), "link", "set", "dev", name, "up")

    def _build_network(self):
        for role in ROLES:
            netns.create(self.namespace(role), self.version == 6 and role not in ("switch", "bridge"))
        switch, bridge = self.namespace("switch"), self.namespace("bridge")
        self._connect_client(switch)
        netns.link(switch, "server", bridge, "uplink")
        for name in SERVER_NAMES:
            self._host(name, bridge, name)
        netns.bridge(bridge, ("uplink", *SERVER_NAMES))

    def _connect_client(self, switch):
        if not self._cable:
            self._host("client", switch, "client")
            return
        space = self.namespace(CABLE)
        netns.create(space)
        self._host("client", space, "client")
        netns.link(space, "switch", switch, "client")
        program = pathlib.Path(__file__).with_name("cable.py")
        cable = Daemon(self.directory, CABLE)
        cable.start(netns.execute(space, "/usr/bin/python3", "-B", program, *self._cable, "client", "switch"))
        cable.wait_for_output("ready")

    def _host(self, role, neighbour, device):
        space = self.namespace(role)
        netns.link(space, "eth0", neighbour, device)
        netns.run("ip", "-n", space, "link", "set", "dev", "eth0", "address", mac_of(address_of(role)))
        if isinstance(self._server_options.get(role), Scripted):
            return
        netns.run("ip", "-n", space, "address", "add", f"{address_of(role)}/24", "dev", "eth0")
        if self.version == 6:
            # An address is at once as good as any: nobody waits for duplicates of it.
            netns.run("ip", "-n", space, "address", "add", f"{address_of(role, 6)}/64", "dev", "eth0", "nodad")

    def _start_switch(self):
        if self.kind == "bridge":
            netns.bridge(self.namespace("switch"), ("client", "server"))
            return
        self.midstream.start()
        wait_until(self.midstream.all_servers_up, "the switch to find all servers up", 20)


def instances():
    """Every instance of which a namespace is there."""
    spaces = pathlib.Path("/run/netns").glob("midstream-*-client")
    return sorted(space.name[len("midstream-"):-len("-client")] for space in spaces)
