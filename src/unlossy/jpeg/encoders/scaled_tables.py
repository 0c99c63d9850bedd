"""Base tables at every quality, as files hold them: one look-up tells which quality, if any, made a table.

qualities_of(base)[entries]  ->  (75,)       entries: the 64 or 128 bytes of a DQT segment, in zigzag order
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np

from unlossy.jpeg.encoders.signature import Signature
from unlossy.jpeg.tables import (
    CHROMINANCE,
    CHROMINANCE_9E,
    LUMINANCE,
    MAX_ENTRY_16_BIT,
    MAX_ENTRY_BASELINE,
    Table,
    scaling_percent,
    to_zigzag,
)

QUALITIES: Final = range(1, 101)


def qualities_of(base: Table) -> Mapping[bytes, tuple[int, ...]]:
    """The qualities 1..100 that give each table which libjpeg's scaling makes of `base`, ascending."""
    return _qualities_of(base.tobytes())


@lru_cache(maxsize=32)
def _qualities_of(base: bytes) -> Mapping[bytes, tuple[int, ...]]:
    table = to_zigzag(np.frombuffer(base, dtype=np.uint16).reshape(8, 8)).astype(np.int64)
    percent = np.array([scaling_percent(quality) for quality in QUALITIES])[:, None]
    scaled = np.clip((table * percent + 50) // 100, 1, MAX_ENTRY_16_BIT)
    found: defaultdict[bytes, list[int]] = defaultdict(list)
    for quality, entries in zip(QUALITIES, scaled, strict=True):
        found[np.minimum(entries, MAX_ENTRY_BASELINE).astype("u1").tobytes()].append(quality)
        if entries.max() > MAX_ENTRY_BASELINE:  # two bytes an entry, unless it was clamped to one
            found[entries.astype(">u2").tobytes()].append(quality)
    return {entries: tuple(qualities) for entries, qualities in found.items()}


def quality_text(luma: tuple[int, ...], chroma: tuple[int, ...]) -> str:
    """A setting such as "quality 75", "quality 75,20" where no quality is in both; an empty one is absent.

    Where clamping or flat tables leave several, "quality 80..82".
    """
    shared = sorted(set(luma or chroma) & set(chroma or luma))
    if shared:
        return f"quality {shared[0]}" if len(shared) == 1 else f"quality {shared[0]}..{shared[-1]}"
    pairs = sorted((abs(first - second), -first, -second) for first in luma for second in chroma)
    return f"quality {-pairs[0][1]},{-pairs[0][2]}"


def annex_k_setting(signature: Signature) -> str | None:
    """The setting, where slot 0 holds the luminance table of Annex K at some quality, slot 1 the chrominance table.

    None where another slot is used or a table is another one: that is not what libjpeg writes by itself.
    """
    slots = signature.slots
    if not slots or not slots.keys() <= {0, 1}:
        return None
    luma = qualities_of(LUMINANCE).get(slots[0], ()) if 0 in slots else ()
    chroma = _chroma_qualities(slots[1]) if 1 in slots else ()
    if (0 in slots and not luma) or (1 in slots and not chroma):
        return None
    return quality_text(luma, chroma)


def _chroma_qualities(entries: bytes) -> tuple[int, ...]:
    return qualities_of(CHROMINANCE).get(entries, ()) or qualities_of(CHROMINANCE_9E).get(entries, ())
