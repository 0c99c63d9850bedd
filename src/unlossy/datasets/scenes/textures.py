"""Fine surface textures: sums of plane waves that differ in the number and directions of the waves alone.

| name     | waves                             | looks like          |
|----------|-----------------------------------|---------------------|
| striped  | 1                                 | a grating           |
| woven    | 2, at right angles                | plain weave         |
| dimpled  | 3, at 60 degrees                  | a honeycomb         |
| speckled | 12, any directions, periods +-20 % | irregular speckle   |

All have the same power and the same range of periods, so that neither contrast nor scale tells them apart. With periods
of 2.4 to 5 pixels they live in the upper half of a JPEG block's frequencies, which quantization removes first.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unlossy.datasets.scenes.noise import Draws, smooth_noise

Plane = Float64[np.ndarray, "h w"]

TEXTURES = ("striped", "woven", "dimpled", "speckled")
_TILT = 0.17
"""Of the waves against the picture: up to 19 degrees, as cloth hangs and bricks lie."""
_SIN_60 = 0.8660254037844386
_N_SPECKLE_WAVES = 12


@dataclass(frozen=True, slots=True)
class Wave:
    """A plane wave: its direction times its frequency in cycles per pixel, and its phase in cycles."""

    frequency_x: float
    frequency_y: float
    phase: float


@dataclass(frozen=True, slots=True)
class Texture:
    """A surface texture of mean 0 and standard deviation 1; `warp` bends the waves by so many pixels."""

    waves: tuple[Wave, ...]
    warp: float
    warp_key: int

    def sample(self, ys: Float64[np.ndarray, " h"], xs: Float64[np.ndarray, " w"]) -> Plane:
        """The texture at each pixel."""
        bent = smooth_noise(self.warp_key, ys / 40.0, xs / 40.0) * self.warp
        x, y = xs[None, :] + bent, ys[:, None] + bent
        total = np.zeros((len(ys), len(xs)))
        for wave in self.waves:
            total += _sine(x * wave.frequency_x + y * wave.frequency_y + wave.phase)
        return total * float(np.sqrt(2.0 / len(self.waves)))


def draw_texture(name: str, draws: Draws, period: float) -> Texture:
    """A texture of that name whose waves are `period` pixels long, tilted and shifted at random."""
    x, y = draws.tilt(_TILT)
    if name == "striped":
        directions = [(x, y)]
    elif name == "woven":
        directions = [(x, y), (-y, x)]
    elif name == "dimpled":
        directions = [(x, y)] + [(0.5 * x - s * y, s * x + 0.5 * y) for s in (_SIN_60, -_SIN_60)]
    else:
        turns = (draws.direction() for _ in range(_N_SPECKLE_WAVES))
        directions = [(a * k, b * k) for (a, b), k in ((turn, draws.uniform(0.8, 1.2)) for turn in turns)]
    waves = tuple(Wave(a / period, b / period, draws.uniform()) for a, b in directions)
    return Texture(waves, draws.uniform(0.5, 2.0), draws.word())


def _sine(cycles: Plane) -> Plane:
    """A wave within 2 % of the sine, in multiplications only (the cubic that is flat at the crests)."""
    triangle = np.abs(cycles - np.floor(cycles) - 0.5) * 4.0 - 1.0
    return triangle * (1.5 - 0.5 * triangle * triangle)
