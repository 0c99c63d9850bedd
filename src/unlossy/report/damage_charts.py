"""The curves of `unlossy damage`: a measure against quality, a line for each codec and mitigation."""

from collections.abc import Mapping, Sequence
from typing import Final

from unlossy.metrics.stats import Interval
from unlossy.report.chart import Line, Point, chart, linear_axis
from unlossy.report.curves import MAX_LINES, left_told
from unlossy.report.damage_told import AGREEMENTS, NAMES
from unlossy.report.markup import Html, tag
from unlossy.runs.damage import DamageCell, DamageResult
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import spoken
from unlossy.store import NONE

TOLD: Final[Mapping[str, str]] = {
    "magnitude_agreement": "How alike the gradients are in size: 1 is unchanged.",
    "orientation_agreement": "Cosine of the angle by which they turned, weighted by the clean size: 1 is unchanged.",
    "gradient_cosine": "The two gradient fields as two long vectors: 1 is unchanged.",
    "lost_edges": "Of the clean picture's edges, those that vanished.",
    "phantom_edges": "Of the compressed picture's edges, those that the clean one has not.",
    "phantom_on_grid": "Phantom edges across a border of two 8 x 8 blocks, of all its edges.",
    "grid_excess": "The share of edges on the 8 x 8 grid, compressed minus clean.",
}


def charts(found: DamageResult, measures: Sequence[str], note: str) -> Html:
    """The measures' charts with a legend; a note where there is nothing to draw, or more lines than colours."""
    lines = list(dict.fromkeys((cell.family, cell.mitigation) for cell in found.cells if cell.family))
    drawn = lines[:MAX_LINES]
    if not drawn:
        return tag("p", "None of these settings has one quality; the numbers stand in the table below.", class_="note")
    left = len(lines) - len(drawn)
    return tag(
        "div",
        _legend(found, drawn),
        tag("div", *[_figure(found, measure, drawn) for measure in measures], class_="charts"),
        tag("p", note, class_="note"),
        tag("p", left_told(left, "table"), class_="note") if left else None,
    )


def _figure(found: DamageResult, measure: str, drawn: Sequence[tuple[str | None, str]]) -> Html:
    scale, unit = (1.0, "") if measure in AGREEMENTS else (100.0, ", percent")
    lines = []
    for number, line in enumerate(drawn):
        cells = [cell for cell in found.cells if (cell.family, cell.mitigation) == line]
        points = [point for cell in cells if (point := _point(cell, cell.metrics[measure], scale)) is not None]
        if points:
            lines.append(Line(number, tuple(sorted(points, key=lambda point: point.x))))
    caption = tag("figcaption", NAMES[measure].capitalize())
    if not lines:
        return tag("figure", caption, tag("p", "Undefined in every picture: they have no edges.", class_="note"))
    x = linear_axis("codec quality", [point.x for line in lines for point in line.points])
    ends = [value for line in lines for point in line.points for value in (point.low, point.high)]
    y = linear_axis(f"{NAMES[measure]}{unit}", [scale if measure in AGREEMENTS else 0.0, *ends])
    described = "; ".join(point.told for line in lines for point in line.points[:1] + line.points[-1:])
    svg = chart(measure.replace("_", "-"), f"{NAMES[measure].capitalize()} against quality", described, x, y, lines)
    return tag("figure", caption, svg, tag("p", TOLD[measure], class_="note"))


def _point(cell: DamageCell, interval: Interval | None, scale: float) -> Point | None:
    if interval is None or cell.codec_quality is None:
        return None
    mean, low, high = (scale * value for value in (interval.mean, interval.low, interval.high))
    told = f"{cell.codec}, {cell.mitigation}: {mean:.3g} (95 %: {low:.3g} to {high:.3g})"
    return Point(cell.codec_quality, mean, low, high, told, hollow=False)


def _legend(found: DamageResult, drawn: Sequence[tuple[str | None, str]]) -> Html | None:
    names = short_names(found.mitigations)
    items = [
        tag(
            "li",
            tag("span", "", class_=f"key s{number} k{number % 3}", aria_hidden="true"),
            f"{spoken(family or '')}{'' if mitigation == NONE else ', ' + names[mitigation]}",
        )
        for number, (family, mitigation) in enumerate(drawn)
    ]
    return tag("ul", *items, class_="legend")
