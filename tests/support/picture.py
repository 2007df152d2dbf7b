"""The picture of a failover, as SVG: bandwidth and normal play time over time, and a close-up.

Time runs from the client's first packet. The first two charts share their axis;
the third shows every packet that reached the client around the failover.
"""

import math

from support.chart import INK, LEFT, SOFT, WIDTH, Chart, legend, nice

HEIGHT = 880
PAPER, VIDEO, AUDIO, FAILED = "#ffffff", "#7fb3d5", "#f5b971", "#c0392b"
SERVER_A, SERVER_B, SOUND = "#1f5f8b", "#2e8b57", "#b9770e"
STEPS = (("detection", "#e57373"), ("establishment", "#ffb74d"), ("catch_up", "#aed581"))
VIDEO_TYPE = 96                     # rtsp_server.py
BIN_S = 0.5


def draw(title, samples, gap, event):
    """SVG text. Samples and gap as in watch.py and failover.py; the event as midstreamctl prints it."""
    start = samples[0].time_ns
    packets = [((one.time_ns - start) / 1e9, one.kind, one.position, one.length) for one in samples]
    failed, resumed = ((one.time_ns - start) / 1e9 for one in gap)
    head = Chart(0, 0, (0, 1), (0, 1))
    head.text(LEFT, 34, title, 20, weight="bold")
    head.text(LEFT, 56, _summary(event), 13, SOFT)
    charts = [head, _bandwidth(packets, failed), _play_time(packets, failed, resumed),
              _close_up(packets, failed, resumed, event)]
    body = "\n".join(part for chart in charts for part in chart.parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif">\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>\n{body}\n</svg>\n')


def _summary(event):
    times = ", ".join(f"{name.replace('_', '-')} {_milliseconds(event[name + '_ms'])}" for name, _ in STEPS)
    return (f"{event['cause']}: {event['server_from']} → {event['server_to'] or 'nobody'}, {event['outcome']};  "
            f"{times}, media gap {_milliseconds(event['media_gap_ms'])}")


def _milliseconds(value):
    return "–" if value is None else f"{value:.1f} ms"


def _bandwidth(packets, failed):
    end, rates = packets[-1][0], {}
    for time, kind, _, length in packets:
        number = int(time / BIN_S)
        pair = rates.setdefault(number, [0.0, 0.0])
        pair[kind != VIDEO_TYPE] += length * 8 / 1000 / BIN_S
    rates.pop(int(end / BIN_S), None)           # the last one is cut short
    highest = max(sum(pair) for pair in rates.values())
    step = nice(highest, 4)
    chart = Chart(104, 190, (0, end), (0, math.ceil(highest * 1.15 / step) * step))
    chart.axes("Bandwidth at the client (kbit/s)", "time (s)", nice(end, 10), step)
    for number, (picture, sound) in sorted(rates.items()):
        left, width = chart.x(number * BIN_S), chart.x(BIN_S) - chart.x(0) - 1
        chart.box(left, chart.y(sound), width, chart.y(0) - chart.y(sound), AUDIO)
        chart.box(left, chart.y(sound + picture), width, chart.y(sound) - chart.y(sound + picture), VIDEO)
    legend(chart, (("video", VIDEO), ("audio", AUDIO)))
    _mark(chart, failed, f"server a fails at {failed:.2f} s")
    return chart


def _mark(chart, failed, text):
    """The failure, with its words where neither curve nor edge is in the way."""
    x = chart.x(failed)
    chart.line(x, chart.top, x, chart.top + chart.height, FAILED, 1.5, "5 4")
    if x < WIDTH * 0.6:
        chart.text(x + 8, chart.top + 16, text, 12, FAILED, "start", "bold")
    else:
        chart.text(x - 8, chart.top + 16, text, 12, FAILED, "end", "bold")


def _delivered(packets):
    """[time, position up to which every stream has been delivered]."""
    furthest, points = {}, []
    for time, kind, position, _ in packets:
        furthest[kind] = max(position, furthest.get(kind, 0.0))
        if len(furthest) == 2:
            points.append((time, min(furthest.values())))
    return points


def _play_time(packets, failed, resumed):
    end, points = packets[-1][0], _delivered(packets)
    step = nice(points[-1][1], 5)
    chart = Chart(366, 190, (0, end), (0, math.ceil(points[-1][1] / step * 1.1) * step))
    chart.axes("Normal play time delivered (s)", "time (s)", nice(end, 10), step)
    chart.box(chart.x(failed), chart.top, chart.x(resumed) - chart.x(failed), chart.height, FAILED, 0.15)
    parts = ((SERVER_A, [p for p in points if p[0] <= failed]), (SERVER_B, [p for p in points if p[0] >= resumed]))
    for colour, part in parts:
        path = " ".join(f"{chart.x(time):.1f},{chart.y(position):.1f}" for time, position in part)
        chart.add(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
    legend(chart, (("server a", SERVER_A), ("server b", SERVER_B)))
    last = max((position for time, position in points if time <= failed), default=0.0)
    _mark(chart, failed, f"at {last:.3f} s of the movie, b goes on after {(resumed - failed) * 1000:.0f} ms")
    return chart


def _close_up(packets, failed, resumed, event):
    margin = max(0.15, (resumed - failed) * 0.6)
    chart = Chart(628, 170, (-margin * 1000, (resumed - failed + margin) * 1000), (0, 3))
    chart.axes("Every packet around the failover", "time since the last packet of a (ms)",
               nice((resumed - failed + 2 * margin) * 1000, 10))
    _steps(chart, event)
    for name, row in (("audio", 0.5), ("video", 1.5)):
        chart.text(LEFT - 8, chart.y(row) + 4, name, 12, SOFT, "end")
    for time, kind, _, _ in packets:
        x = (time - failed) * 1000
        if chart.x_range[0] <= x <= chart.x_range[1]:
            row, colour = (1.5, SERVER_A) if kind == VIDEO_TYPE else (0.5, SOUND)
            chart.line(chart.x(x), chart.y(row - 0.3), chart.x(x), chart.y(row + 0.3), colour, 1.4)
    gap_ms = (resumed - failed) * 1000
    chart.line(chart.x(0), chart.y(2.35), chart.x(gap_ms), chart.y(2.35), INK, 1.5)
    chart.text(chart.x(gap_ms / 2), chart.y(2.5), f"{gap_ms:.1f} ms without a packet", 12, INK, "middle", "bold")
    return chart


def _steps(chart, event):
    """What the switch did in the gap, by its own record, as coloured stretches."""
    at = 0.0
    for number, (name, colour) in enumerate(STEPS):
        x = LEFT + 130 * number
        chart.box(x, chart.top + chart.height + 32, 12, 12, colour)
        chart.text(x + 18, chart.top + chart.height + 43, name.replace("_", "-"), 12, SOFT)
        if event[name + "_ms"] is not None:
            chart.box(chart.x(at), chart.top, chart.x(at + event[name + "_ms"]) - chart.x(at), chart.height,
                      colour, 0.45)
            at += event[name + "_ms"]
