"""Nothing fails, and nothing of what passes is touched."""

from e2e.case import expect, expect_none
from support import lab as labs
from support.capture import Capture
from support.playback import baseline, play
from support.shell import wait_until

PORT_OF_RTSP = labs.PORT
POSITION_TOLERANCE_S = 0.3          # a frame of the stream, and the time that it takes to ask


def session_without_failure(case):
    """Both sides of the switch see the same frames, the movie ends normally, and nothing is reported."""
    expected = baseline("half", case.seconds, instance=case.instance)
    with case.lab() as lab:
        lab.warm(["a"], "half")
        with Capture(lab.namespace("bridge"), "uplink", lab.directory / "server-side.pcap") as other:
            done = play(lab, "half", case.directory, _asks_for_the_position(lab))
        expect_none(done.violations(expected))
        wait_until(lambda: all(row["state"] == "torn-down" for row in lab.midstream.ask("sessions")),
                   "the session to end with its TEARDOWN")
        expect(lab.midstream.ask("events") == [], "a movie that ended normally was reported as an event")
        flows = compare(done.conversation.packets, other.packets())
    return f"{flows} flows the same on both sides"


def _asks_for_the_position(lab):
    def meanwhile(playing):
        playing.wait_for_position(5)
        before, rows, after = playing.position(), lab.midstream.ask("streams"), playing.position()
        expect(len(rows) == 2, f"{len(rows)} streams are known instead of two")
        for row in rows:
            expect(before - POSITION_TOLERANCE_S <= row["position_s"] <= after + POSITION_TOLERANCE_S,
                   f"{row['encoding']} is said to be at {row['position_s']} s, the client is at {after:.3f} s")
    return meanwhile


def compare(client_side, server_side):
    """Per flow the same frames in the same order, byte for byte; the number of flows."""
    client, server = _flows(client_side), _flows(server_side)
    expect(client.keys() == server.keys(),
           f"flows seen on one side only: {sorted(client.keys() ^ server.keys())}")
    for flow, frames in client.items():
        expect(frames == server[flow], f"the flow {flow} is not the same on both sides")
    expect(any(flow[0] == "tcp" for flow in client) and sum(flow[0] == "udp" for flow in client) >= 4,
           "the captures hold no whole session")
    return len(client)


def _flows(packets):
    flows = {}
    for packet in packets:
        if packet.kind in ("tcp", "udp") and labs.CLIENT in (packet.source, packet.destination):
            flows.setdefault(packet.flow(), []).append(packet.raw)
    return flows


CASES = [session_without_failure]
