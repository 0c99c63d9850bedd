"""A clean picture and what a real codec makes of it, with the facts that its bytes would tell.

jpeg            one JPEG, tables told                   double           JPEG in JPEG, the second's tables told
hidden          one JPEG, decoded to pixels: not told   double_hidden    JPEG in JPEG, not told
hidden_shifted  the same, cut off the 8 x 8 grid        webp, clean      no JPEG tables to tell
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

import numpy as np
from numpy.random import Generator
from PIL import Image

from unlossy.train.quality_shares import QualityShares
from unlossy.train.tables import Qualities, Table, draw_tables

MARGIN: Final = 16
"""How much larger than the sample the clean region must be, in both directions: room to cut off the grid."""

SHARES: Final = {
    "jpeg": 0.70,
    "hidden": 0.06,
    "hidden_shifted": 0.06,
    "double": 0.09,
    "double_hidden": 0.04,
    "webp": 0.03,
    "clean": 0.02,
}
SAMPLINGS: Final = {"4:2:0": 0.70, "4:4:4": 0.14, "4:2:2": 0.07, "grey": 0.09}
HEAVIER_FIRST_SHARE: Final = 0.7
"""Of double JPEGs, at least: where the second is the heavier, hardly a trace of the first is left to learn from."""
FACTORS: Final = {"4:2:0": (2, 2), "4:2:2": (2, 1), "4:4:4": (1, 1), "grey": (1, 1)}


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each kind and subsampling is drawn (shares that add up to 1), and how strong the compression is."""

    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))
    samplings: Mapping[str, float] = field(default_factory=lambda: dict(SAMPLINGS))
    qualities: Qualities | QualityShares = field(default_factory=Qualities)


FIDELITY: Final = Mix()
"""What the correctors that ship are trained on."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One training pair. `tables` is (2, 8, 8), ones where not `known`; a grey picture's chroma table is ones."""

    kind: str
    clean: np.ndarray
    """uint8 (h, w, 3)."""
    degraded: np.ndarray
    """uint8 (h, w, 3)."""
    tables: np.ndarray
    known: bool
    sampling_hv: tuple[int, int]


def degrade(rng: Generator, region: np.ndarray, mix: Mix = FIDELITY) -> Sample:
    """A pair cut from a clean region (uint8, h w 3): MARGIN smaller in both directions, which stay multiples of 8."""
    kind = _drawn(rng, mix.shares)
    sampling = _drawn(rng, mix.samplings)
    if sampling == "grey":
        region = np.repeat(np.asarray(Image.fromarray(region).convert("L"))[:, :, None], 3, axis=2)
    height, width = region.shape[0] - MARGIN, region.shape[1] - MARGIN
    top, left = _offset(rng, kind)
    clean = np.ascontiguousarray(region[top : top + height, left : left + width])
    if kind == "clean":
        return _untold(kind, clean, clean)
    if kind == "webp":
        return _untold(kind, clean, _through_webp(clean, mix.qualities.draw(rng)))
    if kind in ("jpeg", "hidden"):
        degraded, told = through_jpeg(clean, draw_tables(rng, mix.qualities), sampling)
    else:
        earlier, later = draw_tables(rng, mix.qualities), draw_tables(rng, mix.qualities)
        if kind != "hidden_shifted" and rng.random() < HEAVIER_FIRST_SHARE:
            earlier, later = sorted((earlier, later), key=lambda tables: -sum(tables[0]))
        first, told = through_jpeg(region, earlier, sampling)
        degraded = np.ascontiguousarray(first[top : top + height, left : left + width])
        if kind != "hidden_shifted":
            degraded, told = through_jpeg(degraded, later, sampling)
    if kind in ("jpeg", "double"):
        return Sample(kind, clean, degraded, told, known=True, sampling_hv=FACTORS[sampling])
    return _untold(kind, clean, degraded)


def through_jpeg(image: np.ndarray, tables: tuple[Table, Table], sampling: str) -> tuple[np.ndarray, np.ndarray]:
    """The picture after a JPEG round trip (uint8, h w 3), and the tables (2, 8, 8) read back from the bytes."""
    grey = sampling == "grey"
    buffer = BytesIO()
    source = Image.fromarray(image)
    if grey:
        source.convert("L").save(buffer, "JPEG", qtables=[tables[0]])
    else:
        source.save(buffer, "JPEG", qtables=list(tables), subsampling=sampling)
    with Image.open(buffer) as decoded:
        found: dict[int, Table] = decoded.quantization  # type: ignore[attr-defined]
        told = np.array([found[0], [1] * 64 if grey else found.get(1, found[0])]).reshape(2, 8, 8)
        return np.asarray(decoded.convert("RGB")), told


def _drawn(rng: Generator, shares: Mapping[str, float]) -> str:
    return str(rng.choice(list(shares), p=list(shares.values())))


def _through_webp(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=quality, method=0)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB"))


def _offset(rng: Generator, kind: str) -> tuple[int, int]:
    """Where the pair is cut from what the first codec saw; a third of the double JPEGs stay on the grid."""
    if kind == "hidden_shifted" or (kind.startswith("double") and rng.random() > 1 / 3):
        return int(rng.integers(MARGIN)), int(rng.integers(MARGIN))
    return 0, 0


def _untold(kind: str, clean: np.ndarray, degraded: np.ndarray) -> Sample:
    return Sample(kind, clean, degraded, np.ones((2, 8, 8), dtype=np.int64), known=False, sampling_hv=(1, 1))
