"""Outlines as signed distances: negative inside, in pixels, exact near a straight edge.

A subject has one of `SUBJECT_SHAPES` (they carry the class); clutter has one of `CLUTTER_SHAPES`. All are drawn turned
and with a slightly wobbling outline; areas are close to each other, so that size does not tell the shape.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unlossy.datasets.scenes.noise import smooth_noise

Plane = Float64[np.ndarray, "h w"]

_FIFTHS = (
    (0.0, 1.0),
    (0.9510565162951535, 0.30901699437494745),
    (0.5877852522924731, -0.8090169943749475),
    (-0.5877852522924731, -0.8090169943749475),
    (-0.9510565162951535, 0.30901699437494745),
)
"""Unit vectors to the corners of a regular pentagon (literal, since a sine may differ between machines)."""

_THIRDS = ((0.0, 1.0), (0.8660254037844386, -0.5), (-0.8660254037844386, -0.5))


@dataclass(frozen=True, slots=True)
class Outline:
    """Where a shape lies: `kind`, centre and nominal radius in pixels, its turn as a unit vector, its wobble."""

    kind: str
    center_x: float
    center_y: float
    radius: float
    turn: tuple[float, float]
    wobble: float
    wobble_key: int

    def local(self, ys: Float64[np.ndarray, " h"], xs: Float64[np.ndarray, " w"]) -> tuple[Plane, Plane]:
        """Pixel coordinates in the shape's own turned frame, in radii."""
        cos, sin = self.turn
        dx = ((xs - self.center_x) / self.radius)[None, :]
        dy = ((ys - self.center_y) / self.radius)[:, None]
        return dx * cos + dy * sin, dy * cos - dx * sin

    def distance(self, ys: Float64[np.ndarray, " h"], xs: Float64[np.ndarray, " w"]) -> Plane:
        """Signed distance to the outline at each pixel, in pixels, negative inside."""
        u, v = self.local(ys, xs)
        grain = 0.45 * self.radius
        bumps = smooth_noise(self.wobble_key, (ys - self.center_y) / grain, (xs - self.center_x) / grain)
        return (_KINDS[self.kind](u, v) + bumps * self.wobble) * self.radius


def _disc(u: Plane, v: Plane) -> Plane:
    return np.sqrt(u * u + v * v) - 0.94


def _square(u: Plane, v: Plane) -> Plane:
    return np.maximum(np.abs(u), np.abs(v)) - 0.82


def _triangle(u: Plane, v: Plane) -> Plane:
    a, b, c = (u * x + v * y for x, y in _THIRDS)
    return np.maximum(np.maximum(a, b), c) - 0.66


def _star(u: Plane, v: Plane) -> Plane:
    """The pentagram: inside are the points beyond at most one of five lines, so the second largest distance counts."""
    first = second = np.full(u.shape, -1e9)
    for x, y in _FIFTHS:
        line = u * x - v * y
        second = np.maximum(second, np.minimum(first, line))
        first = np.maximum(first, line)
    return second - 0.43


def _oval(u: Plane, v: Plane) -> Plane:
    # The true distance to an ellipse has no closed form; this one is exact at the four vertices.
    return (np.sqrt(u * u + v * v * 4.0) - 1.0) * 0.7


def _stick(u: Plane, v: Plane) -> Plane:
    beyond = np.maximum(np.abs(u) - 1.4, 0.0)
    return np.sqrt(beyond * beyond + v * v) - 0.14


def _leaf(u: Plane, v: Plane) -> Plane:
    """The lens where two discs overlap."""
    upper, lower = v - 0.95, v + 0.95
    return np.maximum(np.sqrt(u * u + upper * upper), np.sqrt(u * u + lower * lower)) - 1.4


_KINDS: dict[str, Callable[[Plane, Plane], Plane]] = {
    "disc": _disc,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "oval": _oval,
    "stick": _stick,
    "leaf": _leaf,
}

SUBJECT_SHAPES = ("disc", "square", "triangle", "star")
CLUTTER_SHAPES = ("oval", "stick", "leaf")
REACH = 1.65
"""No shape reaches further than this many radii from its centre, wobble included."""
