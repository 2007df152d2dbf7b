"""Network namespaces and the links between them."""

import contextlib
import ctypes
import os
import pathlib
import signal

from support.shell import run, wait_until

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def exists(name):
    return pathlib.Path(f"/run/netns/{name}").exists()


def create(name, ipv6=False):
    run("ip", "netns", "add", name)
    # Autoconfiguration would send frames that no test asked for: no link-local addresses either.
    for knob in ("all", "default"):
        settings = (f"disable_ipv6={int(not ipv6)}", "addr_gen_mode=1", "accept_dad=0", "accept_ra=0")
        tune(name, *(f"net.ipv6.conf.{knob}.{setting}" for setting in settings))
    run("ip", "-n", name, "link", "set", "lo", "up")


def lose(name, device, percent, which=""):
    """Every packet that comes into the device (and that nft calls `which`) is dropped with this probability."""
    run(*execute(name, "nft", "add table netdev loss; "
                 f'add chain netdev loss {device} {{ type filter hook ingress device "{device}" priority 0; }}; '
                 f"add rule netdev loss {device} {which} numgen random mod 100 < {percent} drop"))


def tune(name, *settings):
    """Of the kernel in there (sysctl), for the connections that are made from now on."""
    run(*execute(name, "sysctl", "-qw", *settings))


def remove(name):
    """End what runs inside, by pid, then remove the namespace."""
    if not exists(name):
        return
    for pid in processes(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes(name), f"the processes in {name} to end")
    # Unchecked: who interrupts a run and the run itself may both be taking the lab down.
    run("ip", "netns", "del", name, check=False)


def processes(name):
    """Living processes; a zombie has left its namespace already."""
    return [int(pid) for pid in run("ip", "netns", "pids", name, check=False).split()]


def execute(name, *command):
    """The command line that runs a command inside; `ip` replaces itself, so the pid is the command's."""
    return ["ip", "netns", "exec", name, *command]


def link(one, one_name, other, other_name):
    """A cable between two namespaces, without offloads: what is sent is what travels."""
    run("ip", "-n", one, "link", "add", one_name, "type", "veth", "peer", "name", other_name, "netns", other)
    for space, device in ((one, one_name), (other, other_name)):
        run(*execute(space, "ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off",
                     "gro", "off", "lro", "off"), check=False)
        run("ip", "-n", space, "link", "set", "dev", device, "up")


def bridge(name, ports):
    """A Linux bridge that neither waits nor speaks, and reads no more than Ethernet headers."""
    for family in ("ip", "ip6", "arp"):
        # Where the kernel has br_netfilter, it would drop or defragment IP packets on the bridge.
        run(*execute(name, "sysctl", "-qw", f"net.bridge.bridge-nf-call-{family}tables=0"), check=False)
    run("ip", "-n", name, "link", "add", "bridge", "type", "bridge", "stp_state", "0",
        "forward_delay", "0", "mcast_snooping", "0")
    for port in ports:
        run("ip", "-n", name, "link", "set", "dev", port, "master", "bridge")
    run("ip", "-n", name, "link", "set", "bridge", "up")


@contextlib.contextmanager
def inside(name):
    """Sockets opened in this block belong to the namespace, also afterwards."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _enter(there)
        yield
    finally:
        _enter(home)
        os.close(home)
        os.close(there)


def _enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
