#!/usr/bin/python3 -B
"""GStreamer's rtspsrc as a program: it plays every stream of a presentation, over udp or, inside the connection, tcp.

    gst_player.py udp rtsp://10.99.0.2:554/half FILE

What leaves the depayloaders (before any decoder) is written to FILE, a line each:

    buffer STREAM SECONDS SIZE DIGEST       in order; the time is the position in the presentation
    flush STREAM                            a seek: what follows is somewhere else
    fault TEXT                              what an application would have noticed

Standard input takes commands, a line each: pause, play, seek SECONDS, stop. The program ends with
status 0 at the end of the media or after stop, with 1 at an error.
"""

import hashlib
import os
import re
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

# PyGObject makes a class when it is first used, and two streaming threads at once may make two of it.
USED = (Gst.Buffer, Gst.Caps, Gst.Event, Gst.EventType, Gst.Format, Gst.PadProbeInfo, Gst.PadProbeReturn,
        Gst.Segment, Gst.Structure)
DEPAYLOADERS = {"H264": "rtph264depay", "MPEG4-GENERIC": "rtpmp4gdepay", "PCMA": "rtppcmadepay"}
PROTOCOLS = {"udp": 1, "tcp": 4}      # GstRTSPLowerTrans; only this one: no falling back to another
RTP_TIMESTAMPS_ONLY = 0             # the other buffer modes mix the time of arrival into positions
STREAM_EVENTS = Gst.PadProbeType.EVENT_DOWNSTREAM | Gst.PadProbeType.EVENT_FLUSH


class Player:
    def __init__(self, transport, url, file):
        self.status = 0
        self._file = file
        self._loop = GLib.MainLoop()
        self._linked = set()            # media types
        self._playing = set()           # streams of which a buffer has come, since the last seek
        self._pipeline = Gst.Pipeline.new("player")
        self._pipeline.add(self._source(transport, url))
        bus = self._pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message", self._hear)
        GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN, self._obey)

    def _source(self, transport, url):
        source = Gst.ElementFactory.make("rtspsrc")
        source.set_property("location", url)
        source.set_property("protocols", PROTOCOLS[transport])
        source.set_property("udp-buffer-size", 4 << 20)
        source.set_property("latency", 200)
        source.set_property("buffer-mode", RTP_TIMESTAMPS_ONLY)
        source.connect("pad-added", self._link)
        source.connect("new-manager", self._set_manager)
        return source

    @staticmethod
    def _set_manager(_source, manager):
        # Where a packet is missing, its jitter buffer says so to what follows.
        manager.set_property("do-lost", True)
        manager.connect("new-jitterbuffer", lambda _, jitter_buffer, *__: jitter_buffer.get_static_pad(
            "sink").add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, forget_the_end))

    def run(self):
        self._pipeline.set_state(Gst.State.PLAYING)
        self._loop.run()
        self._pipeline.set_state(Gst.State.NULL)
        return self.status

    def _write(self, *words):
        print(*words, file=self._file, flush=True)

    def fault(self, text):
        self._write("fault", text.replace("\n", " "))

    def _link(self, _source, pad):
        """Each stream has one pad for good; what comes on a second one (a new SSRC) nobody plays."""
        caps = pad.get_current_caps().get_structure(0)
        encoding, media = caps.get_string("encoding-name"), caps.get_string("media")
        if media in self._linked or encoding not in DEPAYLOADERS:
            self.fault(f"a pad of its own for {media} {encoding}: {pad.get_name()}")
            return
        number = 0 if media == "video" else 1
        self._linked.add(media)
        depayloader, sink = Gst.ElementFactory.make(DEPAYLOADERS[encoding]), Gst.ElementFactory.make("fakesink")
        for name, value in (("sync", False), ("async", False), ("signal-handoffs", True)):
            sink.set_property(name, value)
        sink.connect("handoff", self._take, number)
        depayloader.get_static_pad("sink").add_probe(STREAM_EVENTS, self._notice, number)
        for element in (depayloader, sink):
            self._pipeline.add(element)
            element.sync_state_with_parent()
        depayloader.link(sink)
        pad.link(depayloader.get_static_pad("sink"))

    def _take(self, _sink, buffer, pad, number):
        self._playing.add(number)
        segment = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment()
        position = segment.to_stream_time(Gst.Format.TIME, buffer.pts)
        data = buffer.extract_dup(0, buffer.get_size())
        digest = hashlib.blake2b(data, digest_size=12).hexdigest()
        self._write("buffer", number, f"{position / Gst.SECOND:.6f}", len(data), digest)

    def _notice(self, _pad, info, number):
        event = info.get_event()
        if event.type == Gst.EventType.FLUSH_STOP:
            self._playing.discard(number)
            self._write("flush", number)
        # gst-rtsp-server announces one number too few now and then: nothing is missing before the first.
        elif event.has_name("GstRTPPacketLost") and number in self._playing:
            self.fault(f"stream {number}: packet lost: {event.get_structure().to_string()}")
        return Gst.PadProbeReturn.OK

    def _hear(self, _bus, message):
        if message.type == Gst.MessageType.EOS:
            self._loop.quit()
        elif message.type == Gst.MessageType.ERROR:
            error, detail = message.parse_error()
            self.fault(f"error: {error.message}: {detail}")
            self.status = 1
            self._loop.quit()
        elif message.type == Gst.MessageType.WARNING:
            self.fault(f"warning: {message.parse_warning()[0].message}")

    def _obey(self, descriptor, _condition):
        data = os.read(descriptor, 4096)
        for line in data.decode().splitlines():
            verb, *words = line.split()
            if verb == "pause":
                self._pipeline.set_state(Gst.State.PAUSED)
            elif verb == "play":
                self._pipeline.set_state(Gst.State.PLAYING)
            elif verb == "seek":
                target = int(float(words[0]) * Gst.SECOND)
                self._pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH, target)
            elif verb == "stop":
                self._loop.quit()
        return bool(data)


def forget_the_end(pad, info):
    """A jitter buffer that knows the end of the range ends there by its own clock: reckoning by RTP timestamps
    alone, too early by as much as a failover took. The BYE says when the end has come."""
    event = info.get_event()
    if event.type != Gst.EventType.CAPS or not event.parse_caps().get_structure(0).has_field("npt-stop"):
        return Gst.PadProbeReturn.OK
    known = event.parse_caps().to_string()
    pad.send_event(Gst.Event.new_caps(Gst.Caps.from_string(re.sub(r", npt-stop=\(guint64\)\d+", "", known))))
    return Gst.PadProbeReturn.DROP


def main():
    Gst.init(None)
    transport, url, output = sys.argv[1:]
    with open(output, "w", encoding="utf-8") as file:
        player = Player(transport, url, file)
        # What goes wrong in a callback would only be printed.
        sys.excepthook = lambda kind, error, _: player.fault(f"gst_player: {kind.__name__}: {error}")
        sys.exit(player.run())


if __name__ == "__main__":
    main()
