"""Rogue blocks: images whose compression differs from the rest, gathered in some classes, splits, shards or folders.

Every trait (`traits`) is tested in every dimension for the set of groups that holds it most unusually often
(`subsets`). The smallest p-value, corrected for all sets, traits and dimensions, is claimed where it is at most LEVEL
and the effect is at least EFFECT; all images with its trait are put aside, and the rest is tested again. With groups
dealt at random, whatever the mixture of qualities, the chance of any claim is at most LEVEL.

Not claimed: what more than half of the images have (it is the rest), traits spread evenly over the groups (`outlying`
tells the most glaring), and differences that are certain but small.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Int64

from unlossy.audit.block import QUALITY, RogueBlock, shared_traits
from unlossy.audit.evidence import FEATURES, NO_QUALITY, Evidence
from unlossy.audit.subsets import Subsets, least_log_p, most_unusual
from unlossy.audit.traits import MIN_IMAGES, Counted, Trait, counted_traits

LEVEL: Final = 0.02
EFFECT: Final = 0.5
"""Cohen's h, the difference of the two shares' arcsines: 0.5 is called medium (Cohen 1988, chapter 6). 0.062 against
0 is 0.5, and 0.74 against 0.5."""

MAX_BLOCKS: Final = 10
HARDLY_LESS: Final = 1000
CORE: Final = 2 / 3
"""Of claims whose images are the same up to a third and whose p-values the same up to a factor of 1000, the plainest is
told: classes before folders, one value before an end of the qualities, few groups before many. Chance alone makes a set
of folders, or of qualities, a little more striking than the class, or the quality, that was behind it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    """One trait in one set of groups, with its corrected log p-value and effect; the plainest has the lowest rank."""

    log_p: float
    rank: tuple[int, int, int, float]
    trait: Trait
    dimension: str
    groups: Int64[np.ndarray, " s"]
    effect: float
    n_of_groups: int
    n_of_rest: int

    def rows(self, evidence: Evidence, alive: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """True for the images that it is about."""
        return self.trait.of(evidence) & alive & np.isin(evidence.dimensions[self.dimension].codes, self.groups)


def find_rogue_blocks(evidence: Evidence) -> tuple[RogueBlock, ...]:
    """The blocks, the largest effect first; none where there are no groups to compare."""
    alive = np.ones(evidence.n, dtype=np.bool_)
    blocks: list[RogueBlock] = []
    while len(blocks) < MAX_BLOCKS and (claim := _strongest(evidence, alive)):
        has = claim.trait.of(evidence) & alive
        blocks.append(_described(claim, has, evidence))
        alive &= ~has
    return tuple(sorted(blocks, key=lambda block: (-block.effect, -block.n)))


def could_find(evidence: Evidence) -> bool:
    """Whether a block could be claimed at all: by a trait that all images of some groups have, and no others.

    False where images, or images in a group, are so few that chance alone might gather any trait.
    """
    _, log_tests = _tested(evidence, np.ones(evidence.n, dtype=np.bool_))
    groups = (coded.codes[coded.codes >= 0] for coded in evidence.dimensions.values())
    sizes = (np.bincount(codes) for codes in groups)
    return any(least_log_p(there[there > 0], MIN_IMAGES) + log_tests <= math.log(LEVEL) for there in sizes)


def _tested(evidence: Evidence, alive: Bool[np.ndarray, " n"]) -> tuple[list[tuple[str, Counted]], float]:
    """The traits of each dimension, and the log of how many there are, at least one."""
    tested: list[tuple[str, Counted]] = []
    for dimension in evidence.dimensions:
        tested += [(dimension, counted) for counted in counted_traits(evidence, dimension, alive)]
    return tested, math.log(max(1, sum(len(counted.traits) for _, counted in tested)))


def _strongest(evidence: Evidence, alive: Bool[np.ndarray, " n"]) -> _Claim | None:
    """The claim with the smallest p-value; or the plainest one that tells the same images with hardly less evidence."""
    tested, log_tests = _tested(evidence, alive)
    claims = [claim for dimension, counted in tested for claim in _claims(dimension, counted, evidence, log_tests)]
    if not claims:
        return None
    best = min(claims, key=lambda claim: claim.log_p)
    rows = best.rows(evidence, alive)
    near = (claim for claim in claims if claim.log_p <= best.log_p + math.log(HARDLY_LESS))
    return min((claim for claim in near if _alike(claim.rows(evidence, alive), rows)), key=lambda claim: claim.rank)


def _alike(one: Bool[np.ndarray, " n"], other: Bool[np.ndarray, " n"]) -> bool:
    return bool((one & other).sum() >= CORE * max(one.sum(), other.sum()))


def _claims(dimension: str, counted: Counted, evidence: Evidence, log_tests: float) -> Iterator[_Claim]:
    """The traits that are gathered surely and strongly."""
    found = most_unusual(counted.counts, counted.sizes)
    effects = _effects(found)
    large = (found.size > 0) & (effects >= EFFECT) & (found.inside >= MIN_IMAGES)
    place = list(evidence.dimensions).index(dimension)
    for index in np.flatnonzero(large):
        log_p = found.log_p(int(index)) + log_tests
        if log_p <= math.log(LEVEL):
            trait, size = counted.traits[index], int(found.size[index])
            groups = counted.groups[found.order[index, :size]]
            rank = (place, _place(trait), size, log_p)
            here = int(found.inside_of[index])
            sizes = (here, found.total_of - here)
            yield _Claim(log_p, rank, trait, dimension, groups, float(effects[index]), *sizes)


def _effects(found: Subsets) -> Any:  # noqa: ANN401 (an array of floats, one per trait)
    inside = found.inside / found.inside_of
    outside = (found.total - found.inside) / np.maximum(1, found.total_of - found.inside_of)
    return 2 * (np.arcsin(np.sqrt(inside)) - np.arcsin(np.sqrt(outside)))


def _place(trait: Trait) -> int:
    """One quality first, then the values of features, the ends of the qualities last."""
    if trait.feature != QUALITY:
        return 1 + FEATURES.index(trait.feature)
    return 0 if trait.sign == "=" else len(FEATURES) + ("<=", ">=").index(trait.sign) + 1


def _described(claim: _Claim, has: Bool[np.ndarray, " n"], evidence: Evidence) -> RogueBlock:
    coded = evidence.dimensions[claim.dimension]
    inside = has & np.isin(coded.codes, claim.groups)
    rows = np.flatnonzero(inside)
    return RogueBlock(
        dimension=claim.dimension,
        groups=tuple(coded.names[group] for group in claim.groups),
        traits=shared_traits(evidence, inside) or _own_trait(claim.trait, evidence),
        row_numbers=rows,
        keys=evidence.keys_at(rows),
        n_of_groups=claim.n_of_groups,
        n_elsewhere=int((has & ~inside & (coded.codes >= 0)).sum()),
        n_of_rest=claim.n_of_rest,
        effect=claim.effect,
        p_value=math.exp(claim.log_p),
        quality_median=_median(evidence, inside),
        rest_quality_median=_median(evidence, ~inside),
    )


def _own_trait(trait: Trait, evidence: Evidence) -> dict[str, str]:
    if trait.feature == QUALITY:
        return {QUALITY: str(trait.value) if trait.sign == "=" else f"{trait.sign} {trait.value}"}
    return {trait.feature: evidence.features[trait.feature].names[trait.value]}


def _median(evidence: Evidence, rows: Bool[np.ndarray, " n"]) -> float | None:
    luma = evidence.luma[rows & (evidence.luma != NO_QUALITY)]
    return float(np.median(luma)) if len(luma) else None
