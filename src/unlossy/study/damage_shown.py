"""Which pictures the page of `unlossy damage` shows, and what of them: by rule, so that nobody picks what suits.

All pictures are ranked by their phantom edges on the grid, without mitigation, at the setting nearest to quality 10;
those shown lie evenly from the first rank to the last. Of a large one that region is shown which has most of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from jaxtyping import UInt8

from unlossy.codecs import Codec
from unlossy.core.errors import ItemError
from unlossy.core.types import Item
from unlossy.metrics.gradients import BLOCK, PHANTOM, edge_changes
from unlossy.runs.damage import MEASURES, DamagedItem, DamagePanel
from unlossy.store import CLEAN
from unlossy.study.damage_cells import Tally
from unlossy.study.damage_versions import read_source, versions
from unlossy.study.mitigation import Mitigation

SHOWN_AT: Final = 10.0
FAR: Final = 1e6
"""Further from quality 10 than any that has a quality."""
REGION_PX: Final = 256
"""The longest side of what is shown, whole blocks."""

Ranks = Mapping[int, int]
"""Rank, from 1 on, by the item's place in the data."""


def shown_at(codecs: Sequence[Codec]) -> Codec:
    """The setting nearest to quality 10, of equals the first; one without a quality where there is no other."""
    return min(codecs, key=lambda codec: abs(FAR if codec.codec_quality is None else codec.codec_quality - SHOWN_AT))


def choose(tally: Tally, n_pictures: int) -> Ranks:
    """Pictures evenly from the most phantom edges on the grid to the fewest; those without any edge never."""
    shares = tally.values[:, MEASURES.index("phantom_on_grid")]
    ranked = [place for place in np.argsort(-shares, kind="stable").tolist() if not np.isnan(shares[place])]
    if not ranked or not n_pictures:
        return {}
    taken = np.unique(np.linspace(0, len(ranked) - 1, n_pictures).round().astype(int)).tolist()
    return {ranked[number]: number + 1 for number in taken}


def shown_items(
    items: Iterable[Item], chosen: Ranks, codec: Codec, mitigations: Sequence[Mitigation]
) -> tuple[tuple[DamagedItem, ...], list[tuple[Item, ItemError]]]:
    """The chosen items by rank, and those that can no longer be read, with the reason."""
    shown: list[DamagedItem] = []
    lost: list[tuple[Item, ItemError]] = []
    last = max(chosen, default=-1)
    for place, item in enumerate(items):
        if place > last:
            break
        if place in chosen:
            try:
                shown.append(_shown(item, chosen[place], codec, mitigations))
            except ItemError as error:
                lost.append((item, error))
    return tuple(sorted(shown, key=lambda one: one.rank)), lost


def _shown(item: Item, rank: int, codec: Codec, mitigations: Sequence[Mitigation]) -> DamagedItem:
    """Raises ItemError where the picture cannot be read or compressed; a mitigation that fails has no panel."""
    source = read_source(item)
    made = {
        version.mitigation: version.picture
        for version in versions(source, codec, mitigations)
        if not isinstance(version.picture, ItemError)
    }
    changes = {name: edge_changes(picture, source) for name, picture in made.items()}
    x, y, width, height = _region(next(iter(changes.values()), edge_changes(source, source)))
    part = slice(y, y + height), slice(x, x + width)
    clean = DamagePanel(CLEAN, source[part], edge_changes(source, source)[part])
    panels = [DamagePanel(name, picture[part], changes[name][part]) for name, picture in made.items()]
    return DamagedItem(item.key, codec.setting, (x, y, width, height), rank, (clean, *panels))


def _region(changes: UInt8[np.ndarray, "h w"]) -> tuple[int, int, int, int]:
    """Left, top, width and height of the window with most phantom edges, at most REGION_PX a side, on blocks."""
    height, width = changes.shape
    tall, wide = -(-height // BLOCK), -(-width // BLOCK)
    padded = np.zeros((tall * BLOCK, wide * BLOCK))
    padded[:height, :width] = changes >= PHANTOM
    blocks = padded.reshape(tall, BLOCK, wide, BLOCK).sum(axis=(1, 3))
    rows, columns = min(tall, REGION_PX // BLOCK), min(wide, REGION_PX // BLOCK)
    summed = np.pad(blocks.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    windows = summed[rows:, columns:] - summed[:-rows, columns:] - summed[rows:, :-columns] + summed[:-rows, :-columns]
    top, left = (int(place) * BLOCK for place in np.unravel_index(windows.argmax(), windows.shape))
    return left, top, min(REGION_PX, width - left), min(REGION_PX, height - top)
