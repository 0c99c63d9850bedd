"""The traits that a rogue block can be known by: sets of images, chosen by compression alone, without a look at groups.

    a value of a feature       encoder mozjpeg, luma table 5b1f03aa, process progressive, format png
    a quality                  = 12
    an end of the qualities    <= 40, >= 97: for blocks whose images share no single value

What more than half of the images have is no trait: it is the rest that blocks differ from. Counted over all groups of
one dimension at once, as a matrix traits x groups.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Int16, Int32, Int64

from unlossy.audit.block import QUALITY
from unlossy.audit.evidence import FEATURES, NO_QUALITY, Evidence

MIN_IMAGES: Final = 5
MAX_VALUES: Final = 64
"""Values of one feature that are tested, the most frequent ones; and as many cuts through the qualities."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One set of images: `feature` is `sign` (=, <= or >=) `value`; a code of the feature, or a quality."""

    feature: str
    sign: str
    value: int

    def of(self, evidence: Evidence) -> Bool[np.ndarray, " n"]:
        """True for the rows that have the trait."""
        if self.feature != QUALITY:
            return evidence.features[self.feature].codes == self.value
        luma = evidence.luma
        if self.sign == "=":
            return luma == self.value
        return (luma != NO_QUALITY) & ((luma <= self.value) if self.sign == "<=" else (luma >= self.value))


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Traits of one feature over the groups of one dimension.

    `counts` are the images of each group with the trait, `sizes` those of which the feature is known (at least 1),
    `groups` the groups' codes.
    """

    traits: tuple[Trait, ...]
    counts: Int64[np.ndarray, "t g"]
    sizes: Int64[np.ndarray, " g"]
    groups: Int64[np.ndarray, " g"]


def counted_traits(evidence: Evidence, dimension: str, alive: Bool[np.ndarray, " n"]) -> Iterator[Counted]:
    """Each feature's traits over the groups of `dimension`, among the rows that are `alive`."""
    groups = evidence.dimensions[dimension].codes
    known = alive & (groups >= 0)
    rows = known & (evidence.luma != NO_QUALITY)
    if counted := _qualities(evidence.luma[rows], groups[rows]):
        yield counted
    for feature in FEATURES:
        codes = evidence.features[feature].codes
        rows = known & (codes >= 0)
        if counted := _values(feature, codes[rows], groups[rows]):
            yield counted


def _values(feature: str, codes: Int32[np.ndarray, " m"], groups: Int32[np.ndarray, " m"]) -> Counted | None:
    frequency = np.bincount(codes)
    ranked = np.argsort(-frequency, kind="stable")[:MAX_VALUES]
    chosen = ranked[(frequency[ranked] >= MIN_IMAGES) & (2 * frequency[ranked] <= len(codes))]
    place = np.full(len(frequency), -1)
    place[chosen] = np.arange(len(chosen))
    return _counted([Trait(feature, "=", int(code)) for code in chosen], place[codes], groups, len(chosen))


def _qualities(luma: Int16[np.ndarray, " m"], groups: Int32[np.ndarray, " m"]) -> Counted | None:
    frequency = np.bincount(luma, minlength=101)
    present = np.flatnonzero(frequency)
    singles = _sizeable(present, frequency[present], len(luma))
    lower = _sizeable(present, frequency[present].cumsum(), len(luma))
    upper = _sizeable(present, frequency[present][::-1].cumsum()[::-1], len(luma))
    every = _counted([Trait(QUALITY, "=", q) for q in range(101)], luma, groups, 101)
    if every is None:
        return None
    up, down = every.counts.cumsum(axis=0), every.counts[::-1].cumsum(axis=0)[::-1]
    chosen = (("=", singles, every.counts), ("<=", lower, up), (">=", upper, down))
    traits = tuple(Trait(QUALITY, sign, int(q)) for sign, qualities, _ in chosen for q in qualities)
    counts = np.concatenate([counts[qualities] for _, qualities, counts in chosen])
    return Counted(traits, counts, every.sizes, every.groups) if traits else None


def _sizeable(qualities: Int64[np.ndarray, " q"], images: Int64[np.ndarray, " q"], n: int) -> Int64[np.ndarray, " r"]:
    """The qualities whose traits so many images have: neither too few, nor most of all; thinned where they are many."""
    chosen = qualities[(images >= MIN_IMAGES) & (2 * images <= n)]
    if len(chosen) > MAX_VALUES:
        chosen = chosen[np.linspace(0, len(chosen) - 1, MAX_VALUES).round().astype(np.int64)]
    return chosen


def _counted(
    traits: list[Trait],
    places: Int64[np.ndarray, " m"] | Int16[np.ndarray, " m"],
    groups: Int32[np.ndarray, " m"],
    n: int,
) -> Counted | None:
    """The matrix, without empty groups; None where there are fewer than two groups, or no trait."""
    if not traits or not len(groups):
        return None
    sizes = np.bincount(groups)
    there = np.flatnonzero(sizes)
    if len(there) < 2:
        return None
    has = places >= 0
    flat = np.bincount(places[has].astype(np.int64) * len(sizes) + groups[has], minlength=n * len(sizes))
    return Counted(tuple(traits), flat.reshape(n, len(sizes))[:, there], sizes[there], there)
