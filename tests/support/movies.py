"""The movies of the lab: made once with FFmpeg, the same bytes every time.

    half  a key frame every half second, no B-frames
    two   a key frame every two seconds, three B-frames between references
    slow  two pictures a second

All have the frame number burnt in and sound that never repeats (a sweep
over noise), so that no two packets of a movie have the same payload: a
packet that is lost, repeated or out of place cannot hide.
"""

import hashlib
import os
import pathlib
import subprocess
import threading

CACHE = pathlib.Path(os.environ.get("MIDSTREAM_MOVIES", "/var/cache/midstream-lab"))
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf"

RECIPES = {                         # frames a second, and what the encoder is told
    "half": (24, "keyint=12:min-keyint=12:scenecut=0:bframes=0"),
    "two": (24, "keyint=48:min-keyint=48:scenecut=0:bframes=3:b-adapt=0:b-pyramid=normal"),
    "slow": (2, "keyint=2:min-keyint=2:scenecut=0:bframes=0"),
}
NAMES = tuple(RECIPES)
_making = threading.Lock()          # labs are built side by side


def path(name, seconds):
    """The file of a movie; made if it is not there yet."""
    recipe = hashlib.blake2b(repr(_command(name, seconds, "")).encode(), digest_size=4).hexdigest()
    target = CACHE / f"{name}-{seconds}s-{recipe}.mp4"
    with _making:
        if not target.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            partial = CACHE / f".{os.getpid()}-{target.name}"
            subprocess.run(_command(name, seconds, partial), check=True)
            partial.rename(target)
    return target


def elementary(name, seconds):
    """Picture (H.264, Annex B) and sound (AAC, ADTS) of a movie, each in a file of its own."""
    movie = path(name, seconds)
    files = movie.with_suffix(".h264"), movie.with_suffix(".aac")
    with _making:
        for stream, target in zip(("v", "a"), files):
            if not target.exists():
                partial = CACHE / f".{os.getpid()}-{target.name}"
                subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i", movie,
                                "-map", f"0:{stream}", "-c", "copy", partial], check=True)
                partial.rename(target)
    return files


def _command(name, seconds, target):
    rate, encoder = RECIPES[name]
    picture = (f"testsrc2=size=640x360:rate={rate}:duration={seconds},"
               f"drawtext=fontfile={FONT}:text='{name} %{{n}}':x=24:y=h-64:fontsize=40:"
               "fontcolor=white:box=1:boxcolor=black")
    sweep = f"aevalsrc='0.4*sin(2*PI*(220*t+14*t*t))':s=48000:d={seconds}"
    noise = f"anoisesrc=r=48000:a=0.1:c=pink:seed=1:d={seconds}"
    return ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
            "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sweep, "-f", "lavfi", "-i", noise,
            "-filter_complex", "[1:a][2:a]amix=inputs=2:normalize=0[sound]",
            "-map", "0:v", "-map", "[sound]",
            # One thread: the encoder's choices must not depend on the machine.
            "-c:v", "libx264", "-threads", "1", "-profile:v", "main", "-pix_fmt", "yuv420p",
            "-b:v", "1M", "-maxrate", "1.2M", "-bufsize", "2M", "-x264-params", encoder,
            # No noise substitution: the decoder would make up noise that depends on every frame before.
            "-c:a", "aac", "-b:a", "96k", "-ac", "1", "-aac_pns", "0",
            "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
            "-movflags", "+faststart", str(target)]
