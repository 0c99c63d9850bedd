"""A picture in tiles small enough for the memory allowed, each with a margin as wide as the network looks.

The network has no global statistics, so a tile's core comes out as it would from the whole picture: rounding aside,
where the tile is cut cannot be seen. Cores and margins are multiples of the stride, so every tile starts on the grid
of blocks.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """Pixel ranges: `read_*` goes through the network, `keep_*` (inside it) is kept; both half open."""

    read_top: int
    read_bottom: int
    read_left: int
    read_right: int
    keep_top: int
    keep_bottom: int
    keep_left: int
    keep_right: int


def tiles(height: int, width: int, core_px: int, margin_px: int) -> Iterator[Tile]:
    """Tiles in reading order whose cores (squares of at most `core_px`) cover the picture once."""
    for top in range(0, height, core_px):
        for left in range(0, width, core_px):
            bottom, right = min(top + core_px, height), min(left + core_px, width)
            yield Tile(
                read_top=max(0, top - margin_px),
                read_bottom=min(height, bottom + margin_px),
                read_left=max(0, left - margin_px),
                read_right=min(width, right + margin_px),
                keep_top=top,
                keep_bottom=bottom,
                keep_left=left,
                keep_right=right,
            )


def core_px(height: int, width: int, margin_px: int, bytes_per_pixel: int, max_bytes: int, stride_px: int) -> int:
    """The side of the cores: the whole picture where it fits into `max_bytes`, else the largest square that does.

    At least one margin, whatever the memory: smaller tiles would be nearly all margin.
    """
    if height * width * bytes_per_pixel <= max_bytes:
        return round_up(max(height, width), stride_px)
    side = int((max_bytes / bytes_per_pixel) ** 0.5) - 2 * margin_px
    return max(side // stride_px * stride_px, round_up(margin_px, stride_px), stride_px)


def round_up(length: int, step: int) -> int:
    """The smallest multiple of `step` that is not below `length`."""
    return -(-length // step) * step
