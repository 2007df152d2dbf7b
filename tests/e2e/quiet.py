"""What looks like a failure and is none: nothing may be reported, and nothing may move."""

import contextlib
import re
import signal

from e2e.case import expect, expect_none
from support import netns, player
from support.capture import Capture
from support.lab import PORT
from support.playback import baseline, play
from support.rtsp_client import RtspClient
from support.shell import wait_until
from support.watch import Watch

LONGER_THAN_ANY_STALL_S = 3         # the rule's floor is 200 ms, the heartbeats' limit 1.5 s
SESSION_TIMEOUT_S = 4
LOSS_PERCENT = 5
BURST_FRAMES = 40                   # of sound, in 0.8 s


def _expect_quiet(lab, state=None):
    expect(lab.midstream.ask("events") == [], f"reported without a failure: {lab.midstream.ask('events')}")
    servers = {row["server"] for row in lab.midstream.ask("sessions")}
    expect(servers <= {"a"}, f"sessions were moved to {servers}")
    if state is not None:
        wait_until(lambda: {row["state"] for row in lab.midstream.ask("sessions")} <= {state},
                   f"the session to be {state}")


@contextlib.contextmanager
def _client(lab):
    """A client that plays the movie half."""
    with netns.inside(lab.namespace("client")):
        client = RtspClient(lab.service, PORT, "half")
        client.setup()
    with client:
        expect(client.play(Range="npt=0-").status == 200, "PLAY was refused")
        client.wait_for_media()
        yield client


def _played(movie, like=None, last_frames=None):
    """FFmpeg plays to the end: every frame comes, as without a switch, and nothing is reported."""
    def run(case):
        expected = baseline(like or movie, case.seconds, instance=case.instance)
        with case.lab() as lab:
            done = play(lab, movie, case.directory)
            _expect_quiet(lab)
            expect_none(done.player_violations() + player.compare(done.client, done.frames, expected["frames"],
                                                                   last_frames))
    return run


def quiet_two_frames_a_second(case):
    """The pictures come slower than the silence rule's floor."""
    _played("slow")(case)


def quiet_bursts(case):
    """Every 0.8 s all packets at once; the BYE overtakes what FFmpeg has not read of the last of them."""
    _played("half-burst", like="half", last_frames=BURST_FRAMES)(case)


def quiet_end_unknown(case):
    """The end of a movie whose length nobody told: its BYE passes."""
    _played("half-endless", like="half")(case)


def quiet_pause(case):
    """A paused stream is silent."""
    with case.lab() as lab, _client(lab) as client:
        expect(client.request("PAUSE").status == 200, "PAUSE was refused")
        client.drain()
        with Capture(lab.namespace("client"), "eth0", case.directory / "client.pcap") as capture:
            _pass_time(capture, lab)
        expect(client.play().status == 200, "PLAY after PAUSE was refused")
        client.drain()
        client.wait_for_media()
        _expect_quiet(lab)


def _pass_time(capture, lab):
    """Heartbeats are the clock: as many as it takes, and none of them media."""
    with netns.inside(lab.namespace("client")):
        run = ["ping", "-i", "0.5", "-c", str(2 * LONGER_THAN_ANY_STALL_S), lab.servers_at["b"]]
    netns.run(*lab.in_client(*run))
    media = Watch(capture.file, lab.service, lab.client).look().samples
    expect(len(media) == 0, f"{len(media)} packets of media came during a pause")


def quiet_teardown(case):
    """A client that leaves in the middle says so."""
    with case.lab() as lab:
        with _client(lab) as client:
            expect(client.request("TEARDOWN").status == 200, "TEARDOWN was refused")
        _expect_quiet(lab, "torn-down")


def quiet_client_killed(case):
    """A client's process ends without a word: its host closes the connection and refuses its media."""
    with case.lab() as lab:
        def kill(playing):
            playing.wait_for_position(2)
            playing.client.process.send(signal.SIGKILL)
        play(lab, "half", case.directory, kill)
        wait_until(lambda: not _media_flows(lab), "the server to end the session of a client that is gone", 20)
        _expect_quiet(lab)


def _media_flows(lab):
    return any(row["state"] == "playing" for row in lab.midstream.ask("sessions"))


def quiet_session_expired(case):
    """A client that never says that it lives: the server ends its session, rightly."""
    with case.lab(servers={"a": ["--session-timeout", str(SESSION_TIMEOUT_S)]}) as lab, _client(lab) as client:
        def silent():
            client.drain()
            try:
                client.streams[0][0].settimeout(1)
                client.streams[0][0].recv(65536)
            except TimeoutError:
                return True
            return False
        wait_until(silent, "the server to end the session", 4 * SESSION_TIMEOUT_S)
        _expect_quiet(lab)


def quiet_loss(case):
    """One packet in twenty is lost between server a and the switch, heartbeats and answers too."""
    with case.lab() as lab:
        lab.warm(["a"], "half")
        netns.lose(lab.namespace("bridge"), "a", LOSS_PERCENT)
        done = play(lab, "half", case.directory)
        _expect_quiet(lab)
        lost = [sum((after.sequence - before.sequence - 1) & 0xFFFF for before, after in zip(s.rtp, s.rtp[1:]))
                for s in done.conversation.streams]
        sent = sum(len(s.rtp) for s in done.conversation.streams) + sum(lost)
        expect(0.02 < sum(lost) / sent < 0.10, f"{sum(lost)} of {sent} packets were lost: that is not 5 %")
        rest = [found for found in done.contract_violations()
                if not re.search("is followed by|the last report counts", found)]
        expect_none(rest)
    return f"{sum(lost)} of {sent} packets lost"


CASES = [quiet_two_frames_a_second, quiet_bursts, quiet_end_unknown, quiet_loss, quiet_session_expired, quiet_pause,
         quiet_client_killed, quiet_teardown]
