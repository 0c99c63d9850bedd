"""Backgrounds in linear light: open country, a table before a wall, ground seen from above; and the light on them.

Each is layered 1/f noise: stretched for clouds and wood, squeezed towards the horizon for ground that recedes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unlossy.datasets.scenes.noise import Draws, fractal_noise, mix, smooth_noise

Color = tuple[float, float, float]
Plane = Float64[np.ndarray, "h w"]
Canvas = Float64[np.ndarray, "3 h w"]

EARTHS: tuple[Color, ...] = (
    (0.30, 0.22, 0.13),
    (0.20, 0.21, 0.09),
    (0.36, 0.31, 0.22),
    (0.13, 0.17, 0.07),
    (0.24, 0.17, 0.11),
    (0.27, 0.27, 0.25),
    (0.42, 0.36, 0.25),
)
_WALLS: tuple[Color, ...] = (
    (0.50, 0.46, 0.38),
    (0.34, 0.40, 0.42),
    (0.55, 0.53, 0.50),
    (0.40, 0.30, 0.24),
    (0.30, 0.37, 0.28),
)
_WOODS: tuple[Color, ...] = ((0.33, 0.19, 0.09), (0.22, 0.12, 0.06), (0.45, 0.31, 0.17), (0.30, 0.24, 0.18))
_SKIES: tuple[tuple[Color, Color], ...] = (
    ((0.16, 0.30, 0.58), (0.55, 0.66, 0.75)),
    ((0.38, 0.44, 0.52), (0.66, 0.68, 0.68)),
    ((0.22, 0.30, 0.48), (0.80, 0.62, 0.42)),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A background of linear reflectances, about 0..1, and the number of its upper rows that are sky."""

    canvas: Canvas
    sky_rows: int


def paint_place(draws: Draws, width: int, height: int) -> Place:
    """A background of one of the three kinds."""
    return draws.pick((_country, _table, _overhead, _overhead))(draws, width, height)


def light_field(draws: Draws, width: int, height: int, *, leaves: bool) -> Plane:
    """How strongly each pixel is lit, about 0.4..1.3: a slope, a lamp and, often, shadows of `leaves`."""
    scale = float(min(width, height))
    ys, xs = np.arange(height) + 0.5, np.arange(width) + 0.5
    x, y = draws.direction()
    slope = draws.uniform(0.05, 0.30)
    across = (xs / width - 0.5)[None, :] * (x * slope) + (ys / height - 0.5)[:, None] * (y * slope)
    dx = (xs - draws.uniform(0.0, float(width))) / (0.7 * scale)
    dy = (ys - draws.uniform(0.0, float(height))) / (0.7 * scale)
    field = 0.72 + across + draws.uniform(0.15, 0.45) / (1.0 + (dx * dx)[None, :] + (dy * dy)[:, None])
    if leaves and draws.uniform() < 0.5:
        grain = scale * draws.uniform(0.16, 0.34)
        foliage = fractal_noise(draws.word(), ys / grain, xs / grain, 3, 0.55)
        field *= 1.0 - draws.uniform(0.25, 0.5) * soft_step(foliage * 0.9 + draws.uniform(0.2, 0.7))
    return field


def soft_step(t: Plane) -> Plane:
    """0 below 0, 1 above 1, and a smooth cubic between."""
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def two_tone(first: Color, second: Color, field: Plane) -> Canvas:
    """Colours between two, mixed by a field of mean 0 and standard deviation 1."""
    share = np.clip(field * 0.28 + 0.5, 0.0, 1.0)
    return np.stack([a + (b - a) * share for a, b in zip(first, second, strict=True)])


def vary(color: Color, draws: Draws, by: float) -> Color:
    """The colour, brighter or darker by up to the share `by`, and each channel by a third of that again."""
    gain = 1.0 + draws.uniform(-by, by)
    red, green, blue = (max(0.01, c * gain * (1.0 + draws.uniform(-by, by) / 3.0)) for c in color)
    return red, green, blue


def earthy(
    draws: Draws, ys: Float64[np.ndarray, " h"], xs: Float64[np.ndarray, " w"], grain: float, colors: tuple[Color, ...]
) -> Canvas:
    """A natural surface: two near tones, coarse to fine, lit grain by grain; coordinates and `grain` in pixels."""
    base = draws.pick(colors)
    octaves = 2
    while grain > 2.0 * (1 << octaves) and octaves < 8:
        octaves += 1
    field = fractal_noise(draws.word(), ys / grain, xs / grain, octaves, draws.uniform(0.72, 0.9))
    tones = two_tone(vary(base, draws, 0.3), vary(draws.pick(colors), draws, 0.3), field)
    relief = smooth_noise(draws.word(), ys / 3.1, xs / 3.1)
    return tones * (1.0 + np.clip(field * 0.16 + relief * draws.uniform(0.02, 0.08), -0.6, 0.9))


def _country(draws: Draws, width: int, height: int) -> Place:
    """Sky with clouds, ridges in haze, and ground that recedes to the horizon."""
    scale = float(min(width, height))
    xs = np.arange(width) + 0.5
    horizon = max(1, int(height * draws.uniform(0.22, 0.45)))
    canvas = np.empty((3, height, width))
    zenith, low = draws.pick(_SKIES)
    canvas[:, :horizon] = _sky(draws, zenith, low, horizon, xs, scale)
    for layer in range(draws.integer(1, 3)):
        _ridge(canvas, draws, low, layer, horizon, scale)
    below = np.arange(height - horizon) + 0.5
    # Perspective: a step down the picture spans the more ground, the nearer it is to the horizon.
    near = below / (below + 0.35 * scale) * (1.35 * scale)
    if height > horizon:
        canvas[:, horizon:] = earthy(draws, near * 3.0, xs, scale * draws.uniform(0.2, 0.5), EARTHS)
        haze = 0.5 / (1.0 + below / (0.06 * scale))
        for channel in range(3):
            canvas[channel, horizon:] += (low[channel] * 0.7 - canvas[channel, horizon:]) * haze[:, None]
    return Place(canvas, horizon)


def _sky(
    draws: Draws, zenith: Color, low: Color, rows: int, xs: Float64[np.ndarray, " w"], scale: float
) -> Float64[np.ndarray, "3 rows w"]:
    ys = np.arange(rows) + 0.5
    clouds = fractal_noise(draws.word(), ys / (0.16 * scale), xs / (0.45 * scale), 5, 0.6)
    cover = soft_step(clouds * 0.5 + draws.uniform(0.0, 0.7)) * 0.8
    depth = (ys / rows)[:, None]
    planes = [top + (bottom - top) * depth for top, bottom in zip(zenith, low, strict=True)]
    return np.stack([plane + (0.82 - plane) * cover for plane in planes])


def _ridge(canvas: Canvas, draws: Draws, haze: Color, layer: int, horizon: int, scale: float) -> None:
    """Hills before the sky, each nearer layer lower, darker and clearer; changes the canvas."""
    xs = np.arange(canvas.shape[2]) + 0.5
    crest = fractal_noise(draws.word(), np.zeros(1), xs / (0.5 * scale), 6, 0.5)[0] * (0.03 * scale)
    top = horizon - (0.12 - 0.035 * layer) * scale + crest
    ys = np.arange(horizon) + 0.5
    cover = np.clip(ys[:, None] - top[None, :] + 0.5, 0.0, 1.0)
    color = draws.pick(EARTHS)
    rough = fractal_noise(draws.word(), ys / (0.1 * scale), xs / (0.15 * scale), 5, 0.8) * 0.12 + 1.0
    fade = 0.65 - 0.2 * layer
    for channel in range(3):
        hill = color[channel] * rough * (1.0 - fade) + haze[channel] * 0.8 * fade
        canvas[channel, :horizon] += (hill - canvas[channel, :horizon]) * cover


def _table(draws: Draws, width: int, height: int) -> Place:
    """A plastered wall, and before it a table of wooden boards."""
    scale = float(min(width, height))
    ys, xs = np.arange(height) + 0.5, np.arange(width) + 0.5
    edge = min(height, max(1, int(height * draws.uniform(0.25, 0.5))))
    canvas = np.empty((3, height, width))
    canvas[:, :edge] = earthy(draws, ys[:edge], xs, scale * draws.uniform(0.3, 0.9), (draws.pick(_WALLS),))
    if height > edge:
        canvas[:, edge:] = _boards(draws, ys[: height - edge], xs, scale)
        shade = 1.0 - 0.45 / (1.0 + ys[: height - edge] / (0.04 * scale))
        canvas[:, edge:] *= shade[None, :, None]
    return Place(canvas, 0)


def _boards(
    draws: Draws, ys: Float64[np.ndarray, " h"], xs: Float64[np.ndarray, " w"], scale: float
) -> Float64[np.ndarray, "3 h w"]:
    """Boards along x that widen towards the viewer, each with its own tone, and wood grain stretched along them."""
    near = ys / (ys + 0.8 * scale) * 1.8
    which = np.floor(near * draws.uniform(5.0, 8.0))
    tone_key = draws.word()
    tones = np.array([1.0 + 0.22 * (2.0 * (mix(tone_key, int(board)) >> 11) / (1 << 53) - 1.0) for board in which])
    grain = fractal_noise(draws.word(), near * 34.0 + which * 11.3, xs / (0.8 * scale), 5, 0.8)
    gap = np.ones(len(ys))
    gap[1:] = np.where(which[1:] == which[:-1], 1.0, 0.45)
    wood = draws.pick(_WOODS)
    return two_tone(vary(wood, draws, 0.25), vary(wood, draws, 0.45), grain) * (tones * gap)[None, :, None]


def _overhead(draws: Draws, width: int, height: int) -> Place:
    """Earth, moss, sand or stone seen from above, in patches."""
    scale = float(min(width, height))
    ys, xs = np.arange(height) + 0.5, np.arange(width) + 0.5
    ground = earthy(draws, ys, xs, scale * draws.uniform(0.25, 0.7), EARTHS)
    patches = earthy(draws, ys, xs, scale * draws.uniform(0.1, 0.3), EARTHS)
    grain = scale * draws.uniform(0.25, 0.5)
    where = fractal_noise(draws.word(), ys / grain, xs / grain, 6, 0.55)
    cover = soft_step(where * draws.uniform(1.5, 4.0) + draws.uniform(-0.5, 0.5))
    ground += (patches - ground) * cover[None]
    return Place(ground, 0)
