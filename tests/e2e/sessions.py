"""Sessions with a story of their own: two deaths, seeks, pauses, passwords, requests in flight."""

import fcntl
import struct
import termios

from e2e.case import expect, expect_none
from support import contract, netns, player
from support.capture import Capture
from support.conversation import Conversation
from support.failover import NOBODY, Death, fail_over
from support.lab import PORT, SERVER_NAMES, mac_of
from support.playback import baseline, play
from support.rtsp_client import RtspClient
from support.shell import wait_until

SEEK_TO_S = 8.0
PARAMETER_SETS = 2                  # what gst sends before the first picture behind a seek
USER, PASSWORD = "viewer", "two words"


def chain_of_three(case):
    """a dies, then b: c goes on, and the client knows nothing of either."""
    expected = baseline("half", case.seconds, instance=case.instance)
    with case.lab() as lab:
        lab.warm(SERVER_NAMES, "half")
        deaths = [Death("a", "sigkill", 4.3, NOBODY), Death("b", "cut", 7.1, NOBODY)]
        failover = fail_over(lab, "half", deaths, case.directory)
        found = failover.violations(expected)
    expect_none(found)
    expect(failover.events[1]["server_to"] == "c", f"the last server is {failover.events[1]['server_to']}")


def digest_authentication(case):
    """Every server wants a password; only the switch can prove it to the second one."""
    expected = baseline("two", case.seconds, instance=case.instance)
    guarded = {name: ["--digest", f"{USER}:{PASSWORD}"] for name in SERVER_NAMES}
    with case.lab(servers=guarded, service_settings=f'user = "{USER}"\npassword = "{PASSWORD}"\n') as lab:
        failover = fail_over(lab, "two", [Death("a", "sigkill", 5.1)], case.directory,
                             user=f"{USER}:{PASSWORD.replace(' ', '%20')}@")
        found = failover.violations(expected)
        refused = [m for m in failover.run.conversation.responses if m.status == 401]
        expect(len(refused) == 1, f"the client was challenged {len(refused)} times instead of once")
    expect_none(found)


def seek_then_kill(case):
    """rtspsrc seeks forward, plays a second from there, and the server dies."""
    expected = baseline("two", case.seconds, "rtspsrc", case.instance)
    with case.lab() as lab:
        lab.warm(["a", "b"], "two")
        done = play(lab, "two", case.directory, _seek_and_kill(lab), "rtspsrc")
        events = lab.midstream.ask("events")
    expect_none(done.contract_violations(skips=1) + done.player_violations())
    expect([event["outcome"] for event in events] == ["resumed"], f"one failover was expected: {events}")
    for stream, media in zip(done.conversation.streams, expected["media"]):
        expect_none(_two_passages(stream, media))
    for number, (passages, frames) in enumerate(zip(done.client.passages(), expected["frames"])):
        expect(len(passages) == 2, f"stream {number} has {len(passages)} passages instead of two")
        first, second = passages
        expect_none(player.compare(done.client, [first], [frames[:len(first)]]))
        start = next((n for n, frame in enumerate(frames) if frame[2] == second[0][2]), None)
        expect(start is not None, f"stream {number} goes on with a frame that is not of the movie")
        expect_none(player.compare(done.client, [_untimed(second)], [_untimed(frames[start:])]))


def _two_passages(stream, expected):
    """On the wire: the movie's beginning, a seek, and from a key frame there the movie to its end."""
    label, got = f"media {stream.encoding}", contract.media_of(contract.Only(stream))[0]
    place = {digest: number for number, (digest, *_) in enumerate(expected)}
    at = [place.get(digest) for digest, *_ in got]
    left = next((n for n, number in enumerate(at) if number != n), len(at))
    back = next((n for n in range(len(at) - 1, 0, -1) if at[n - 1] is None or at[n] != at[n - 1] + 1), 0)
    if at[back] is None:
        return [f"{label}: the last packet is not of the movie"]
    found, wanted = [], expected[at[back]:]
    if got[:left] != expected[:left]:
        found.append(f"{label}: timestamps or markers differ before the seek")
    if back - left > PARAMETER_SETS:
        found.append(f"{label}: {back - left} packets between the passages")
    if abs(wanted[0][1] / stream.clock_rate - SEEK_TO_S) > 0.05:
        found.append(f"{label}: goes on at {wanted[0][1] / stream.clock_rate:.3f} s")
    if _from_the_first(got[back:]) != _from_the_first(wanted):
        found.append(f"{label}: {len(got) - back} packets behind the seek instead of {len(wanted)}, or their "
                     "timestamps or markers differ")
    return found


def _from_the_first(media):
    return [[digest, timestamp - media[0][1], marker] for digest, timestamp, marker in media]


def _untimed(frames):
    """rtspsrc counts a passage's positions from the first packet behind its reading the answer to PLAY; on a
    loaded machine some pictures come before (measured, no server had failed): the packets are judged instead."""
    return [[0.0, size, digest] for _, size, digest in frames]


def _seek_and_kill(lab):
    def script(playing):
        playing.wait_for_position(3)
        playing.client.tell(f"seek {SEEK_TO_S}")
        playing.wait(lambda: all(len(passages) == 2 and passages[1][-1:] and passages[1][-1][0] > SEEK_TO_S + 1
                                 for passages in playing.client.passages()), "a second behind the seek")
        lab.kill_server("a")
        playing.wait(lambda: lab.midstream.ask("events"), "the failover")
    return script


def pause_kill_play(case):
    """The server of a paused session dies; PLAY without a Range goes on where it was paused."""
    expected = baseline("half", case.seconds, instance=case.instance)
    with case.lab() as lab:
        lab.warm(["a", "b"], "half")

        def talk(client):
            expect(client.request("PAUSE").status == 200, "PAUSE was refused")
            lab.kill_server("a")
            wait_until(lambda: {"name": "a", "state": "down"}.items() <= lab.midstream.ask("servers")[0].items(),
                       "the switch to find server a down")
            client.drain()
            expect(client.play().status == 200, "PLAY after PAUSE was refused")
            for _ in range(100):
                client.wait_for_media()
        conversation, events = _converse(case, lab, talk)
    expect([event["outcome"] for event in events] == ["resumed"], f"one failover was expected: {events}")
    expect_none(contract.violations(conversation, mac_of(lab.service), skips=1))
    for stream, media in zip(conversation.streams, expected["media"]):
        expect_none(contract.progress(stream, media))


def pause_kill_play_rtspsrc(case):
    """The same with a player, to the end of the movie."""
    expected = baseline("half", case.seconds, "rtspsrc", case.instance)
    with case.lab() as lab:
        lab.warm(["a", "b"], "half")
        done = play(lab, "half", case.directory, _pause_and_kill(lab), "rtspsrc")
        events = lab.midstream.ask("events")
    expect([event["outcome"] for event in events] == ["resumed"], f"one failover was expected: {events}")
    expect_none(done.contract_violations(skips=1) + done.player_violations())
    for stream, media in zip(done.conversation.streams, expected["media"]):
        expect_none(contract.progress(stream, media))
        expect(len(media) - len(stream.rtp) <= contract.COUNTED_AHEAD, f"{stream.encoding} does not reach the end")
    for number, (ours, theirs) in enumerate(zip(done.frames, expected["frames"])):
        place = {digest: at for at, (_, _, digest) in enumerate(theirs)}
        at = [place.get(digest, -1) for _, _, digest in ours]
        expect(at == sorted(set(at)) and at[0] >= 0, f"stream {number} does not go forward through the movie")


def _pause_and_kill(lab):
    def state(name):
        return [row["state"] for row in lab.midstream.ask(name)]

    def script(playing):
        playing.wait_for_position(3)
        playing.client.tell("pause")
        playing.wait(lambda: state("sessions") == ["paused"], "the switch to see the pause")
        lab.kill_server("a")
        playing.wait(lambda: state("servers")[0] == "down", "the switch to find server a down")
        playing.client.tell("play")
    return script


def acknowledged_unanswered(case):
    """Server a has stopped: its kernel acknowledges a request that it never answers, so b does."""
    with case.lab() as lab:
        lab.warm(["a", "b"], "half")

        def talk(client):
            lab.stop_server("a")
            client.send("GET_PARAMETER")
            wait_until(lambda: _unacknowledged(client) == 0, "a's kernel to acknowledge the request", 1, every=0.001)
            expect(lab.midstream.ask("events") == [], "the switch had left a before the request was acknowledged")
            answer = client.receive()
            expect(answer.status == 200, f"GET_PARAMETER was answered {answer.status}")
            client.drain()
            client.wait_for_media()
        conversation, events = _converse(case, lab, talk)
    expect([event["server_to"] for event in events] == ["b"], f"one failover to b was expected: {events}")
    expect_none(contract.violations(conversation, mac_of(lab.service), skips=1))


def _unacknowledged(client):
    return struct.unpack("i", fcntl.ioctl(client.connection, termios.TIOCOUTQ, bytes(4)))[0]


def _converse(case, lab, talk):
    """A client that plays the movie half and says what `talk` has it say, then leaves."""
    with Capture(lab.namespace("client"), "eth0", case.directory / "client.pcap") as capture:
        with netns.inside(lab.namespace("client")):
            client = RtspClient(lab.service, PORT, "half")
            client.setup()
        with client:
            expect(client.play(Range="npt=0-").status == 200, "PLAY was refused")
            for _ in range(100):
                client.wait_for_media()
            talk(client)
            expect(client.request("TEARDOWN").status == 200, "TEARDOWN was refused")
        events = lab.midstream.ask("events")
    return Conversation(capture.packets(), lab.client, lab.service, PORT), events


CASES = [chain_of_three, digest_authentication, seek_then_kill, pause_kill_play, pause_kill_play_rtspsrc, acknowledged_unanswered]
