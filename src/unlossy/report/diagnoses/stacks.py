"""What the diagnoses are drawn with: a figure per codec family and method, parts of a whole as stacked areas."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from unlossy.report.chart import Layer, areas, linear_axis
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, tag
from unlossy.runs.settings import spoken

Parts = Mapping[str, float]
"""Heights by the part's name."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What one figure shows: the cells of a codec family's settings with one method."""

    name: str
    caption: str
    settings: frozenset[str]
    mitigation: str


def panels(run: LoadedRun, name: str) -> Iterator[Panel]:
    """A panel for each swept family and method of a run; their names begin with `name`."""
    for number, family in enumerate(family for family in run.families if family.swept):
        for place, mitigation in enumerate(run.result.plan.mitigations):
            caption = f"{spoken(family.name)}, {run.method_name(mitigation)}"
            yield Panel(f"{name}-{number}-{place}", caption, frozenset(family.settings), mitigation)


def stacked(name: str, caption: str, y_title: str, cells: Sequence[tuple[float, Parts]], top: float) -> Html | None:
    """The figure of cells (quality, parts), any order; None for fewer than two. `top` is what the y axis must reach.

    Parts are stacked in the order of the first cell; figures with the same parts and top can be compared by eye.
    """
    ordered = sorted(cells, key=lambda cell: cell[0])
    if len(ordered) < 2:
        return None
    layers = [
        Layer(place, part, tuple((quality, parts[part]) for quality, parts in ordered))
        for place, part in enumerate(ordered[0][1])
    ]
    x = linear_axis("codec quality", [quality for quality, _ in ordered])
    y = linear_axis(y_title, [0.0, top])
    low, high = ordered[0], ordered[-1]
    told = "; ".join(f"{part} {low[1][part]:.1f} at {low[0]:g}, {high[1][part]:.1f} at {high[0]:g}" for part in low[1])
    keys = [
        tag("li", tag("span", "", class_=f"key s{layer.number} k1", aria_hidden="true"), layer.name)
        for layer in layers[::-1]
    ]
    drawing = areas(name, caption, told, x, y, layers)
    return tag("figure", tag("figcaption", caption), tag("ul", *keys, class_="legend"), drawing)
