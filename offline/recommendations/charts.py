"""Draws charts as SVG, without any script."""

from collections.abc import Sequence
from html import escape

from offline.recommendations.shown import Chart, Series, number

WIDTH, HEIGHT = 760, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 10, 14, 46
_COLOURS = (
    "#4269d0", "#efb118", "#ff725c", "#3ca951", "#6cc5b0",
    "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0", "#e377c2",
)  # fmt: skip


def drawn(chart: Chart) -> str:
    """Returns a chart as one SVG element, its values as titles that show under the pointer."""
    most = max((value for each in chart.series for value in _reach(each)), default=0.0) or 1.0
    body = _curves(chart, most) if chart.is_curve else _bars(chart, most)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">'
        + _axes(chart, most)
        + body
        + "</svg>"
        + _legend(chart.series)
    )


def _reach(series: Series) -> list[float]:
    return [value for value in (*series.values, *series.high) if value is not None]


def _axes(chart: Chart, most: float) -> str:
    marks = []
    for step in range(5):
        value = most * step / 4
        y = _y(value, most)
        marks.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
        )
    # At most a dozen labels have room beside each other.
    every = max(len(chart.labels) // 12 + (len(chart.labels) % 12 > 0), 1)
    for place, label in enumerate(chart.labels):
        if place % every == 0:
            x = _x(place, len(chart.labels))
            y = HEIGHT - _BOTTOM + 16
            marks.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{escape(label)}</text>')
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    marks.append(
        f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(chart.x_title)}</text>'
    )
    return "".join(marks)


def _bars(chart: Chart, most: float) -> str:
    slot = (WIDTH - _LEFT - _RIGHT) / max(len(chart.labels), 1)
    width = slot * 0.84 / max(len(chart.series), 1)
    shapes = []
    for row, series in enumerate(chart.series):
        for place, value in enumerate(series.values):
            if value is None:
                continue
            x = _LEFT + slot * (place + 0.08) + width * row
            y = _y(value, most)
            told = escape(f"{series.name}, {chart.labels[place]}: {number(value)}")
            height = HEIGHT - _BOTTOM - y
            shapes.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
                f'fill="{_colour(row)}"><title>{told}</title></rect>'
            )
            shapes.append(_whisker(series, place, x + width / 2, most))
    return "".join(shapes)


def _whisker(series: Series, place: int, x: float, most: float) -> str:
    """Draws the interval of one value, where there is one."""
    if not (series.low and series.high):
        return ""
    low, high = series.low[place], series.high[place]
    if low is None or high is None:
        return ""
    y1, y2 = _y(low, most), _y(high, most)
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" class="whisker"/>'


def _curves(chart: Chart, most: float) -> str:
    shapes = []
    for row, series in enumerate(chart.series):
        points = [
            (_x(place, len(chart.labels)), _y(value, most), value, chart.labels[place])
            for place, value in enumerate(series.values)
            if value is not None
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in points)
        shapes.append(f'<polyline points="{line}" fill="none" stroke="{_colour(row)}"/>')
        shapes += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_colour(row)}">'
            f"<title>{escape(f'{series.name}, {label}: {number(value)}')}</title></circle>"
            for x, y, value, label in points
        ]
    return "".join(shapes)


def _legend(series: Sequence[Series]) -> str:
    names = "".join(
        f'<span><i style="background:{_colour(row)}"></i>{escape(each.name)}</span>'
        for row, each in enumerate(series)
    )
    return f'<p class="legend">{names}</p>'


def _colour(row: int) -> str:
    return _COLOURS[row % len(_COLOURS)]


def _x(place: int, count: int) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * (place + 0.5) / max(count, 1)


def _y(value: float, most: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * max(value, 0.0) / most
