#!/usr/bin/python3 -B
"""A stream server of the lab: gst-rtsp-server, every movie at its own path.

    rtsp_server.py --port 554 half=/path/half.mp4 two=/path/two.mp4

/NAME         the movie, every packet at its time
/NAME-burst   the movie; its packets leave together, every 0.8 s
/NAME-endless the movie, of unknown length
/live         what everybody sees who plays it now: a picture and noise of our own

Prints "ready" once it accepts connections, then serves until it is killed; SIGTERM makes it send
a BYE in every stream first.
"""

import argparse
import math
import signal
import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

# The parsers are there for their caps; they pass the file's own units on
# unchanged, so every server makes the same payloads from the same file.
# Queues without limits: after an accurate seek the demuxer sends [K, X) of the
# video before the sinks have preroll; a full audio queue then blocks the whole
# server for good (measured: the first of 30 such seeks at 2 s of key frame
# distance, one of 40 at 0.5 s; none of 60 without limits).
QUEUE = "queue max-size-time=0 max-size-bytes=0 max-size-buffers=0"
MOVIE = ("( filesrc location={path} ! qtdemux name=demux "
         f"demux.video_0 ! {QUEUE} ! h264parse ! rtph264pay name=pay0 pt=96 "
         f"demux.audio_0 ! {QUEUE} ! aacparse ! rtpmp4gpay name=pay1 pt=97 )")
LIVE = ("( videotestsrc is-live=true pattern=smpte75 ! video/x-raw,width=320,height=180,framerate=24/1 "
        "! x264enc tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=24 bitrate=400 "
        "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 "
        "audiotestsrc is-live=true wave=pink-noise samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=1 "
        "! audioconvert ! avenc_aac ! aacparse ! rtpmp4gpay name=pay1 pt=97 )")
# PyGObject makes a class when it is first used, and two streaming threads at once may make two of it.
USED = (Gst.Buffer, Gst.BufferList, Gst.EventType, Gst.Format, Gst.PadProbeInfo, Gst.PadProbeReturn,
        Gst.PadProbeType, Gst.Query, Gst.QueryType, Gst.Segment, Gst.State)
BURST_S = 0.8
GOODBYE_MS = 100                    # for the BYEs to leave
ROLE = "viewer"


class Server:
    def __init__(self, arguments):
        self.loop = GLib.MainLoop()
        self._media = []
        self._server = GstRtspServer.RTSPServer()
        self._server.set_address("::")
        self._server.set_service(str(arguments.port))
        self._protected = bool(arguments.digest)
        if arguments.digest:
            self._server.set_auth(digest(*arguments.digest.split(":")))
        if arguments.session_timeout:
            self._server.connect("client-connected", lambda _, client: client.connect(
                "new-session", lambda _, session: session.set_timeout(arguments.session_timeout)))
        GLib.timeout_add_seconds(1, self._expire)
        for name, path in (movie.split("=", 1) for movie in arguments.movie):
            launch = MOVIE.format(path=path)
            self._offer(f"/{name}", launch)
            self._offer(f"/{name}-burst", launch, send_in_bursts)
            self._offer(f"/{name}-endless", launch, hide_the_end)
        self._offer("/live", LIVE, shared=True)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, self._leave)

    def serve(self):
        if self._server.attach(None) == 0:
            sys.exit("rtsp_server: cannot listen")
        print("ready", flush=True)
        self.loop.run()

    def _offer(self, path, launch, manner=None, shared=False):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch)
        factory.set_shared(shared)
        if self._protected:
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role(ROLE, GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
            permissions.add_permission_for_role(ROLE, GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
            factory.set_permissions(permissions)
        factory.connect("media-configure", self._configure, manner)
        self._server.get_mount_points().add_factory(path, factory)

    def _configure(self, _factory, media, manner):
        payloaders = [media.get_element().get_by_name(f"pay{number}") for number in (0, 1)]
        self._media.append(payloaders)
        media.connect("unprepared", lambda _: self._media.remove(payloaders))
        if manner is not None:
            for payloader in payloaders:
                manner(payloader)

    def _expire(self):
        self._server.get_session_pool().cleanup()
        return True

    def _leave(self):
        for payloaders in self._media:
            for payloader in payloaders:
                payloader.get_static_pad("sink").send_event(Gst.Event.new_eos())
        GLib.timeout_add(GOODBYE_MS, self.loop.quit)


def send_in_bursts(payloader):
    """Every packet waits for the end of its burst; then it is late, and a sink sends it at once."""
    def hold(pad, info):
        segment = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment()
        due = segment.to_running_time(Gst.Format.TIME, packet_time(info)) / Gst.SECOND
        clock = payloader.get_clock()
        if clock is not None and payloader.current_state == Gst.State.PLAYING:
            now = (clock.get_time() - payloader.get_base_time()) / Gst.SECOND
            time.sleep(min(max(math.ceil(due / BURST_S) * BURST_S - now, 0), BURST_S))
        return Gst.PadProbeReturn.OK
    payloader.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, hold)


def packet_time(info):
    packets = info.get_buffer_list() if info.type & Gst.PadProbeType.BUFFER_LIST else None
    return (packets.get(0) if packets else info.get_buffer()).pts


def hide_the_end(payloader):
    def refuse(_pad, info):
        known = info.get_query().type in (Gst.QueryType.DURATION, Gst.QueryType.SEEKING)
        return Gst.PadProbeReturn.DROP if known else Gst.PadProbeReturn.OK
    payloader.get_static_pad("src").add_probe(Gst.PadProbeType.QUERY_UPSTREAM, refuse)


def digest(user, password):
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE)
    auth.add_digest(user, password, token)
    return auth


def main():
    parser = argparse.ArgumentParser(description="Serve movies over RTSP.")
    parser.add_argument("--port", type=int, default=554)
    parser.add_argument("--digest", metavar="USER:PASSWORD", help="who may play, by Digest authentication")
    parser.add_argument("--session-timeout", type=int, metavar="SECONDS", help="instead of 60")
    parser.add_argument("movie", nargs="+", help="NAME=FILE")
    arguments = parser.parse_args()
    Gst.init(None)
    Server(arguments).serve()


if __name__ == "__main__":
    main()
