"""The verdict's parts: the bands with what they cost, the blocks that stand out with samples, the leakage tests."""

import numpy as np
from jaxtyping import Int64

from unlossy.audit.bands import Band
from unlossy.audit.block import RogueBlock
from unlossy.audit.outlying import OutlyingCluster
from unlossy.audit.verdict import Verdict, no_block
from unlossy.metrics import Interval
from unlossy.report.audit.chosen import Choice
from unlossy.report.audit.gallery import Gallery
from unlossy.report.audit.histogram import images
from unlossy.report.document import bound
from unlossy.report.markup import Html, join, tag
from unlossy.report.tabular import row, table


def standing_blocks(verdict: Verdict) -> tuple[RogueBlock | OutlyingCluster, ...]:
    """What stands out, the most striking first: blocks bound to a group, then clusters that lie anywhere."""
    return (*verdict.rogue_blocks, *verdict.outlying)


def block_rows(verdict: Verdict) -> list[Int64[np.ndarray, " _"]]:
    """The row numbers of each block."""
    return [block.row_numbers for block in standing_blocks(verdict)]


def standing_section(verdict: Verdict, choice: Choice, gallery: Gallery) -> Html:
    """Each block in words with samples of it, and what the leakage tests found."""
    every = standing_blocks(verdict)
    told = [
        tag("div", *_heading(block), _sampled(block.n, len(shown)), gallery.show(shown), class_="block")
        for block, shown in zip(every, choice.blocks, strict=False)
    ]
    listed = [tag("li", bound(block.sentence)) for block in every[len(told) :]]
    none = tag("p", no_block(verdict))
    leaks = [tag("p", bound(leak.sentence)) for leak in verdict.leaks]
    return tag("div", *(told or [none]), tag("ul", *listed) if listed else None, *leaks)


def bands_section(verdict: Verdict) -> Html:
    """The bands side by side as shares of the images with a quality, and as a table with what a study says of them."""
    n = sum(band.n for band in verdict.bands)
    without = verdict.summary.n_items - n
    note = tag("p", f"{images(without)} without an IJG quality are in no band.", class_="note") if without else None
    if not n:
        return tag("div", note or tag("p", "There is no image in any band.", class_="note"))
    parts = [
        tag("span", "", style=f"flex-grow:{band.n}", title=f"{band.name}: {images(band.n)}", class_=f"band{number}")
        for number, band in enumerate(verdict.bands)
        if band.n
    ]
    lost = [] if verdict.study is None else [f"points of {verdict.study.metric} lost [95 %]"]
    head = ["band", "luma quality", "images", "share", *lost]
    rows = [row(_name(band, number), _cells(band, costs=bool(lost))) for number, band in enumerate(verdict.bands)]
    told = f"Bands by IJG quality of luma, of the {images(n)} that have one."
    bar = tag("div", *parts, class_="segments", aria_hidden="true")
    return tag("div", bar, table(told, head, rows), _expected(verdict), note)


def _name(band: Band, number: int) -> Html:
    return join([tag("span", "", class_=f"key k1 band{number}", aria_hidden="true"), band.name])


def _cells(band: Band, *, costs: bool) -> list[str]:
    told = [f"{band.low} to {band.high}", f"{band.n:,}", f"{100 * band.share:.1f} %"]
    return [*told, *([_points(band.cost)] if costs else [])]


def _points(cost: Interval | None) -> str:
    return "" if cost is None else f"{cost.mean:.1f} [{cost.low:.1f}, {cost.high:.1f}]"


def _expected(verdict: Verdict) -> Html | None:
    """What the study was, and the mean over all images."""
    study, cost = verdict.study, verdict.expected
    if study is None or cost is None:
        return None
    points = f"{_points(cost)} points of {study.metric}"
    told = f"Costs are those of the study {study.run}; over all images with a quality {points}."
    below = (
        f" Qualities under {study.lowest} were not studied: they are given its loss at {study.lowest}, and lose more."
    )
    above = f" Over {study.highest}, which was not studied, a straight line to no loss at 100 is assumed."
    lowest, highest = (end(verdict.summary.ijg_quality_luma, default=100) for end in (min, max))
    told += (below if lowest < study.lowest else "") + (above if highest > study.highest else "")
    return tag("p", bound(told))


def _heading(block: RogueBlock | OutlyingCluster) -> list[Html]:
    """The block's name over its figures; a cluster's sentence is both."""
    if isinstance(block, OutlyingCluster):
        return [tag("h3", bound(block.sentence))]
    figures = block.sentence.removeprefix(f"{block.name}: ")
    return [tag("h3", bound(block.name)), tag("p", bound(figures[:1].upper() + figures[1:]))]


def _sampled(n: int, n_shown: int) -> Html | None:
    if n <= n_shown:
        return None
    return tag("p", f"{n_shown} of them, evenly spread from the first to the last.", class_="facts")
