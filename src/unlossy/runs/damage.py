"""What `unlossy damage` found: gradients and edges of compressed pictures against the clean ones, by setting.

Computed by `study.damage`, shown by `report.damage`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8

from unlossy.metrics.gradients import THRESHOLD
from unlossy.metrics.recovered import Share
from unlossy.metrics.stats import Interval

MEASURES: Final = (
    "magnitude_agreement",
    "orientation_agreement",
    "gradient_cosine",
    "lost_edges",
    "phantom_edges",
    "phantom_on_grid",
    "grid_excess",
)
"""Names of `metrics.gradients.GradientDamage`, in the order of tables."""

BEST: Final[Mapping[str, float]] = dict(zip(MEASURES, (1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0), strict=True))
"""What each is of a picture that was not compressed."""


@dataclass(frozen=True, slots=True)
class DamageCell:
    """One codec setting and mitigation; a measure is None where it is undefined in every picture.

    Attributes:
        metrics: mean over the pictures, by measure.
        versus_none: the mitigation's mean minus that without, over the pictures that have both; None in cells without.
        recovered: the share of the damage without mitigation that it undoes; None in cells without.
        undefined: pictures in which a measure is undefined (no gradient, no edges), by measure; they are in no mean.
        rate_bpp: compressed bits per pixel.
        n: pictures in it.
    """

    codec: str
    codec_quality: float | None
    mitigation: str
    metrics: Mapping[str, Interval | None]
    versus_none: Mapping[str, Interval | None] | None
    recovered: Mapping[str, Share | None] | None
    undefined: Mapping[str, int]
    rate_bpp: float | None
    n: int

    @property
    def family(self) -> str | None:
        """What settings that differ in quality alone share, "jpeg[444]"; None of one without a quality."""
        return None if self.codec_quality is None else self.codec.rpartition(":")[0]

    def mean(self, measure: str) -> float | None:
        """The measure's mean, None where it is undefined."""
        interval = self.metrics[measure]
        return None if interval is None else interval.mean


@dataclass(frozen=True, slots=True)
class DamageFailure:
    """A picture that could not be compared; None stands for every codec, or every mitigation."""

    key: str
    codec: str | None
    mitigation: str | None
    error_kind: str
    error_message: str


@dataclass(frozen=True, slots=True)
class DamagePanel:
    """A region of a picture in one version; `changes` marks its edges as `metrics.gradients.edge_changes` does."""

    name: str
    picture: UInt8[np.ndarray, "h w 3"]
    changes: UInt8[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True)
class DamagedItem:
    """A picture at the setting it is shown at: clean, then with each mitigation.

    Attributes:
        region_xywh: what is shown of it, in pixels; it starts at a corner of blocks.
        rank: by phantom edges on the grid, 1 has the largest share.
    """

    key: str
    codec: str
    region_xywh: tuple[int, int, int, int]
    rank: int
    panels: tuple[DamagePanel, ...]


@dataclass(frozen=True, slots=True)
class DamageResult:
    """The whole finding; `n_items` counts the pictures after `--limit`, those that failed included."""

    data: str
    n_items: int
    failures: tuple[DamageFailure, ...]
    cells: tuple[DamageCell, ...]
    items: tuple[DamagedItem, ...]

    @property
    def failed(self) -> int:
        """Pictures that failed in at least one cell."""
        return len({failure.key for failure in self.failures})

    @property
    def mitigations(self) -> tuple[str, ...]:
        """In the order of the plan, none first."""
        return tuple(dict.fromkeys(cell.mitigation for cell in self.cells))

    def to_json(self) -> dict[str, Any]:
        """The numbers, without pictures."""
        return {
            "data": self.data,
            "n_items": self.n_items,
            "failed": self.failed,
            "edge_threshold": THRESHOLD,
            "cells": [asdict(cell) for cell in self.cells],
            "errors": [asdict(failure) for failure in self.failures],
        }
