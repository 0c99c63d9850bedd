"""The pictures of `unlossy damage`: each version beside its edges, coloured by what became of them."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import UInt8

from unlossy.metrics.gradients import KEPT, LOST, PHANTOM, PHANTOM_ON_GRID
from unlossy.report.markup import Html, tag
from unlossy.report.pixels import Budget, data_uri
from unlossy.runs.damage import DamagedItem, DamagePanel, DamageResult
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import spoken
from unlossy.store import CLEAN

WHITE: Final = (255, 255, 255)
COLOURS: Final[Mapping[int, tuple[int, int, int]]] = {
    KEPT: (180, 180, 180),
    LOST: (31, 111, 197),
    PHANTOM: (245, 163, 0),
    PHANTOM_ON_GRID: (212, 20, 90),
}


def pictures(found: DamageResult) -> Html:
    """The chosen pictures with a legend of their marks; those beyond the page's size are left out, and counted."""
    if not found.items:
        return tag("p", "No picture is shown: none was asked for, or none has an edge.", class_="note")
    budget, names = Budget(), {CLEAN: CLEAN, **short_names(found.mitigations)}
    shown = [figure for item in found.items if (figure := _item(item, names, budget)) is not None]
    marks = (("grid", "phantom, on the grid"), ("elsewhere", "phantom, elsewhere"), ("lost", "lost"), ("kept", "kept"))
    note = (
        "All pictures are ranked by their phantom edges on the grid, as a share of their edges; these lie evenly from "
        "the first rank to the last. Of a large picture the region is shown that has most phantom edges."
    )
    legend = [tag("li", tag("span", "", class_=name, aria_hidden="true"), text) for name, text in marks]
    left = f"{budget.refused} more are left out: the page would become too large." if budget.refused else None
    told = tag("p", left, class_="note") if left else None
    return tag("div", tag("p", note, class_="note"), tag("ul", *legend, class_="marks"), *shown, told)


def _item(item: DamagedItem, names: Mapping[str, str], budget: Budget) -> Html | None:
    pictures = [(data_uri(panel.picture), data_uri(coloured(panel.changes))) for panel in item.panels]
    if not budget.take([uri for uris in pictures for uri in uris]):
        return None
    x, y, width, height = item.region_xywh
    columns = [_column(panel, names[panel.name], uris) for panel, uris in zip(item.panels, pictures, strict=True)]
    facts = f"rank {item.rank}, {spoken(item.codec)}; {width} x {height} pixels from ({x}, {y})"
    return tag(
        "article",
        tag("h3", item.key),
        tag("p", facts, class_="facts"),
        tag("div", *columns, class_="damaged"),
        class_="item",
    )


def _column(panel: DamagePanel, name: str, uris: Sequence[str]) -> Html:
    kinds = ("picture", "its edges")
    images = [tag("img", src=uri, alt=f"{name}: {kind}") for uri, kind in zip(uris, kinds, strict=True)]
    return tag("div", tag("strong", name), *images, tag("p", _told(panel), class_="size"))


def _told(panel: DamagePanel) -> str:
    kept, lost, elsewhere, on_grid = (
        int(np.count_nonzero(panel.changes == mark)) for mark in (KEPT, LOST, PHANTOM, PHANTOM_ON_GRID)
    )
    if panel.name == CLEAN:
        return f"{kept} edges"
    return f"{elsewhere + on_grid} phantom ({on_grid} on the grid), {lost} lost, {kept} kept"


def coloured(changes: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """The marks of `metrics.gradients.edge_changes` in colour, on white."""
    palette = np.full((256, 3), WHITE, np.uint8)
    for mark, colour in COLOURS.items():
        palette[mark] = colour
    return palette[changes]
