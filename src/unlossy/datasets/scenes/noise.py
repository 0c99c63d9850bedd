"""Randomness and 1/f noise that are the same on every machine.

Random numbers are a hash (the finaliser of splitmix64) of a key and a counter or a lattice point, and everything after
that is elementwise IEEE arithmetic (+ - * / sqrt floor, comparisons): no generator whose stream may change with a
library's version, no exp, sin or pow, no sum whose order depends on the processor.

Source of the hash: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Float64, Int64, UInt64

_T = TypeVar("_T")

_WORD = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_A = 0xBF58476D1CE4E5B9
_MIX_B = 0x94D049BB133111EB
_ROW_STRIDE = 0xD1342543DE82EF95
_SPLINE_GAIN = 3.6
"""One over the standard deviation of uniform noise in -1..1 behind a bicubic B-spline."""


def mix(*words: int) -> int:
    """A 64-bit key made of the words, in their order; negative ones count modulo 2^64."""
    state = 0
    for word in words:
        state = (state * _ROW_STRIDE + word + _GOLDEN) & _WORD
        state = ((state ^ (state >> 30)) * _MIX_A) & _WORD
        state = ((state ^ (state >> 27)) * _MIX_B) & _WORD
        state ^= state >> 31
    return state


def hash_lattice(key: int, rows: Int64[np.ndarray, " h"], cols: Int64[np.ndarray, " w"]) -> UInt64[np.ndarray, "h w"]:
    """64 random bits per lattice point; the same point has the same bits whatever the window."""
    state = rows.astype(np.uint64)[:, None] * np.uint64(_ROW_STRIDE) + cols.astype(np.uint64)[None, :]
    state *= np.uint64(_GOLDEN)
    state += np.uint64(key)
    state ^= state >> np.uint64(30)
    state *= np.uint64(_MIX_A)
    state ^= state >> np.uint64(27)
    state *= np.uint64(_MIX_B)
    state ^= state >> np.uint64(31)
    return state


class Draws:
    """A stream of random numbers that depends on its key alone."""

    def __init__(self, *words: int) -> None:
        self.key = mix(*words)
        self._count = 0

    def word(self) -> int:
        """The next 64 random bits; also a key for a stream or a noise of its own."""
        self._count += 1
        return mix(self.key, self._count)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number in low..high, the end excluded."""
        return low + (high - low) * ((self.word() >> 11) / (1 << 53))

    def integer(self, low: int, high: int) -> int:
        """A whole number in low..high, both included."""
        return low + (self.word() >> 11) % (high - low + 1)

    def pick(self, choices: Sequence[_T]) -> _T:
        """One of the choices."""
        return choices[self.integer(0, len(choices) - 1)]

    def direction(self) -> tuple[float, float]:
        """A unit vector (x, y), any direction, from the rational parametrisation of the circle."""
        t = self.uniform(-1.0, 1.0)
        sign = self.pick((-1.0, 1.0))
        return sign * (1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)

    def tilt(self, most: float) -> tuple[float, float]:
        """A unit vector (x, y) near (1, 0): turned by up to twice the arc tangent of `most`, to either side."""
        t = self.uniform(-most, most)
        return (1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)

    def permutation(self, n: int) -> list[int]:
        """The numbers 0..n-1 in random order (Fisher-Yates)."""
        order = list(range(n))
        for last in range(n - 1, 0, -1):
            other = self.integer(0, last)
            order[last], order[other] = order[other], order[last]
        return order


def smooth_noise(key: int, ys: Float64[np.ndarray, " h"], xs: Float64[np.ndarray, " w"]) -> Float64[np.ndarray, "h w"]:
    """Smooth noise of mean 0 and standard deviation about 1, its grains one unit of `ys` and `xs` wide.

    White noise on the integer lattice behind a bicubic B-spline, sampled at every pair of the coordinates.
    """
    row_first, row_weights = _taps(ys)
    col_first, col_weights = _taps(xs)
    rows = np.arange(row_first.min(), row_first.max() + 4)
    cols = np.arange(col_first.min(), col_first.max() + 4)
    bits = hash_lattice(key, rows, cols) >> np.uint64(11)
    lattice = bits.astype(np.float64) * (2.0 * _SPLINE_GAIN / (1 << 53)) - _SPLINE_GAIN
    along_y = _blend(lattice, row_first - rows[0], row_weights)
    return np.ascontiguousarray(_blend(np.ascontiguousarray(along_y.T), col_first - cols[0], col_weights).T)


def fractal_noise(
    key: int, ys: Float64[np.ndarray, " h"], xs: Float64[np.ndarray, " w"], octaves: int, persistence: float
) -> Float64[np.ndarray, "h w"]:
    """Noise of unit grain plus `octaves` - 1 finer ones, each half as wide and `persistence` times as strong.

    The power falls as f^-2 for a persistence of 1 and as f^-4 for 0.5; standard deviation about 1 in sum.
    """
    total = np.zeros((len(ys), len(xs)))
    strength, power = 1.0, 0.0
    for octave in range(octaves):
        # An odd shift keeps the lattices of two octaves from lying on each other.
        scale, shift = float(1 << octave), 0.37 * octave
        total += smooth_noise(mix(key, octave), ys * scale + shift, xs * scale + shift) * strength
        power += strength * strength
        strength *= persistence
    return total * (1.0 / float(np.sqrt(power)))


def _taps(at: Float64[np.ndarray, " n"]) -> tuple[Int64[np.ndarray, " n"], tuple[Float64[np.ndarray, " n"], ...]]:
    """The first lattice point under each coordinate's spline, and the four weights of a cubic B-spline."""
    below = np.floor(at)
    f = at - below
    g = 1.0 - f
    weights = (
        g * g * g / 6.0,
        (3.0 * f * f * f - 6.0 * f * f + 4.0) / 6.0,
        (3.0 * g * g * g - 6.0 * g * g + 4.0) / 6.0,
        f * f * f / 6.0,
    )
    return below.astype(np.int64) - 1, weights


def _blend(
    lattice: Float64[np.ndarray, "rows cols"],
    first: Int64[np.ndarray, " n"],
    weights: tuple[Float64[np.ndarray, " n"], ...],
) -> Float64[np.ndarray, "n cols"]:
    """Rows of the lattice, four at a time, weighted and added in a fixed order."""
    total = lattice[first] * weights[0][:, None]
    for step in range(1, 4):
        total += lattice[first + step] * weights[step][:, None]
    return total
