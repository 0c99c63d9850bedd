"""From pictures to cells: means with bootstrap intervals, what a mitigation changes, and the share it undoes.

A cell's measures are resampled together, by the same draws of pictures as every other cell's; a picture in which a
measure is undefined weighs nothing there.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from unlossy.codecs import Codec
from unlossy.metrics.gradients import GradientDamage
from unlossy.metrics.recovered import Share, share_of
from unlossy.metrics.stats import Interval, draws
from unlossy.runs.damage import BEST, MEASURES, DamageCell
from unlossy.runs.estimates import interval_of
from unlossy.store import NONE

Values = Float64[np.ndarray, "n m"]
"""Pictures by measures, NaN where a measure is undefined or the picture failed."""


@dataclass(slots=True)
class Tally:
    """The measures of one cell, 56 bytes a picture; filled picture by picture, failed ones included."""

    codec: Codec
    mitigation: str
    n: int = 0
    bits: int = 0
    pixels: int = 0
    _values: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, damage: GradientDamage | None, encoded_bytes: int, n_pixels: int) -> None:
        """The next picture is in the tally; `damage` is None where it failed in this cell."""
        measured = [None if damage is None else getattr(damage, measure) for measure in MEASURES]
        self._values.extend(np.nan if value is None else value for value in measured)
        if damage is not None:
            self.n, self.bits, self.pixels = self.n + 1, self.bits + 8 * encoded_bytes, self.pixels + n_pixels

    @property
    def values(self) -> Values:
        """All pictures so far."""
        return np.array(self._values, np.float64).reshape(-1, len(MEASURES))


def cells_of(tallies: Sequence[Tally], seed: int) -> Iterator[DamageCell]:
    """One cell per tally, in order; `seed` draws the pictures."""
    without = {tally.codec.setting: tally for tally in tallies if tally.mitigation == NONE}
    for tally in tallies:
        plain, own = without.get(tally.codec.setting), tally.values
        beside = None if plain is None or plain is tally else plain.values
        yield DamageCell(
            codec=tally.codec.setting,
            codec_quality=tally.codec.codec_quality,
            mitigation=tally.mitigation,
            metrics=_means(own, seed),
            versus_none=None if beside is None else _means(own - beside, seed),
            recovered=None if beside is None else _recovered(own, beside, seed),
            undefined=dict(zip(MEASURES, (tally.n - _is_there(own).sum(axis=0)).astype(int).tolist(), strict=True)),
            rate_bpp=tally.bits / tally.pixels if tally.pixels else None,
            n=tally.n,
        )


def _means(values: Values, seed: int) -> Mapping[str, Interval | None]:
    """Of each measure over the pictures where it is defined."""
    counts = _is_there(values).sum(axis=0)
    with np.errstate(invalid="ignore"):  # 0 / 0: no such picture was drawn
        means = np.nansum(values, axis=0) / counts
        drawn = _drawn_sums(values, seed) / _drawn_sums(_is_there(values), seed)
    found = [interval_of(mean, of_measure) for mean, of_measure in zip(means.tolist(), drawn.T, strict=True)]
    return dict(zip(MEASURES, found, strict=True))


def _recovered(own: Values, plain: Values, seed: int) -> Mapping[str, Share | None]:
    """The share of the way from the plain values to the best there are, over the pictures defined in both."""
    best = np.array(list(BEST.values()))
    towards = np.where(best > 0, 1.0, -1.0)  # positive is better
    won, lost = towards * (own - plain), towards * (best - plain) + 0 * own
    gains, losses = _drawn_sums(won, seed), _drawn_sums(lost, seed)
    sums = zip(np.nansum(won, axis=0).tolist(), np.nansum(lost, axis=0).tolist(), gains.T, losses.T, strict=True)
    return dict(zip(MEASURES, (share_of(*of_measure) for of_measure in sums), strict=True))


def _drawn_sums(values: Values, seed: int) -> Float64[np.ndarray, "d m"]:
    """The sum of the defined values in each draw."""
    filled = np.nan_to_num(values)
    return np.concatenate([weights @ filled for weights in draws(len(values), seed)])


def _is_there(values: Values) -> Values:
    """1 where a value is defined, else 0."""
    return (~np.isnan(values)).astype(np.float64)
