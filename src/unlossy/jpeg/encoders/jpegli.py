"""jpegli (libjxl, google/jpegli): tables that follow from a Butteraugli distance, each entry by a curve of its own.

    entry k = round(1.7396601 * [1.22 * r_k for 4:2:0] * s_k(distance) * base_k)      1..255 or 1..32767
    s_k(d) = d under 1.5, else max(d / 2, 1.5^(1 - e_k) * d^e_k)                      (r_k: chroma only; luma 1)

Each entry bounds the distance from both sides; the tables are jpegli's where one distance is within all bounds.
Nothing is said of tables that are nearly all ones, of XYB files, nor of files made with Annex K's tables.
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from unlossy.jpeg.encoders.guess import EncoderGuess
from unlossy.jpeg.encoders.jpegli_tables import BASE_CB, BASE_CR, BASE_LUMA, EXPONENTS, RESCALE_420
from unlossy.jpeg.encoders.signature import Signature
from unlossy.jpeg.tables import from_zigzag

Entries = Float64[np.ndarray, "8 8"]
Bounds = tuple[float, float]
Corner = int | Int64[np.ndarray, " n"]

_SCALE: Final = 1.73966010
_SCALE_420: Final = 1.22
_KNEE: Final = 1.5
_LARGEST: Final = 25.0
"""The distance of quality 0; what lies beyond has no table that differs from others enough."""
_MARGIN: Final = 1e-5
_LEAST_SUM: Final = 128.0
"""A luma table of a lower sum is nearly all ones, and could be anybody's."""


def recognise(signature: Signature) -> EncoderGuess | None:
    """A "jpegli" guess with quality or distance, None where no distance gives all tables."""
    if len(signature.tables_a_segment) != 1 or signature.component_ids not in (b"\x01", b"\x01\x02\x03"):
        return None
    if not signature.tables or not corners_agree(*_corners(signature.tables[0][1])):
        return None
    tables = {slot: _natural(entries) for slot, entries in signature.slots.items() if len(entries) in (64, 128)}
    bases = _bases(signature.table_ids)
    if bases is None or not set(bases) <= set(tables) or tables[0].sum() < _LEAST_SUM:
        return None
    is_420 = signature.frame[3::3] == b"\x22\x11\x11"
    low, high = 0.0, _LARGEST
    for slot, base in bases.items():
        rescale = np.ones((8, 8)) if not is_420 else _SCALE_420 * (RESCALE_420 if slot else np.ones((8, 8)))
        least, most = distance_bounds(
            tables[slot], _SCALE * rescale * base, 255 if len(signature.slots[slot]) == 64 else 32767
        )
        low, high = max(low, least), min(high, most)
    if low > high * (1 + _MARGIN):
        return None
    return EncoderGuess("jpegli", _setting(low, high), 0.95, "tables that jpegli makes of one Butteraugli distance")


def _corners(entries: bytes) -> tuple[int, int]:
    """The first and the last entry of a stored table of 8 or 16 bits."""
    size = len(entries) // 64
    return int.from_bytes(entries[:size], "big"), int.from_bytes(entries[-size:] if size else b"", "big")


def corners_agree(first: Corner, last: Corner) -> Bool[np.ndarray, " n"] | np.bool_ | bool:
    """Whether the first and last entry of luma tables can be of one distance: quick, and true of few other tables."""
    scale_first, scale_last = float(BASE_LUMA[0, 0]), float(BASE_LUMA[7, 7])
    is_large_enough = (last - 0.5) / scale_last <= (first + 0.5) / scale_first + _MARGIN
    return is_large_enough & ((first == 1) | ((first - 0.5) / scale_first <= (last + 0.5) / scale_last + _MARGIN))


def _bases(table_ids: bytes) -> dict[int, Entries] | None:
    """The base matrix of each slot in use: a chroma table for both takes Cr's."""
    return {
        b"\x00": {0: BASE_LUMA},
        b"\x00\x01\x01": {0: BASE_LUMA, 1: BASE_CR},
        b"\x00\x01\x02": {0: BASE_LUMA, 1: BASE_CB, 2: BASE_CR},
    }.get(table_ids)


def distance_bounds(table: Entries, factors: Entries, largest: int) -> Bounds:
    """The least and the greatest distance that give `table` of `factors`; the least is the greater where none does."""
    least = np.where(table > 1, _distance((table - 0.5) / factors), 0.0)
    most = np.where(table < largest, _distance((table + 0.5) / factors), _LARGEST)
    return float(least.max()), float(most.min())


def _distance(scale: Entries) -> Entries:
    """The inverse of s_k."""
    power = 1.0 / EXPONENTS
    return np.where(scale < _KNEE, scale, np.minimum(2.0 * scale, _KNEE ** (1.0 - power) * scale**power))


def _setting(low: float, high: float) -> str:
    """The quality whose distance is within the bounds, nearest to their middle; else the distance itself."""
    middle = (low + high) / 2
    within = [q for q in range(1, 101) if low * (1 - _MARGIN) <= quality_distance(q) <= high * (1 + _MARGIN)]
    if within:
        return f"quality {min(within, key=lambda q: abs(quality_distance(q) - middle))}"
    return f"distance {middle:.2f}"


def quality_distance(quality: int) -> float:
    """The Butteraugli distance of a quality 1..100, by `jpegli_quality_to_distance`."""
    if quality >= 100:
        return 0.01
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53.0 / 3000.0 * quality * quality - 23.0 / 20.0 * quality + 25.0


def _natural(entries: bytes) -> Entries:
    """The table of stored entries in natural order."""
    stored = np.frombuffer(entries, dtype=">u2" if len(entries) == 128 else np.uint8).astype(np.uint16)
    return from_zigzag(stored).astype(np.float64)
