#!/usr/bin/python3 -B
"""A stream server of the lab: gst-rtsp-server, every movie at its own path.

    rtsp_server.py --port 554 half=/path/half.mp4 two=/path/two.mp4

Prints "ready" once it accepts connections, then serves until it is killed.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

# The parsers are there for their caps; they pass the file's own units on
# unchanged, so every server makes the same payloads from the same file.
# Queues without limits: after an accurate seek the demuxer sends [K, X) of the
# video before the sinks have preroll; a full audio queue then blocks the whole
# server for good (measured: the first of 30 such seeks at 2 s of key frame
# distance, one of 40 at 0.5 s; none of 60 without limits).
QUEUE = "queue max-size-time=0 max-size-bytes=0 max-size-buffers=0"
PIPELINE = ("( filesrc location={path} ! qtdemux name=demux "
            f"demux.video_0 ! {QUEUE} ! h264parse ! rtph264pay name=pay0 pt=96 "
            f"demux.audio_0 ! {QUEUE} ! aacparse ! rtpmp4gpay name=pay1 pt=97 )")


def serve(port, movies):
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_service(str(port))
    for name, path in movies:
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(PIPELINE.format(path=path))
        factory.set_shared(False)
        server.get_mount_points().add_factory(f"/{name}", factory)
    if server.attach(None) == 0:
        sys.exit(f"rtsp_server: cannot listen on port {port}")
    print("ready", flush=True)
    GLib.MainLoop().run()


def main():
    parser = argparse.ArgumentParser(description="Serve movies over RTSP.")
    parser.add_argument("--port", type=int, default=554)
    parser.add_argument("movie", nargs="+", help="NAME=FILE")
    arguments = parser.parse_args()
    serve(arguments.port, [movie.split("=", 1) for movie in arguments.movie])


if __name__ == "__main__":
    main()
