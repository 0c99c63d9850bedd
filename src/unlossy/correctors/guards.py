"""What keeps a correction from doing harm: which pictures are corrected at all, how far, and whether again.

A picture with tables is corrected and held within what its file says (`projection`). The finer the steps, the more the
picture as it is already tells, and the less of the network's change is taken (`strength`). Where the grid of an earlier
JPEG then shows, a second pass corrects that one. A picture without tables is left alone unless its pixels show a grid,
and one that was not drawn so (`drawn`).
"""

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from jaxtyping import UInt8

from unlossy.core.errors import UsageError
from unlossy.core.tools import json_of
from unlossy.core.types import CompressionHints, Decoded
from unlossy.correctors.drawn import is_drawn
from unlossy.correctors.grid import Grid, earlier_grid, hidden_grid
from unlossy.correctors.limits import LEAST_STRENGTH, STRENGTH_PER_DOUBLING


class Hidden(Enum):
    """What is done with pictures whose bytes tell no tables."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Route:
    """How one picture is treated: not at all, guided by its tables, or without; the grid starts at (top, left)."""

    touched: bool
    hints: CompressionHints | None = None
    guarded: bool = False
    grid_top: int = 0
    grid_left: int = 0


UNTOUCHED: Final = Route(touched=False)


@dataclass(frozen=True, slots=True)
class Guards:
    """The rules.

    A file whose mean luma step is under `bypass_step` is near-lossless and stays as it is; 0 bypasses none.
    """

    hidden: Hidden = Hidden.AUTO
    bypass_step: float = 0.0

    def route(self, picture: Decoded) -> Route:
        """What happens to a picture."""
        if picture.hints is None:
            return self._without_tables(picture.pixels_hwc)
        if float(picture.hints.table_luma.mean()) < self.bypass_step:
            return UNTOUCHED
        return Route(touched=True, hints=picture.hints, guarded=True)

    def again(self, corrected_hwc: UInt8[np.ndarray, "h w c"]) -> Route:
        """What happens to a picture that was corrected by its tables: a second pass where an earlier grid shows."""
        found = None if self.hidden is Hidden.NEVER else earlier_grid(corrected_hwc)
        return UNTOUCHED if found is None else Route(touched=True, grid_top=found.top, grid_left=found.left)

    def _without_tables(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> Route:
        if self.hidden is Hidden.NEVER:
            return UNTOUCHED
        found = hidden_grid(image_hwc)
        if self.hidden is Hidden.AUTO and (found is None or is_drawn(image_hwc, found)):
            return UNTOUCHED
        grid = found or Grid(0, 0, 0.0)
        return Route(touched=True, grid_top=grid.top, grid_left=grid.left)


def stated_guards(name: str, stated: str, hidden: Hidden) -> Guards:
    """The rules that a weights file states as JSON ("" for none: {"bypass_step": 6.0}); raises UsageError."""
    try:
        bypass_step = float(json_of(stated or "{}").get("bypass_step", 0.0))
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{name}: the weights state guards that cannot be read: {stated[:100]!r}") from error
    return Guards(hidden=hidden, bypass_step=bypass_step)


@dataclass(frozen=True, slots=True)
class Unguarded:
    """No rules: every picture is touched, none is guided or projected. For networks of others, as published."""

    def route(self, picture: Decoded) -> Route:  # noqa: ARG002
        """The same for every picture."""
        return Route(touched=True)

    def again(self, corrected_hwc: UInt8[np.ndarray, "h w c"]) -> Route:  # noqa: ARG002
        """Nothing: one pass."""
        return UNTOUCHED


def strength(hints: CompressionHints) -> float:
    """The share of the network's change that is taken, 0.25..1, by the mean luma step (1 at quality 100, 32 at 72)."""
    mean_step = max(float(hints.table_luma.mean()), 1.0)
    return min(1.0, LEAST_STRENGTH + STRENGTH_PER_DOUBLING * math.log2(mean_step))
