"""Outlying clusters: a few images whose quality is far from that of all others, gathered in no class or folder.

    12 12 12 12 12 ............ 75 80 85 90 ...        five images at quality 12, the nearest other one at 75

A fact of the rows as they are, not a finding about a process: no test is made and no p-value given. Told where the
cluster holds at least MIN_IMAGES and at most MAX_SHARE of the images and GAP points of quality lie empty beside it, so
that a long tail of mixed qualities, which has no such gap, is none.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Int64

from unlossy.audit.block import KEYS_IN_JSON
from unlossy.audit.evidence import NO_QUALITY, Evidence
from unlossy.audit.traits import MIN_IMAGES
from unlossy.core.words import counted

GAP: Final = 20
MAX_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class OutlyingCluster:
    """Images at IJG luma quality `low` to `high`, the `nearest` quality of all others being at least GAP away.

    `row_numbers` are their positions in the audit's rows; `n_of` is the number of images that have a quality, without
    the `n_told` of rogue blocks. They lie in `n_groups_with` of the `n_groups` groups of the first `dimension`, None
    where there is nothing to compare.
    """

    low: int
    high: int
    nearest: int
    row_numbers: Int64[np.ndarray, " n"]
    keys: tuple[str, ...]
    n_of: int
    dimension: str | None
    n_groups_with: int
    n_groups: int
    n_told: int = 0

    @property
    def n(self) -> int:
        """Images in the cluster."""
        return len(self.row_numbers)

    @property
    def sentence(self) -> str:
        """The cluster in words."""
        at = str(self.low) if self.low == self.high else f"{self.low} to {self.high}"
        edge = f"{self.nearest} or {'more' if self.nearest > self.high else 'less'}"
        groups = counted(self.n_groups, self.dimension or "")
        spread = f", spread over {self.n_groups_with} of {groups}" if self.dimension else ""
        others = "all others outside rogue blocks" if self.n_told else "all others"
        return f"{counted(self.n)} of {self.n_of} at quality {at}{spread}, {others} at {edge}."

    def as_json(self) -> dict[str, Any]:
        """The cluster as JSON holds it; of the keys the first thousand."""
        names = ("low", "high", "nearest", "n", "n_of", "dimension", "n_groups_with", "n_groups")
        return {name: getattr(self, name) for name in names} | {"keys": list(self.keys[:KEYS_IN_JSON])}


def find_outlying(evidence: Evidence, told: Bool[np.ndarray, " n"]) -> tuple[OutlyingCluster, ...]:
    """The cluster below all others and the one above them, where there are such; rows already `told` are left out."""
    alive = ~told & (evidence.luma != NO_QUALITY)
    present, counts = np.unique(evidence.luma[alive], return_counts=True)
    n_of, n_told = int(counts.sum()), int((told & (evidence.luma != NO_QUALITY)).sum())
    clusters = []
    for index in _edges(present.astype(np.int64), counts.astype(np.int64)):
        low_side = counts[: index + 1].sum() <= counts[index + 1 :].sum()
        ends = present[: index + 1] if low_side else present[index + 1 :]
        nearest = present[index + 1] if low_side else present[index]
        rows = np.flatnonzero(alive & (evidence.luma >= ends[0]) & (evidence.luma <= ends[-1]))
        low, high = int(ends[0]), int(ends[-1])
        spread = _spread(evidence, rows)
        clusters.append(OutlyingCluster(low, high, int(nearest), rows, evidence.keys_at(rows), n_of, *spread, n_told))
    return tuple(clusters)


def _spread(evidence: Evidence, rows: Int64[np.ndarray, " n"]) -> tuple[str | None, int, int]:
    """The first kind of groups, how many of its groups hold these rows, and how many there are."""
    for dimension, coded in evidence.dimensions.items():
        with_some = np.unique(coded.codes[rows])
        return dimension, int((with_some >= 0).sum()), len(coded.names)
    return None, 0, 0


def _edges(present: Int64[np.ndarray, " q"], counts: Int64[np.ndarray, " q"]) -> list[int]:
    """Gaps (after the index) that cut off few images but enough of them; the largest cluster on either side."""
    gaps = np.flatnonzero(np.diff(present) >= GAP)
    below = counts.cumsum()
    most = MAX_SHARE * below[-1] if len(below) else 0
    low = [int(i) for i in gaps if MIN_IMAGES <= below[i] <= most]
    high = [int(i) for i in gaps if MIN_IMAGES <= below[-1] - below[i] <= most]
    return [*low[-1:], *high[:1]]
