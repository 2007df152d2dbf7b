"""A run: a player plays a movie while the client's cable is captured.

play() is a run with whatever is done meanwhile; baseline() is what a run
without a failure looks like, over a plain bridge, kept beside the movies.
"""

import collections
import hashlib
import json
import pathlib
import threading
import time
from dataclasses import dataclass

from support import contract, movies, player
from support.capture import Capture
from support.conversation import Conversation
from support.lab import PORT, SERVERS, Lab, address_of, mac_of
from support.shell import Failure, run, wait_until
from support.watch import Watch

MEASURING = ("rtsp_server", "wire", "conversation", "contract", "player", "gst_player")
LOOK_EVERY_S = 0.01

_measuring = collections.defaultdict(threading.Lock)        # cases run side by side


@dataclass
class Run:
    conversation: Conversation
    watch: Watch
    client: player.FFmpeg
    status: int
    server_mac: str                 # the one that the client must see, if it is known before
    strangers: tuple                # addresses of servers that the client has not dialled

    @property
    def frames(self):
        return self.client.frames()

    def violations(self, expected):
        """Everything in this run that the client could have noticed, against a run to the movie's end."""
        return self.contract_violations(expected["media"]) + self.player_violations() \
            + player.compare(self.client, self.frames, expected["frames"])

    def contract_violations(self, media=None, **allowed):
        return contract.violations(self.conversation, self.server_mac, media, strangers=self.strangers, **allowed)

    def player_violations(self):
        found = [] if self.status == 0 else [f"{self.client.name} ended with status {self.status}"]
        return found + self.client.faults()


class Playing:
    """A run that goes on: what has come so far, and the player."""

    def __init__(self, lab, watch, client):
        self.lab, self.watch, self.client = lab, watch, client

    def wait(self, condition, what, seconds=20.0, tick=lambda watch: None):
        """Until the condition holds; a player that ends meanwhile is a Failure."""
        deadline = time.monotonic() + seconds
        while True:
            self.watch.look()
            if condition():
                return
            if not self.client.plays():
                raise Failure(f"{self.client.name} ended before {what}: {self.client.log()[-500:]}")
            if time.monotonic() > deadline:
                raise Failure(f"waited {seconds:g} s in vain for: {what}")
            tick(self.watch)
            time.sleep(LOOK_EVERY_S)

    def wait_for_position(self, seconds, tick=lambda watch: None):
        self.wait(lambda: self.watch.position() >= seconds, f"{seconds:.3f} s of the movie",
                  seconds + 20, tick)

    def position(self):
        return self.watch.position()


def play(lab, movie, directory, meanwhile=None, client="ffmpeg", end_s=20, user=""):
    """Play to the end; `meanwhile(playing)` runs as soon as the first packet is there."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with Capture(*lab.at_switch(), directory / "client.pcap") as capture:
        watch = Watch(capture.file, lab.service, lab.client)
        client = player.PLAYERS[client](lab, lab.url(movie, user), directory).start()
        try:
            wait_until(lambda: watch.look().samples or not client.plays(), "the first packet of the movie")
            if meanwhile is not None:
                meanwhile(Playing(lab, watch, client))
            status = client.wait(lab.seconds + end_s)
        finally:
            client.stop()
    watch.look()
    return run_of(lab, capture, watch, client, status)


def run_of(lab, capture, watch, client, status):
    strangers = tuple(address for address in lab.servers_at.values() if address != lab.service)
    server_mac = mac_of(address_of("a")) if lab.mode == "transparent" else None
    conversation = Conversation(capture.packets(), lab.client, lab.service, PORT)
    return Run(conversation, watch, client, status, server_mac, strangers)


def baseline(movie, seconds, client="ffmpeg", instance="base"):
    """The media and the frames of a run without a failure: {"media": ..., "frames": ...}."""
    file = movies.CACHE / f"baseline-{movie}-{seconds}s-{client}-{_fingerprint(movie, seconds)}.json"
    with _measuring[movie, client]:
        if not file.exists():
            partial = file.with_suffix(f".{instance}")
            partial.write_text(json.dumps(_measure(movie, seconds, client, f"{instance}-base")))
            partial.rename(file)
    return json.loads(file.read_text())


def _measure(movie, seconds, client, instance):
    with Lab(instance, seconds, switch="bridge") as lab:
        lab.warm(["a"], movie)
        done = play(lab, movie, lab.directory, client=client)
        found = done.contract_violations() + done.player_violations()
        if found:
            raise Failure(f"the run without a failure is not clean: {found}")
        return {"media": contract.media_of(done.conversation), "frames": done.frames}


def _fingerprint(movie, seconds):
    """Changes with everything that the expected packets and frames depend on."""
    here = pathlib.Path(__file__).parent
    sources = [movies.path(movie, seconds)] + [here / f"{module}.py" for module in MEASURING]
    digest = hashlib.blake2b(run("ffmpeg", "-version").encode(), digest_size=6)
    digest.update(run("gst-inspect-1.0", "--version").encode())
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()
