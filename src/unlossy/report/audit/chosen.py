"""Which rows the page holds: all of a small audit; of a large one what failed, what stands out, and the worst.

A page with 100 000 rows in it does not open; what is counted and drawn counts them all, and the table says what it
holds. Worst means the lowest quality of luma, among equals the fewest bits per pixel, then the earlier row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from unlossy.report.audit.facts import Facts

MAX_ROWS = 5000
MAX_FAILED, MAX_ROGUE = 1500, 1500
N_WORST, N_PER_BLOCK, MAX_BLOCKS = 24, 12, 8


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Row numbers: of the table (what failed, then what stands out, then the worst), and of pictures."""

    table: Int64[np.ndarray, " rows"]
    worst: Int64[np.ndarray, " worst"]
    blocks: tuple[Int64[np.ndarray, " shown"], ...]

    @property
    def pictures(self) -> Int64[np.ndarray, " pictures"]:
        """Every row with a picture, once."""
        return np.unique(np.concatenate([self.worst, *self.blocks]))


def choose(facts: Facts, blocks: Sequence[Int64[np.ndarray, " _"]]) -> Choice:
    """The rows to show; `blocks` are the row numbers of each rogue block, the most striking first."""
    ranked = worst_first(facts)
    failed = np.flatnonzero(facts.failed)[:MAX_FAILED]
    rogue = np.concatenate([np.empty(0, np.int64), *blocks])[:MAX_ROGUE]
    order = np.concatenate([failed, rogue, ranked])
    _, first = np.unique(order, return_index=True)
    table = order[np.sort(first)][:MAX_ROWS]
    worst = ranked[(facts.has_quality & ~facts.failed)[ranked]][:N_WORST]
    return Choice(table, worst, tuple(spread(block, N_PER_BLOCK) for block in blocks[:MAX_BLOCKS]))


def worst_first(facts: Facts) -> Int64[np.ndarray, " n"]:
    """All row numbers from the worst on: first those with a quality, rising, then JPEGs without one, then the rest."""
    return np.lexsort((np.arange(facts.n_rows), np.nan_to_num(facts.rates_bpp, nan=np.inf), facts.places))


def spread(indexes: Int64[np.ndarray, " _"], n: int) -> Int64[np.ndarray, " _"]:
    """At most `n` of them, evenly from first to last."""
    if len(indexes) <= n:
        return indexes
    return indexes[np.linspace(0, len(indexes) - 1, n).round().astype(np.int64)]
