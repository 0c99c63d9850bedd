"""A line chart with bands as inline SVG: crisp at any size, coloured by the page's style sheet, a few kB.

Geometry is plain: `Axis.place` maps a value to 0..1, and the plot's box is fixed, so that tests can say where a point
must lie. Line k has the class `s<k>`, which the style sheet colours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unlossy.report.markup import Html, join, number, tag

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 12, 44
MARKERS = 3
"""Circle, square, diamond: lines can be told apart without colour."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A range, its tick values and its title; logarithmic where values span octaves."""

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where the value lies, 0 at `low` and 1 at `high`."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Point:
    """A value with its interval; `told` is the text a pointer gets; hollow where the change is within noise."""

    x: float
    y: float
    low: float
    high: float
    told: str
    hollow: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Points that belong together, joined by a line and a band if `joined`; `number` chooses colour and marker."""

    number: int
    points: tuple[Point, ...]
    joined: bool = True


def linear_axis(title: str, values: Sequence[float], *, n_ticks: int = 6) -> Axis:
    """An axis whose ticks (1, 2 or 5 times a power of ten apart) enclose the values."""
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - 1, high + 1
    rough = (high - low) / (n_ticks - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s for s in (power, 2 * power, 5 * power, 10 * power) if s >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(title, first * step, last * step, tuple(n * step for n in range(first, last + 1)))


def octave_axis(title: str, values: Sequence[float]) -> Axis:
    """A logarithmic axis with a tick at every power of two that the positive values need."""
    first, last = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))
    last = max(last, first + 1)
    return Axis(title, 2.0**first, 2.0**last, tuple(2.0**n for n in range(first, last + 1)), logarithmic=True)


def chart(name: str, title: str, description: str, x: Axis, y: Axis, lines: Sequence[Line]) -> Html:
    """The chart; `name` is its id in the page, `title` and `description` are what a screen reader tells."""
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", description, id=f"{name}-desc"),
        _grid(x, y),
        *[_band(line, x, y) for line in lines if line.joined and len(line.points) > 1],
        *[_line(line, x, y) for line in lines],
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_="chart",
    )


@dataclass(frozen=True, slots=True)
class Layer:
    """Heights (x, y) on top of the layer before; `number` chooses the colour, `name` is what a pointer gets."""

    number: int
    name: str
    heights: tuple[tuple[float, float], ...]


def areas(name: str, title: str, description: str, x: Axis, y: Axis, layers: Sequence[Layer]) -> Html:
    """Stacked areas over the same x values, the first layer at the bottom; heights are 0 or more."""
    floors = [0.0] * max((len(layer.heights) for layer in layers), default=0)
    parts = []
    for layer in layers:
        tops = [floor + height for floor, (_, height) in zip(floors, layer.heights, strict=True)]
        places = [place for place, _ in layer.heights]
        upper = [spot(x, y, place, top) for place, top in zip(places, tops, strict=True)]
        lower = [spot(x, y, place, floor) for place, floor in zip(places[::-1], floors[::-1], strict=True)]
        parts.append(
            tag("polygon", tag("title", layer.name), points=_path([*upper, *lower]), class_=f"area s{layer.number}")
        )
        floors = tops
    return tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", description, id=f"{name}-desc"),
        *parts,
        _grid(x, y),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_="chart",
    )


def spot(x: Axis, y: Axis, x_value: float, y_value: float) -> tuple[float, float]:
    """Where a value lies, in the viewBox's units from the upper left corner."""
    across = LEFT + x.place(x_value) * (WIDTH - LEFT - RIGHT)
    return across, HEIGHT - BOTTOM - y.place(y_value) * (HEIGHT - TOP - BOTTOM)


def _grid(x: Axis, y: Axis) -> Html:
    floor, parts = HEIGHT - BOTTOM, []
    for value in y.ticks:
        _, down = spot(x, y, x.low, value)
        zero = abs(value) < 1e-9
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=down, y2=down, class_="zero" if zero else "rule"))
        parts.append(tag("text", _tick(value), x=LEFT - 7, y=down + 4, text_anchor="end"))
    for value in x.ticks:
        across, _ = spot(x, y, value, y.low)
        parts.append(tag("line", x1=across, x2=across, y1=floor, y2=floor + 4, class_="rule"))
        parts.append(tag("text", _tick(value), x=across, y=floor + 17, text_anchor="middle"))
    parts.append(tag("text", x.title, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 6, text_anchor="middle", class_="axis"))
    middle = (TOP + floor) / 2
    turned = f"translate(11 {number(middle)}) rotate(-90)"
    parts.append(tag("text", y.title, transform=turned, text_anchor="middle", class_="axis"))
    return tag("g", *parts, class_="grid")


def _band(line: Line, x: Axis, y: Axis) -> Html:
    upper = [spot(x, y, point.x, point.high) for point in line.points]
    lower = [spot(x, y, point.x, point.low) for point in reversed(line.points)]
    return tag("polygon", points=_path([*upper, *lower]), class_=f"band s{line.number}")


def _line(line: Line, x: Axis, y: Axis) -> Html:
    spots = [spot(x, y, point.x, point.y) for point in line.points]
    stroke = tag("polyline", points=_path(spots), class_="stroke") if line.joined and len(spots) > 1 else None
    whiskers = [] if line.joined and len(spots) > 1 else [_whisker(point, x, y) for point in line.points]
    marks = [_mark(line.number, point, *where) for point, where in zip(line.points, spots, strict=True)]
    return tag("g", stroke, *whiskers, *marks, class_=f"line s{line.number}")


def _whisker(point: Point, x: Axis, y: Axis) -> Html:
    (across, top), (_, bottom) = spot(x, y, point.x, point.high), spot(x, y, point.x, point.low)
    return tag("line", x1=across, x2=across, y1=top, y2=bottom, class_="stroke")


def _mark(line_number: int, point: Point, across: float, down: float) -> Html:
    style = "mark hollow" if point.hollow else "mark"
    told = tag("title", point.told)
    kind = line_number % MARKERS
    if kind == 0:
        return tag("circle", told, cx=across, cy=down, r=4, class_=style)
    turn = f"rotate(45 {number(across)} {number(down)})" if kind == 2 else None
    return tag("rect", told, x=across - 3.6, y=down - 3.6, width=7.2, height=7.2, transform=turn, class_=style)


def _path(spots: Sequence[tuple[float, float]]) -> str:
    return join([" ".join(f"{number(across)},{number(down)}" for across, down in spots)])


def _tick(value: float) -> str:
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
