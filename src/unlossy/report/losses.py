"""Who loses: classes where there are enough images of each, else single images; one pass over the rows.

Memory and output are bounded by the number of classes and by N_LISTED, whatever the number of items.
"""

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from unlossy.runs.folder import ROWS
from unlossy.store import CLEAN, NONE, RowStore, StudyRow

N_LISTED = 12
MIN_PER_CLASS = 5
"""A class with fewer images is not ranked: one image more or less would move it by 20 points and more."""


@dataclass(frozen=True, slots=True)
class ClassLoss:
    """Of `n` images of a class how many were right on the clean image and at each setting looked at.

    `mostly` is the wrong answer most often given at the headline setting and its count, None where there is none.
    """

    class_index: int
    class_name: str | None
    n: int
    clean_right: int
    right: tuple[int, ...]
    mostly: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class ImageLoss:
    """An image, the answers clean and at the headline setting, and the probability (0..1) of what was right in each.

    Without a label what was right is the clean answer, and `after` is None where the answer is another one.
    """

    key: str
    true_class: int | None
    class_name: str | None
    clean_answer: int
    answer: int
    before: float
    after: float | None


@dataclass(frozen=True, slots=True)
class Losses:
    """Classes and images that lose most at `headline`, worst first; `settings` are those that `right` counts are for.

    `n_done` counts the items that have rows, `n_classes` the classes seen, `n_ranked` those large enough to rank.
    """

    headline: str | None
    settings: tuple[str, ...]
    n_done: int
    n_classes: int
    n_ranked: int
    classes: tuple[ClassLoss, ...]
    images: tuple[ImageLoss, ...]


@dataclass(slots=True)
class _Tally:
    name: str | None
    n: int = 0
    clean: int = 0
    right: list[int] = field(default_factory=list)
    wrong: Counter[int] = field(default_factory=Counter)


def find_losses(run: Path, settings: Sequence[str], headline: str | None) -> Losses:
    """The losses of a RUN at `settings`, ranked by the one at `headline`."""
    with RowStore(run / ROWS, read_only=True) as store:
        return losses_of(store.rows(), settings, headline)


def losses_of(rows: Iterable[StudyRow], settings: Sequence[str], headline: str | None) -> Losses:
    """The losses in rows that come in the order of their items; only items scored in every cell are counted.

    Classes are those of the labels; only where no item has one, those of the clean answers.
    """
    by_label: dict[int, _Tally] = {}
    by_answer: dict[int, _Tally] = {}
    worst: list[tuple[float, int, ImageLoss]] = []
    n_done = 0
    for index, item_rows in groupby(rows, key=attrgetter("item_index")):
        n_done += 1
        cells = {row.codec: _Seen.of(row) for row in item_rows if row.mitigation == NONE and row.error_kind is None}
        if headline is None or not {CLEAN, headline, *settings} <= cells.keys():
            continue
        _count(by_answer if cells[CLEAN].target is None else by_label, cells, settings, headline)
        loss = _image_loss(cells[CLEAN], cells[headline])
        if loss is not None:
            entry = (loss.before - (loss.after or 0.0), -index, loss)
            (heapq.heappush if len(worst) < N_LISTED else heapq.heappushpop)(worst, entry)
    tallies = by_label or by_answer
    ranked = {index: tally for index, tally in tallies.items() if tally.n >= MIN_PER_CLASS}
    classes = _ranked(ranked, settings, headline)
    images = tuple(loss for _, _, loss in sorted(worst, reverse=True))
    return Losses(headline, tuple(settings), n_done, len(tallies), len(ranked), classes, images)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A scored row's contents, parsed once."""

    row: StudyRow
    target: int | None
    answer: int
    probability: float
    p_true: float | None
    right: bool

    @classmethod
    def of(cls, row: StudyRow) -> "_Seen":
        answer, score = json.loads(row.prediction or "{}"), json.loads(row.score or "{}")
        target = None if row.target is None else json.loads(row.target)["class_index"]
        right = score["agreement"] if target is None else score["top1"]
        return cls(row, target, answer["class_index"], answer["probability"], score["p_true"], bool(right))


def _count(tallies: dict[int, _Tally], cells: Mapping[str, _Seen], settings: Sequence[str], headline: str) -> None:
    clean, there = cells[CLEAN], cells[headline]
    labelled = clean.target is not None
    index = clean.answer if clean.target is None else clean.target
    tally = tallies.setdefault(index, _Tally(clean.row.class_name if labelled else None, right=[0] * len(settings)))
    tally.n += 1
    tally.clean += clean.right
    tally.right = [count + cells[s].right for count, s in zip(tally.right, settings, strict=True)]
    if not there.right:
        tally.wrong[there.answer] += 1


def _ranked(tallies: Mapping[int, _Tally], settings: Sequence[str], headline: str | None) -> tuple[ClassLoss, ...]:
    if headline is None or headline not in settings:
        return ()
    position = tuple(settings).index(headline)
    order = sorted(tallies, key=lambda i: ((tallies[i].right[position] - tallies[i].clean) / tallies[i].n, i))
    return tuple(
        ClassLoss(
            i, t.name, t.n, t.clean, tuple(t.right), min(t.wrong.items(), key=lambda p: (-p[1], p[0]), default=None)
        )
        for i in order[:N_LISTED]
        if (t := tallies[i]).right[position] < t.clean
    )


def _image_loss(clean: _Seen, there: _Seen) -> ImageLoss | None:
    """The loss of an image; None where it has none."""
    before, after = clean.p_true, there.p_true
    if before is None:
        before, after = clean.probability, there.probability if there.right else None
    if before <= (after or 0.0):
        return None
    return ImageLoss(clean.row.key, clean.target, clean.row.class_name, clean.answer, there.answer, before, after)
