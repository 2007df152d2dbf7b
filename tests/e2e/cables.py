"""Media inside the connection over a cable that loses frames, or lets them be overtaken: servers die all the same.

Four deaths in a session, one of each kind: a -> b -> c -> a -> b, unless a server's question for the client's
hardware address is lost and the next one takes over. The contract is judged from what the switch
sends, which holds what TCP has to send again; and what arrives must make the same bytes.
"""

import collections
import itertools

from e2e.case import expect, expect_none
from support import contract
from support.capture import Capture
from support.conversation import Conversation
from support.failover import KILLS, NOBODY, PLAYING, PREVIOUS, Death, fail_over
from support.lab import PORT
from support.playback import baseline

CABLES = {"loses_1": ("--lose", 1), "loses_5": ("--lose", 5), "delays_3": ("--delay", 3)}
SESSIONS = {                        # (mode, client, movie): the four kinds of death begin with this one
    ("transparent", "ffmpeg_inside", "half"): 0,
    ("virtual", "ffmpeg_inside", "two"): 1,
    ("virtual", "rtspsrc_inside", "half"): 2,
}
COMES_BACK = (NOBODY, PREVIOUS, PREVIOUS, PREVIOUS)
POSITIONS_S = (2.1, 4.3, 6.8, 9.4)


def _case(cable, session, first):
    mode, client, movie = session

    def run(case):
        expected = baseline(movie, case.seconds, client, case.instance)
        with case.lab(mode=mode, cable=(*CABLES[cable], "--seed", first)) as lab:
            lab.warm("abc", movie)
            with Capture(lab.namespace("client"), "eth0", case.directory / "arrived.pcap") as capture:
                failover = fail_over(lab, movie, _deaths(first), case.directory, client=client)
            found = failover.violations(expected)
            arrived = Conversation(capture.packets(), lab.client, lab.service, PORT)
        expect_none(found)
        return _compare(cable, failover.run.conversation, arrived)
    run.__name__ = "_".join(("cable", cable, *session))
    return run


def _deaths(first):
    kinds = itertools.islice(itertools.cycle(KILLS), first, None)
    return [Death(PLAYING, *death) for death in zip(kinds, POSITIONS_S, COMES_BACK)]


def _compare(cable, sent, arrived):
    """The cable is as bad as its name says, and the same bytes come out of it; one capture may end a moment earlier."""
    both = min(len(sent.to_client.bytes), len(arrived.to_client.bytes))
    expect(arrived.to_client.bytes[:both] == sent.to_client.bytes[:both], "other bytes arrive than are sent")
    expect(contract.media_of(arrived) == contract.media_of(sent), "other media arrives than is sent")
    ours, theirs = _segments(sent), _segments(arrived)
    places = {raw: collections.deque() for raw in ours}
    for number, raw in enumerate(ours):
        places[raw].append(number)
    order = [places[raw].popleft() for raw in theirs if places.get(raw)]
    if cable.startswith("loses"):
        bad, word = len(ours) - len(order), "lost"
    else:
        bad, word = sum(before > after for before, after in itertools.pairwise(order)), "overtaken"
    expect(bad > 0, f"no segment was {word}")
    return f"{bad} of {len(ours)} segments {word}"


def _segments(conversation):
    return [p.raw for p in conversation.packets if p.kind == "tcp" and p.destination == conversation.client]


CASES = [_case(cable, session, first) for cable in CABLES for session, first in SESSIONS.items()]
