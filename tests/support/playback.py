"""A run: FFmpeg plays a movie from its beginning to its end while the client's cable is captured.

play() is a run with whatever is done meanwhile; baseline() is what a run
without a failure looks like, over a plain bridge, kept beside the movies.
"""

import hashlib
import json
import pathlib
import threading
from dataclasses import dataclass

from support import contract, movies, player
from support.capture import Capture
from support.conversation import Conversation
from support.lab import CLIENT, PORT, SERVERS, Lab, mac_of
from support.shell import Failure, run, wait_until
from support.watch import Watch

MEASURING = ("rtsp_server", "wire", "conversation", "contract", "player")

_measuring = {movie: threading.Lock() for movie in movies.NAMES}     # cases run side by side


@dataclass
class Run:
    conversation: Conversation
    frames: list
    watch: Watch
    status: int

    def violations(self, expected):
        """Everything in this run that the client could have noticed."""
        found = contract.violations(self.conversation, mac_of(SERVERS["a"]), expected["media"])
        if self.status != 0:
            found.append(f"FFmpeg ended with status {self.status}")
        return found + player.compare(self.frames, expected["frames"])


def play(lab, movie, directory, meanwhile=None, end_s=20):
    """Play to the end; `meanwhile(watch, ffmpeg)` runs as soon as the first packet is there."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with Capture(lab.namespace("client"), "eth0", directory / "client.pcap") as capture:
        watch, ffmpeg = Watch(capture.file), player.Player(lab, movie, directory).start()
        try:
            wait_until(lambda: watch.look().samples or not ffmpeg.plays(), "the first packet of the movie")
            if meanwhile is not None:
                meanwhile(watch, ffmpeg)
            status = ffmpeg.wait(lab.seconds + end_s)
        finally:
            ffmpeg.stop()
    watch.look()
    conversation = Conversation(capture.packets(), CLIENT, SERVERS["a"], PORT)
    return Run(conversation, ffmpeg.frames(), watch, status)


def baseline(movie, seconds, instance="base"):
    """The media and the frames of a run without a failure: {"media": ..., "frames": ...}."""
    file = movies.CACHE / f"baseline-{movie}-{seconds}s-{_fingerprint(movie, seconds)}.json"
    with _measuring[movie]:
        if not file.exists():
            partial = file.with_suffix(f".{instance}")
            partial.write_text(json.dumps(_measure(movie, seconds, instance)))
            partial.rename(file)
    return json.loads(file.read_text())


def _measure(movie, seconds, instance):
    with Lab(instance, seconds, switch="bridge") as lab:
        lab.warm(["a"], movie)
        done = play(lab, movie, lab.directory)
        found = contract.violations(done.conversation, mac_of(SERVERS["a"]))
        if found or done.status != 0:
            raise Failure(f"the run without a failure is not clean: {found or done.status}")
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
