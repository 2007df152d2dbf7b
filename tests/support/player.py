"""The clients: FFmpeg and GStreamer's rtspsrc. Each plays a movie and leaves a digest of every frame.

FFmpeg decodes, so its frames are pictures and sound; rtspsrc (gst_player.py) stops before the
decoder, so its frames are access units. Both say when each is to be shown. Only rtspsrc takes
commands: pause, play, seek SECONDS, stop.
"""

import pathlib
import re

from support.shell import Daemon

# FFmpeg puts both streams on one time line by the NTP times of the sender reports,
# and when the first report comes is up to the server: two runs without any failure
# differ by a tick of rounding. A millisecond is what the contract allows a report.
TIMESTAMP_TOLERANCE_S = 0.001


class FFmpeg:
    """Plays to the end of the media."""
    name = "FFmpeg"
    transport = ("udp", "-buffer_size", "4194304")  # the socket's: it holds what a loaded machine is slow to read
    # The last BYE is its end, and it asks its RTCP sockets first (libavformat/rtpproto.c, rtp_read): what it has
    # not read of the last packets by then is not played, with or without a switch. Measured: 3 frames of sound
    # on a loaded machine, 5 where it was stopped for half a second. This is a quarter of a second.
    last_frames = 12

    def __init__(self, lab, url, directory):
        self.frame_file = pathlib.Path(directory) / "frames.md5"
        self._lab, self._url = lab, url
        self.process = Daemon(directory, "ffmpeg")

    def start(self):
        self.frame_file.unlink(missing_ok=True)
        self.process.start(self._lab.in_client(
            "ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-y",
            "-rtsp_transport", *self.transport, "-i", self._url,
            "-fps_mode", "passthrough", "-enc_time_base:v", "1:90000",
            "-f", "framemd5", self.frame_file))
        return self

    def plays(self):
        return self.process.pid() is not None

    def wait(self, seconds):
        return self.process.wait(seconds)

    def stop(self):
        self.process.stop()

    def log(self):
        return self.process.output()

    def faults(self):
        return []

    def frames(self):
        return frames_of(self.frame_file.read_text())


class FFmpegInside(FFmpeg):
    """Has its media inside the RTSP connection."""
    transport = ("tcp",)
    last_frames = 2                 # its decoders may still hold them when the answer to TEARDOWN comes


class RtspSrc(FFmpeg):
    """Does what it is told; plays to the end of the media if nobody says anything."""
    name = "rtspsrc"
    transport = "udp"
    # A BYE overtakes what its jitter buffer (200 ms) holds, and what still waits to be pushed from it:
    # measured up to 22 units of sound.
    last_frames = 30

    def __init__(self, lab, url, directory):
        super().__init__(lab, url, directory)
        self.frame_file = pathlib.Path(directory) / "buffers.txt"
        self.process = Daemon(directory, "rtspsrc")

    def start(self):
        program = pathlib.Path(__file__).with_name("gst_player.py")
        self.process.start(self._lab.in_client("/usr/bin/python3", "-B", program, self.transport, self._url,
                                               self.frame_file), commands=True)
        return self

    def tell(self, command):
        self.process.tell(command)

    def faults(self):
        """What an application on top of it would have noticed."""
        return [f"rtspsrc: {line[6:]}" for line in self._lines() if line.startswith("fault ")]

    def frames(self):
        """All of a stream, whether it was sought in or not."""
        return [sum(passages, []) for passages in self.passages()]

    def passages(self):
        """Of each stream the passages between its seeks: lists of [seconds, size, digest]."""
        streams = [[[]], [[]]]
        for line in self._lines():
            word, *values = line.split()
            if word == "buffer":
                streams[int(values[0])][-1].append([float(values[1]), int(values[2]), values[3]])
            elif word == "flush" and streams[int(values[0])][-1]:
                streams[int(values[0])].append([])
        return streams

    def _lines(self):
        text = self.frame_file.read_text() if self.frame_file.exists() else ""
        return text[:text.rfind("\n") + 1].splitlines()


class RtspSrcInside(RtspSrc):
    """Has its media inside the RTSP connection."""
    transport = "tcp"


PLAYERS = {"ffmpeg": FFmpeg, "ffmpeg_inside": FFmpegInside, "rtspsrc": RtspSrc, "rtspsrc_inside": RtspSrcInside}
OVER_UDP = ("ffmpeg", "rtspsrc")
INSIDE = ("ffmpeg_inside", "rtspsrc_inside")


def frames_of(text):
    """Of each stream the list of [seconds, size, digest]."""
    ticks = {int(n): int(one) / int(of) for n, one, of in re.findall(r"^#tb (\d+): (\d+)/(\d+)", text, re.M)}
    frames = {number: [] for number in ticks}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            number, _, presentation, _, size, digest = (word.strip() for word in line.split(","))
            number = int(number)
            frames[number].append([int(presentation) * ticks[number], int(size), digest])
    return [frames[number] for number in sorted(frames)]


def compare(player, got, expected, last_frames=None):
    """What differs between two runs of a player, as one sentence for each stream; but for the last frames."""
    found, last = [], last_frames or player.last_frames
    if len(got) != len(expected):
        return [f"{player.name}: {len(got)} streams instead of {len(expected)}"]
    for number, (ours, theirs) in enumerate(zip(got, expected)):
        if abs(len(ours) - len(theirs)) > last:
            found.append(f"{player.name}: stream {number} has {len(ours)} frames instead of {len(theirs)}")
        for at, (one, other) in enumerate(zip(ours[:-last], theirs)):
            if one[1:] != other[1:] or abs(one[0] - other[0]) > TIMESTAMP_TOLERANCE_S:
                found.append(f"{player.name}: frame {at} of stream {number} is {one} instead of {other}")
                break
    return found


def tally(got, expected):
    """Frames expected, received, lost and repeated over all streams, by their digests."""
    counts = dict(expected=0, received=0, lost=0, repeated=0)
    for ours, theirs in zip(got, expected):
        digests = [frame[2] for frame in ours]
        counts["expected"] += len(theirs)
        counts["received"] += len(ours)
        counts["lost"] += len({frame[2] for frame in theirs} - set(digests))
        counts["repeated"] += len(digests) - len(set(digests))
    return counts
