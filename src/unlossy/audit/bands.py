"""Bands of quality, and what a study says that they cost.

    near-lossless 90..100    mild 60..89    moderate 30..59    heavy 1..29      by IJG quality of the luma table

The limits follow the curves of the reference study (Ehrlich et al. 2020, arXiv 2011.08932; Faster R-CNN R50 on COCO,
box AP 36.4 at quality 90, 33.3 at 50, 29.5 at 30, 23.7 at 20, 10.4 at 10): hardly anything is lost from 90 up, a few
points down to 60, up to eight down to 30, and below it the curve falls away. They are a convention, not a finding about
a model; a study of one's own model (`StudyCost`) says what its images cost.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Int64

from unlossy.core.errors import UsageError
from unlossy.metrics import Interval

LIMITS: Final = (("near-lossless", 90, 100), ("mild", 60, 89), ("moderate", 30, 59), ("heavy", 1, 29))


@dataclass(frozen=True, slots=True)
class CostPoint:
    """What a model loses on JPEGs of one quality: points of its metric (0..100), positive for a loss, with 95 %."""

    ijg_quality: int
    loss: Interval


@dataclass(frozen=True, slots=True)
class StudyCost:
    """A study's curve of JPEG quality against loss; `metric` as people say it ("top-1"), `run` as it was given.

    Raises UsageError where there is no point.
    """

    run: str
    metric: str
    points: tuple[CostPoint, ...]

    def __post_init__(self) -> None:
        if not self.points:
            raise UsageError(f"{self.run!r} has no JPEG cell with a figure, so it cannot say what a quality costs")

    @property
    def lowest(self) -> int:
        """The lowest quality that was studied; worse images are given its loss, which is too small for them."""
        return min(point.ijg_quality for point in self.points)

    @property
    def highest(self) -> int:
        """The highest quality that was studied; better images are taken to lose less and less, nothing at 100."""
        return max(point.ijg_quality for point in self.points)

    def over(self, qualities: Int64[np.ndarray, " q"], images: Int64[np.ndarray, " q"]) -> Interval:
        """The mean loss over so many images of each quality.

        Between studied qualities the curve is linear, under the lowest it is flat, and above the highest it runs to no
        loss at 100. The ends of the interval are the means of the points' ends, as if all points erred together: wider
        than need be, never too narrow for that reason.
        """
        ends = [self._curve(qualities, end) @ images / images.sum() for end in ("mean", "low", "high")]
        return Interval(*(float(end) for end in ends))

    def _curve(self, qualities: Int64[np.ndarray, " q"], end: str) -> Float64[np.ndarray, " q"]:
        points = sorted(self.points, key=lambda point: point.ijg_quality)
        studied = [point.ijg_quality for point in points]
        losses = [getattr(point.loss, end) for point in points]
        # at 100 again every step is 1: what is left is rounding
        top = () if studied[-1] == 100 else (100,)
        return np.interp(qualities, [*studied, *top], [*losses, *(0.0 for _ in top)])


@dataclass(frozen=True, slots=True)
class Band:
    """The images of IJG luma quality `low` to `high`: their number, share of all that have a quality, and mean loss.

    `cost` is in points of the study's metric, positive for a loss; None without a study or without images.
    """

    name: str
    low: int
    high: int
    n: int
    share: float
    cost: Interval | None = None

    def as_json(self) -> dict[str, Any]:
        """The band as JSON holds it."""
        return asdict(self)


def bands_of(counts: Mapping[int, int], study: StudyCost | None = None) -> tuple[Band, ...]:
    """The four bands, best first, from the number of images at each luma quality."""
    total = sum(counts.values())
    bands = []
    for name, low, high in LIMITS:
        inside = {quality: n for quality, n in counts.items() if low <= quality <= high}
        n = sum(inside.values())
        band = Band(name, low, high, n, n / total if total else 0.0)
        bands.append(replace(band, cost=expected_cost(inside, study)))
    return tuple(bands)


def expected_cost(counts: Mapping[int, int], study: StudyCost | None) -> Interval | None:
    """The mean loss over images of these luma qualities; None without a study or without images."""
    if study is None or not counts:
        return None
    return study.over(np.array(list(counts), np.int64), np.array(list(counts.values()), np.int64))
