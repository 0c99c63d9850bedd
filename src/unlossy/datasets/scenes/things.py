"""The things in a scene: what is drawn by chance of each, and the colours of its surface.

Subjects carry a class, which is their shape and their fine texture together; clutter has other shapes and no texture.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unlossy.datasets.scenes.noise import Draws, fractal_noise
from unlossy.datasets.scenes.places import Canvas, Color, Plane, soft_step, two_tone, vary
from unlossy.datasets.scenes.shapes import CLUTTER_SHAPES, SUBJECT_SHAPES, Outline
from unlossy.datasets.scenes.textures import TEXTURES, Texture, draw_texture

CLASS_NAMES: tuple[str, ...] = tuple(f"{texture} {shape}" for shape in SUBJECT_SHAPES for texture in TEXTURES)
"""Neither the shape nor the texture alone names the class."""

_PAINTS: tuple[Color, ...] = (
    (0.42, 0.14, 0.09),
    (0.50, 0.36, 0.12),
    (0.17, 0.28, 0.14),
    (0.11, 0.20, 0.34),
    (0.33, 0.33, 0.32),
    (0.52, 0.46, 0.36),
    (0.24, 0.15, 0.26),
    (0.13, 0.30, 0.31),
    (0.38, 0.23, 0.15),
)
_PERIOD_PX = (2.4, 5.0)
_CONTRAST = (0.045, 0.30)
_TRIES = 8
"""Places tried for each of several subjects; where all are taken, it stands behind another."""
_APART = 0.9
"""How far apart the centres of two subjects are, in the sum of their radii."""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object to paint: outline, two tones of its surface, strength of its texture (None: no fine texture)."""

    outline: Outline
    tones: tuple[Color, Color]
    surface_key: int
    texture: Texture | None
    contrast: float


@dataclass(frozen=True, slots=True)
class Room:
    """Where subjects can stand: a picture's size, the rows of its sky, how many they will be, who stands already."""

    width: int
    height: int
    sky_rows: int
    n_subjects: int
    taken: tuple[Outline, ...] = ()

    def spot(self, draws: Draws, radius: float) -> tuple[float, float]:
        """The centre of a thing below the sky, apart from the others where a few tries find such a place."""
        width, height = self.width, self.height
        highest = min(max(0.8 * radius, float(self.sky_rows)), height - radius)
        x = y = 0.0
        for _ in range(_TRIES):
            x = draws.uniform(0.8 * radius, width - 0.8 * radius)
            y = draws.uniform(highest, height - 0.8 * radius)
            if all(_apart(x, y, radius, other) for other in self.taken):
                break
        return x, y


def _apart(x: float, y: float, radius: float, other: Outline) -> bool:
    dx, dy, least = x - other.center_x, y - other.center_y, _APART * (radius + other.radius)
    return dx * dx + dy * dy >= least * least


def draw_subject(draws: Draws, class_index: int, room: Room) -> Thing:
    """A subject of that class; one of several is smaller."""
    shape, texture = divmod(class_index, len(TEXTURES))
    scale = min(room.width, room.height)
    radius = scale * draws.uniform(0.19, 0.34) / (1.0 + 0.25 * (room.n_subjects - 1))
    x, y = room.spot(draws, radius)
    outline = Outline(SUBJECT_SHAPES[shape], x, y, radius, draws.tilt(0.1), draws.uniform(0.0, 0.025), draws.word())
    strength = draws.uniform()
    low, high = _CONTRAST
    return Thing(
        outline,
        _tones(draws),
        draws.word(),
        draw_texture(TEXTURES[texture], draws, draws.uniform(*_PERIOD_PX)),
        # More scenes with a faint texture than with a bold one: the losses then spread over all qualities.
        low + (high - low) * strength * strength,
    )


def draw_clutter(draws: Draws, width: int, height: int, sky_rows: int) -> Thing:
    """Something without a class, below the sky."""
    radius = min(width, height) * draws.uniform(0.06, 0.2)
    x, y = draws.uniform(0.0, float(width)), draws.uniform(float(sky_rows), float(height))
    return _plain(draws, x, y, radius)


def draw_occluder(draws: Draws, subject: Outline) -> Thing:
    """Something that covers a part of the subject's rim, never its middle."""
    x, y = draws.direction()
    away = subject.radius * draws.uniform(0.95, 1.25)
    radius = subject.radius * draws.uniform(0.25, 0.5)
    return _plain(draws, subject.center_x + x * away, subject.center_y + y * away, radius)


def _plain(draws: Draws, x: float, y: float, radius: float) -> Thing:
    outline = Outline(draws.pick(CLUTTER_SHAPES), x, y, radius, draws.direction(), 0.04, draws.word())
    return Thing(outline, _tones(draws), draws.word(), None, 0.0)


def _tones(draws: Draws) -> tuple[Color, Color]:
    paint = draws.pick(_PAINTS)
    return vary(paint, draws, 0.35), vary(paint, draws, 0.45)


def surface(
    thing: Thing,
    ys: Float64[np.ndarray, " h"],
    xs: Float64[np.ndarray, " w"],
    distance: Plane,
    light_from: tuple[float, float],
) -> Canvas:
    """The thing's linear colours: tones in 1/f patches, shading of a shallow dome with a rounded rim, fine texture."""
    outline = thing.outline
    grain = outline.radius * 0.8 + 1.0
    colors = two_tone(*thing.tones, fractal_noise(thing.surface_key, ys / grain, xs / grain, 5, 0.7))
    towards_x = (xs - outline.center_x) * (light_from[0] / outline.radius)
    towards_y = (ys - outline.center_y) * (light_from[1] / outline.radius)
    rim = soft_step(-distance / (0.3 * outline.radius))
    shade = (1.0 + 0.35 * (towards_x[None, :] + towards_y[:, None])) * (0.62 + 0.38 * rim)
    if thing.texture is not None:
        shade *= np.maximum(1.0 + thing.texture.sample(ys, xs) * thing.contrast, 0.05)
    return np.maximum(colors * shade[None], 0.004)
