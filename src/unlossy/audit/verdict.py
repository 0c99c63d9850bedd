"""The verdict over an audit's rows: counts, rogue blocks, leakage, bands, and what they come to in a few sentences.

    verdict = judge(rows)              # a table, or record batches as a scan makes them; one pass
    print(*verdict.sentences, sep="\\n")

Of datasets whose groups have nothing to do with their compression at most 2 in 100 are told of a rogue block, and at
most 1 in 100 of a leak.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from unlossy.audit.bands import Band, StudyCost, bands_of, expected_cost
from unlossy.audit.block import RogueBlock
from unlossy.audit.coding import batches_of
from unlossy.audit.evidence import Evidence, Gatherer
from unlossy.audit.leakage import Leak, measure_leakage
from unlossy.audit.outlying import OutlyingCluster, find_outlying
from unlossy.audit.rogue import could_find, find_rogue_blocks
from unlossy.audit.summary import Summary, Tally, median_of
from unlossy.core.words import counted
from unlossy.metrics import Interval

BLOCKS_TOLD: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the rows of one audit come to.

    Attributes:
        summary: The counts.
        rogue_blocks: Images whose compression differs from the rest and that are gathered in groups, by effect.
        outlying: Images whose quality is far from all others', gathered nowhere.
        leaks: The leakage test of each label (class, split) that the images have.
        bands: Images by band of quality, with their cost where a study is given.
        study, expected: That study, and the mean loss over all images with a quality, in points of its metric.
        compared: The kinds of groups that blocks were looked for in.
        could_find_block: Whether there are images enough for any block to be sure of.
    """

    summary: Summary
    rogue_blocks: tuple[RogueBlock, ...]
    outlying: tuple[OutlyingCluster, ...]
    leaks: tuple[Leak, ...]
    bands: tuple[Band, ...]
    study: StudyCost | None
    expected: Interval | None
    compared: tuple[str, ...]
    could_find_block: bool

    @property
    def leak(self) -> Leak | None:
        """The test of the label that headers tell best; None where images have no labels."""
        return max(self.leaks, key=lambda leak: (leak.claimed, leak.auc or 0.0), default=None)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdict in words, the most important first."""
        return tuple(_told(self))

    def as_json(self) -> dict[str, Any]:
        """All but the summary, whose counts `summary.as_json` has."""
        study = {"run": self.study.run, "metric": self.study.metric} if self.study else None
        return {
            "sentences": list(self.sentences),
            "rogue_blocks": [block.as_json() for block in self.rogue_blocks],
            "outlying": [cluster.as_json() for cluster in self.outlying],
            "leaks": [leak.as_json() for leak in self.leaks],
            "bands": [band.as_json() for band in self.bands],
            "study": study,
            "expected_cost": asdict(self.expected) if self.expected else None,
            "compared": list(self.compared),
            "could_find_block": self.could_find_block,
        }


def judge(
    rows: pa.Table | Iterable[pa.RecordBatch],
    *,
    study: StudyCost | None = None,
    seed: int = 0,
    others: Mapping[str, int] | None = None,
) -> Verdict:
    """The verdict over all rows, batches being used up one by one; the same rows and seed give the same verdict.

    `study` says what a quality costs; `others` are a dataset's files without a row. It is read after the last batch.
    """
    tally, gatherer = Tally(), Gatherer()
    for batch in batches_of(rows):
        tally.add(batch)
        gatherer.add(batch)
    return _judged(tally.summary(others), gatherer.evidence(), study, seed)


def _judged(summary: Summary, evidence: Evidence, study: StudyCost | None, seed: int) -> Verdict:
    blocks = find_rogue_blocks(evidence)
    in_blocks = np.zeros(evidence.n, dtype=np.bool_)
    for block in blocks:
        in_blocks[block.row_numbers] = True
    return Verdict(
        summary=summary,
        rogue_blocks=blocks,
        outlying=find_outlying(evidence, in_blocks),
        leaks=measure_leakage(evidence, seed),
        bands=bands_of(summary.ijg_quality_luma, study),
        study=study,
        expected=expected_cost(summary.ijg_quality_luma, study),
        compared=tuple(evidence.dimensions),
        could_find_block=bool(blocks) or could_find(evidence),
    )


def _told(verdict: Verdict) -> Iterator[str]:
    """The sentences: blocks, leaks, outlying images, cost, bands, files that could not be read."""
    yield from (f"Rogue block: {block.sentence}" for block in verdict.rogue_blocks[:BLOCKS_TOLD])
    if (more := len(verdict.rogue_blocks) - BLOCKS_TOLD) > 0:
        yield f"{counted(more, 'more rogue block')} of smaller effect."
    if not verdict.rogue_blocks:
        yield no_block(verdict)
    yield from (leak.sentence for leak in verdict.leaks)
    yield from (f"Standing apart: {cluster.sentence}" for cluster in verdict.outlying)
    yield from _costs(verdict)
    yield from _levels(verdict)
    if failed := verdict.summary.n_failed:
        yield f"{counted(failed, 'file')} of {verdict.summary.n_items} could not be read."


def no_block(verdict: Verdict) -> str:
    """The sentence on rogue blocks where there is none: none found, or why none could be."""
    if not verdict.compared:
        return "No rogue block could be looked for: the images are in one group, with nothing to compare."
    groups = " or ".join(verdict.compared)
    if not verdict.could_find_block:
        images = counted(verdict.summary.n_items)
        return f"Whether compression sets any {groups} apart cannot be told: {images} in these groups are too few."
    return f"No rogue block found: no {groups} stands apart by its compression."


def _costs(verdict: Verdict) -> Iterator[str]:
    """The worst band that costs something, and the expected cost."""
    if verdict.study is None or verdict.expected is None:
        return
    worst = [band for band in verdict.bands if band.cost is not None][-1]
    where = f"{counted(worst.n)} in the {worst.name} band (quality {worst.low} to {worst.high})"
    low = min(verdict.summary.ijg_quality_luma)
    floor = f"; qualities under {verdict.study.lowest} were not studied" if low < verdict.study.lowest else ""
    yield f"{where}, where your model loses {_points(worst.cost)} of {verdict.study.metric}{floor}."
    high = verdict.study.highest
    assumed = f" (over {high}, not studied, a straight line to no loss at 100)"
    above = assumed if max(verdict.summary.ijg_quality_luma) > high else ""
    told = f"{_points(verdict.expected)} of {verdict.study.metric}{above}"
    yield f"Expected cost over all JPEGs with a quality: {told}."


def _points(cost: Interval | None) -> str:
    return f"{cost.mean:.1f} points [{cost.low:.1f}, {cost.high:.1f}]" if cost else "nothing known"


def _levels(verdict: Verdict) -> Iterator[str]:
    qualities = verdict.summary.ijg_quality_luma
    median = median_of(qualities)
    if median is None:
        yield "No image has a JPEG quality."
        return
    shares = ", ".join(f"{band.name} {100 * band.share:.3g} %" for band in verdict.bands if band.n)
    yield f"{counted(sum(qualities.values()), 'JPEG')} with a quality, median {median:g}: {shares}."
