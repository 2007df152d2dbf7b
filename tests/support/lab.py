"""The lab: a client, three servers and the switch between them, in network namespaces.

    client 10.99.0.1 --- [ switch 10.99.0.254 ] --- bridge -+- a 10.99.0.2
                                                            +- b 10.99.0.3
                                                            +- c 10.99.0.4

Each of client, switch, bridge, a, b and c is a namespace of its own, named
midstream-INSTANCE-WHO, so several labs can stand side by side and what a
crashed one left behind is found and removed. The bridge lets a server be cut
off without the switch seeing its link go down. All cables are veth pairs; the
device in a host is called eth0, the one in the bridge after its host.

`switch` may also be a plain Linux bridge: the network without midstream, which
gives the runs that a failover is compared with.
"""

import pathlib
import shutil
import signal
import time

from support import movies, netns
from support.midstream import Midstream
from support.rtsp_client import warm
from support.shell import Daemon, wait_until

CLIENT = "10.99.0.1"
SERVERS = {"a": "10.99.0.2", "b": "10.99.0.3", "c": "10.99.0.4"}
DEVICE = "10.99.0.254"
PORT = 554
ROLES = ("client", "switch", "bridge", *SERVERS)


def mac_of(address):
    """Fixed hardware addresses, so that a capture can be read by eye."""
    return f"02:00:00:99:00:{int(address.rsplit('.', 1)[1]):02x}"


class Lab:
    def __init__(self, instance="lab", seconds=30, switch="midstream", hugepages=False, settings="",
                 keep_log=None):
        self.instance = instance
        self.seconds = seconds
        self.kind = switch
        self.keep_log = keep_log        # a directory for the switch's log, when the lab goes down
        self.directory = pathlib.Path("/run/midstream") / instance
        self.midstream = Midstream(self.namespace("switch"), self.directory, f"midstream-{instance}",
                                   hugepages, settings)
        self.servers = {name: Daemon(self.directory, f"server-{name}") for name in SERVERS}

    def namespace(self, role):
        return f"midstream-{self.instance}-{role}"

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
        for name in SERVERS:
            self.start_server(name)
        self._start_switch()
        for name in SERVERS:
            self.servers[name].wait_for_output("ready")
        return self

    def down(self):
        self.midstream.stop()
        if self.keep_log and self.midstream.process.log.exists():
            shutil.copy(self.midstream.process.log, self.keep_log)
        for role in ROLES:
            netns.remove(self.namespace(role))
        shutil.rmtree(self.directory, ignore_errors=True)

    def is_up(self):
        return all(netns.exists(self.namespace(role)) for role in ROLES)

    def start_server(self, name):
        """A fresh server process; it prints "ready" once it listens."""
        serving = [f"{movie}={movies.path(movie, self.seconds)}" for movie in movies.NAMES]
        program = pathlib.Path(__file__).with_name("rtsp_server.py")
        self.servers[name].start(netns.execute(self.namespace(name), "/usr/bin/python3", program,
                                               "--port", str(PORT), *serving))

    def warm(self, names, movie):
        """Play a moment on each, so that plugins are loaded and files are in memory."""
        for name in names:
            self.servers[name].wait_for_output("ready")
            with netns.inside(self.namespace(name)):
                warm(SERVERS[name], PORT, movie)

    def kill_server(self, name):
        """SIGKILL: the process is gone, and its host's kernel closes what it held. The moment, in ns."""
        self.servers[name].send(signal.SIGKILL)
        moment = time.time_ns()
        self.servers[name].wait(5)
        return moment

    def cut_off(self, name):
        """The host falls silent: nothing in, nothing out, and no link goes down at the switch. The moment, in ns."""
        netns.run("ip", "-n", self.namespace("bridge"), "link", "set", "dev", name, "down")
        return time.time_ns()

    def reconnect(self, name):
        netns.run("ip", "-n", self.namespace("bridge"), "link", "set", "dev", name, "up")

    def _build_network(self):
        for role in ROLES:
            netns.create(self.namespace(role))
        switch, bridge = self.namespace("switch"), self.namespace("bridge")
        self._host("client", CLIENT, switch, "client")
        netns.link(switch, "server", bridge, "uplink")
        for name, address in SERVERS.items():
            self._host(name, address, bridge, name)
        netns.bridge(bridge, ("uplink", *SERVERS))

    def _host(self, role, address, neighbour, device):
        space = self.namespace(role)
        netns.link(space, "eth0", neighbour, device)
        netns.run("ip", "-n", space, "link", "set", "dev", "eth0", "address", mac_of(address))
        netns.run("ip", "-n", space, "address", "add", f"{address}/24", "dev", "eth0")

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
