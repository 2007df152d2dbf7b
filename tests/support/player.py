"""FFmpeg as the client: it plays a movie to its end and prints a digest of every decoded frame."""

import pathlib
import re

from support.lab import PORT, SERVERS
from support.shell import Daemon

# FFmpeg puts both streams on one time line by the NTP times of the sender reports,
# and when the first report comes is up to the server: two runs without any failure
# differ by a tick of rounding. A millisecond is what the contract allows a report.
TIMESTAMP_TOLERANCE_S = 0.001
# FFmpeg reports its end by the BYE and may give up the frames that its decoders
# still hold when the answer to TEARDOWN comes first.
LAST_FRAMES = 2


class Player:
    def __init__(self, lab, movie, directory):
        self.frame_file = pathlib.Path(directory) / "frames.md5"
        self._lab = lab
        self._url = f"rtsp://{SERVERS['a']}:{PORT}/{movie}"
        self._ffmpeg = Daemon(directory, "ffmpeg")

    def start(self):
        self.frame_file.unlink(missing_ok=True)
        self._ffmpeg.start(self._lab.in_client(
            "ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-y",
            # The socket's buffer holds what a loaded machine is slow to read.
            "-rtsp_transport", "udp", "-buffer_size", "4194304", "-i", self._url,
            "-fps_mode", "passthrough", "-enc_time_base:v", "1:90000",
            "-f", "framemd5", self.frame_file))
        return self

    def plays(self):
        return self._ffmpeg.pid() is not None

    def wait(self, seconds):
        return self._ffmpeg.wait(seconds)

    def stop(self):
        self._ffmpeg.stop()

    def log(self):
        return self._ffmpeg.output()

    def frames(self):
        return frames_of(self.frame_file.read_text())


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


def compare(got, expected):
    """What differs between two runs, as one sentence for each stream."""
    found = []
    if len(got) != len(expected):
        return [f"FFmpeg: {len(got)} streams instead of {len(expected)}"]
    for number, (ours, theirs) in enumerate(zip(got, expected)):
        if abs(len(ours) - len(theirs)) > LAST_FRAMES:
            found.append(f"FFmpeg: stream {number} has {len(ours)} frames instead of {len(theirs)}")
        for at, (one, other) in enumerate(zip(ours[:-LAST_FRAMES], theirs[:-LAST_FRAMES])):
            if one[1:] != other[1:] or abs(one[0] - other[0]) > TIMESTAMP_TOLERANCE_S:
                found.append(f"FFmpeg: frame {at} of stream {number} is {one} instead of {other}")
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


