"""Axes, lines and words of a chart, as parts of an SVG."""

import math
from html import escape

WIDTH, LEFT, RIGHT = 1000, 84, 30
INK, SOFT, GRID = "#1f2933", "#5f6b7a", "#e4e7eb"


class Chart:
    """One pair of axes: data to pixels."""

    def __init__(self, top, height, x_range, y_range):
        self.top, self.height = top, height
        self.x_range, self.y_range = x_range, y_range
        self.parts = []

    def x(self, value):
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        low, high = self.y_range
        return self.top + self.height - (value - low) / (high - low) * self.height

    def add(self, part):
        self.parts.append(part)

    def text(self, x, y, text, size=13, colour=INK, anchor="start", weight="normal"):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
                 f'font-weight="{weight}">{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, colour, width=1.0, dash=""):
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
                 f'stroke-width="{width}"{f" stroke-dasharray={chr(34)}{dash}{chr(34)}" if dash else ""}/>')

    def box(self, x, y, width, height, colour, opacity=1.0):
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" '
                 f'fill="{colour}" fill-opacity="{opacity}"/>')

    def axes(self, title, x_label, x_step, y_step=None):
        self.text(LEFT, self.top - 12, title, 15, weight="bold")
        for value in ticks(self.y_range, y_step) if y_step else ():
            self.line(LEFT, self.y(value), WIDTH - RIGHT, self.y(value), GRID)
            self.text(LEFT - 8, self.y(value) + 4, label(value), 12, SOFT, "end")
        bottom = self.top + self.height
        for value in ticks(self.x_range, x_step):
            self.line(self.x(value), bottom, self.x(value), bottom + 5, SOFT)
            self.text(self.x(value), bottom + 19, label(value), 12, SOFT, "middle")
        self.line(LEFT, bottom, WIDTH - RIGHT, bottom, SOFT)
        self.text(WIDTH - RIGHT, bottom + 36, x_label, 12, SOFT, "end")


def ticks(bounds, step):
    first = math.ceil(bounds[0] / step - 1e-9)
    return [n * step for n in range(first, math.floor(bounds[1] / step + 1e-9) + 1)]


def label(value):
    return f"{value:,.6g}".replace(",", " ")


def nice(span, count):
    """A step of 1, 2 or 5 times a power of ten that divides the span into about `count`."""
    raw = span / count
    power = 10 ** math.floor(math.log10(raw))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= raw * 0.999)


def legend(chart, entries):
    """Colours and their names, at the right end above a chart."""
    x = WIDTH - RIGHT - 90 * len(entries)
    for text, colour in entries:
        chart.box(x, chart.top - 23, 12, 12, colour)
        chart.text(x + 18, chart.top - 12, text, 12, SOFT)
        x += 90
