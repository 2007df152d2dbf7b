"""The continuity contract, asserted from packets that were captured at the client.

violations() returns one sentence for each line of the contract that a run broke;
an empty list is a run in which the client noticed nothing. What the media has to
be comes from a run without a failure (media_of), in the order of the streams.
"""

import hashlib

from support import wire

REPORT_TOLERANCE_S = 0.001          # sender reports: on one NTP/RTP line within a millisecond
# gst counts a packet when it is queued for its time: measured 4 to 5, an access unit of the lab's movies.
COUNTED_AHEAD = 12


def violations(conversation, server_mac, baseline=None, skips=0, strangers=(), tolerance_s=REPORT_TOLERANCE_S):
    """`skips`: how often a stream may leave out a few sequence numbers (a seek drops what gst has queued).

    `tolerance_s`: how far reports may leave the session's line.

    `strangers`: addresses of servers that the client must not hear of. Without a `server_mac` it is the
    first one that the server's address is seen with.
    """
    server_mac = server_mac or _first_mac(conversation)
    found = _control_connection(conversation)
    if not conversation.streams:
        return found + ["RTSP: the client set up no stream"]
    found += _answers(conversation)
    for stream in conversation.streams:
        found += _one_stream(stream, skips) + _reports(stream, tolerance_s)
    found += _lip_sync(conversation.streams, tolerance_s) + _neighbours(conversation, server_mac)
    found += _foreign_addresses(conversation, strangers)
    if baseline is not None and len(baseline) != len(conversation.streams):
        found.append(f"RTSP: {len(conversation.streams)} streams were set up instead of {len(baseline)}")
    elif baseline is not None:
        for stream, expected in zip(conversation.streams, baseline):
            found += _media(stream, expected)
    return found


def _first_mac(conversation):
    return next((p.source_mac for p in conversation.packets if p.source == conversation.server), None)


def media_of(conversation):
    """Of each stream the list of [payload digest, timestamp from the first, marker]."""
    return [[[hashlib.blake2b(packet.payload, digest_size=12).hexdigest(),
              _signed(packet.timestamp - stream.rtp[0].timestamp), packet.marker]
             for packet in stream.rtp] for stream in conversation.streams]


def _signed(difference):
    return (difference + (1 << 31)) % (1 << 32) - (1 << 31)


def _control_connection(conversation):
    found = []
    if len(conversation.connections) != 1:
        found.append(f"TCP: {len(conversation.connections)} control connections instead of one")
    if conversation.to_client is None:
        return found + ["TCP: the control connection was never answered"]
    found += [f"TCP: {fault}" for fault in conversation.to_client.faults]
    if conversation.to_client.acknowledged > len(conversation.to_server.bytes) + 2:
        found.append("TCP: something was acknowledged that the client never sent")
    if conversation.to_client.fin and not any(m.method == "TEARDOWN" for m in conversation.requests):
        found.append("TCP: the connection was closed without a TEARDOWN")
    return found


def _answers(conversation):
    found = []
    asked = [message["cseq"] for message in conversation.requests]
    answered = [message["cseq"] for message in conversation.responses if message.start.startswith("RTSP/")]
    # A client may close behind its TEARDOWN, without waiting for the answer (FFmpeg does).
    hung_up = conversation.requests[-1].method == "TEARDOWN" and answered == asked[:-1]
    if answered != asked and not hung_up:
        found.append(f"RTSP: requests {asked} have the answers {answered}")
    sessions = {message["session"].split(";")[0] for message in conversation.responses if message["session"]}
    if len(sessions) != 1:
        found.append(f"RTSP: the Session ids {sorted(sessions)} instead of one")
    return found


def _one_stream(stream, skips):
    label, found = f"RTP {stream.encoding}", []
    if stream.strays:
        first = stream.strays[0]
        found.append(f"{label}: {len(stream.strays)} packets from {first.source}:{first.source_port}")
    for what in ("ssrc", "payload_type"):
        values = {getattr(packet, what) for packet in stream.rtp}
        if len(values) != 1:
            found.append(f"{label}: {what} takes the values {sorted(values)}")
    for before, after in zip(stream.rtp, stream.rtp[1:]):
        missing = (after.sequence - before.sequence - 1) & 0xFFFF
        if 0 < missing <= COUNTED_AHEAD and skips > 0:
            skips -= 1
        elif missing:
            found.append(f"{label}: sequence number {before.sequence} is followed by {after.sequence}")
    return found


def _media(stream, expected):
    """Complete, in order, nothing twice, and every timestamp where it would have been."""
    label = f"media {stream.encoding}"
    got = media_of(Only(stream))[0]
    if got == expected:
        return []
    digests = [item[0] for item in got]
    wanted = [item[0] for item in expected]
    if digests != wanted:
        at = next((n for n, pair in enumerate(zip(digests, wanted)) if pair[0] != pair[1]),
                  min(len(digests), len(wanted)))
        lost, more = len(set(wanted) - set(digests)), len(set(digests) - set(wanted))
        return [f"{label}: {len(digests)} packets instead of {len(wanted)}, first difference at {at}; "
                f"{lost} lost, {more} unknown, {len(digests) - len(set(digests))} repeated"]
    at = next(n for n, pair in enumerate(zip(got, expected)) if pair[0] != pair[1])
    return [f"{label}: packet {at} has timestamp {got[at][1]} and marker {got[at][2]} "
            f"instead of {expected[at][1]} and {expected[at][2]}"]


def progress(stream, expected):
    """For a client that pauses: forward through the movie, and no more left out than a server has queued."""
    label, at, skipped = f"media {stream.encoding}", -1, 0
    place = {item[0]: number for number, item in enumerate(expected)}
    for digest, *when in media_of(Only(stream))[0]:
        if digest not in place:
            return [f"{label}: a packet behind number {at} is not of the movie"]
        if place[digest] <= at:
            return [f"{label}: number {at} is followed by number {place[digest]}"]
        skipped += place[digest] - at - 1
        at = place[digest]
        if when != expected[at][1:]:
            return [f"{label}: number {at} has timestamp and marker {when} instead of {expected[at][1:]}"]
    return [f"{label}: {skipped} packets are left out"] if skipped > COUNTED_AHEAD else []


class Only:
    """A conversation of one stream."""

    def __init__(self, stream):
        self.streams = [stream]


def _reports(stream, tolerance_s):
    label, found = f"RTCP {stream.encoding}", []
    reports = [report for packet in stream.rtcp for report in packet.reports]
    if stream.rtp and {report.ssrc for report in reports} - {stream.rtp[0].ssrc}:
        found.append(f"{label}: a report speaks of another SSRC")
    names = {name for packet in stream.rtcp for _, name in packet.names}
    if len(names) > 1:
        found.append(f"{label}: the CNAMEs {sorted(names)} instead of one")
    for before, after in zip(reports, reports[1:]):
        if (after.packets - before.packets) & 0x80000000 or (after.bytes - before.bytes) & 0x80000000:
            found.append(f"{label}: the counts fall from {before.packets}/{before.bytes} "
                         f"to {after.packets}/{after.bytes}")
        drift = _drift(before, after, stream.clock_rate)
        if abs(drift) > tolerance_s:
            found.append(f"{label}: a report leaves the line by {drift * 1000:.2f} ms")
    return found + _last_report(label, stream, reports)


def _drift(before, after, clock_rate):
    return (after.ntp - before.ntp) / 2**32 - _signed(after.timestamp - before.timestamp) / clock_rate


def _last_report(label, stream, reports):
    """The counts count what was sent, and a BYE is the last word."""
    found = []
    if reports and stream.rtp:
        sent = sum(1 for packet in stream.rtp if packet.time_ns <= reports[-1].time_ns)
        if not -2 <= reports[-1].packets - sent <= COUNTED_AHEAD:
            found.append(f"{label}: the last report counts {reports[-1].packets} packets, {sent} came")
    byes = [n for n, packet in enumerate(stream.rtcp) if packet.byes]
    if byes and byes[0] != len(stream.rtcp) - 1:
        found.append(f"{label}: a BYE comes before the end")
    return found


def _lip_sync(streams, tolerance_s):
    """The NTP time of the first packet differs between the streams by what it always did."""
    found = []
    for stream in streams[1:]:
        pairs = [(_begin(report, streams[0]), _begin(other, stream))
                 for report in _all_reports(streams[0]) for other in _all_reports(stream)]
        offsets = [one - other for one, other in pairs]
        if offsets and max(offsets) - min(offsets) > tolerance_s:
            found.append(f"RTCP: {streams[0].encoding} and {stream.encoding} "
                         f"drift apart by {(max(offsets) - min(offsets)) * 1000:.2f} ms")
    return found


def _all_reports(stream):
    return [report for packet in stream.rtcp for report in packet.reports]


def _begin(report, stream):
    """When, by this report, the stream's first packet was to be played."""
    return report.ntp / 2**32 - _signed(report.timestamp - stream.rtp[0].timestamp) / stream.clock_rate


def _neighbours(conversation, server_mac):
    """The client only ever sees one hardware address: the one that it dialled."""
    found = []
    for packet in conversation.packets:
        if packet.source == conversation.server and packet.source_mac != server_mac:
            found.append(f"Ethernet: a {packet.kind} packet of the server comes from {packet.source_mac}")
        announced = wire.announcement(packet)
        if announced is not None and announced[0] == conversation.server and announced[1] != server_mac:
            found.append(f"ARP: the server's address is at {announced[1]}")
    return found[:3]


def _foreign_addresses(conversation, strangers):
    """No message names a server that the client has not dialled, and no packet comes from one."""
    found = []
    for address in strangers:
        if address.encode() in conversation.to_client.bytes:
            found.append(f"RTSP: the client reads of {address}")
        found += [f"IP: a {packet.kind} packet of {address} reaches the client" for packet in conversation.packets
                  if packet.source == address and packet.kind in ("tcp", "udp", "icmp", "icmp6")][:1]
    return found
