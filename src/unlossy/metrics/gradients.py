"""What compression does to a picture's gradients: agreement with the clean ones, edges that vanish, edges that appear.

The gradient is Scharr's (3 10 3 across, central difference along; Scharr 2000), divided by 32, of BT.601 luma: grey
levels per pixel. With clean gradients g, compressed ones k, sums over all pixels but the picture's outermost:

    magnitude_agreement    mean of (2 |g| |k| + C) / (|g|^2 + |k|^2 + C): the similarity of Xue, Zhang, Mou, Bovik
                           "Gradient Magnitude Similarity Deviation", IEEE TIP 23(2), 2014, their GMSM, at full size
    orientation_agreement  sum |g| cos(angle of g and k) / sum |g|: 1 the same direction, 0 none, -1 turned round
    gradient_cosine        sum g.k / (||g|| ||k||): the fields as two long vectors

An edge is a pixel whose gradient is THRESHOLD or more, in both pictures alike, and the largest of the three along its
direction (Canny 1986, four directions). Two edges are the same where they lie within a pixel, diagonals too.

    lost_edges       of the clean picture's edges, the share without a compressed one
    phantom_edges    of the compressed picture's edges, the share without a clean one
    phantom_on_grid  of the compressed picture's edges, the share that is phantom and lies on the 8 x 8 grid
    grid_excess      share of the edges on the grid, compressed minus clean

The grid is that of a picture whose blocks begin at its corner. An edge lies on it where its gradient points across a
boundary of two blocks and it is one of the two pixels there; by chance a quarter does.

A picture is read in strips, so memory stays small, and in thousandths of a grey level, whose Scharr sums are exact in
single precision: ties are ties, and a picture turned by 90 degrees gives the same edges.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float32, UInt8

THRESHOLD: Final = 4.0
"""Grey levels per pixel: a step of 8 between two flat areas."""
SIMILARITY_C: Final = 170.0 / 4
"""Xue et al. give 170 for Prewitt's operator, which answers twice the gradient; here it is once."""
BLOCK: Final = 8
STRIP_SAMPLES: Final = 2**15
HALO: Final = 3
"""Rows beside a strip that its counts look at: a gradient, a neighbour along it, a neighbouring edge."""
LUMA: Final = np.array([299.0, 587.0, 114.0], np.float32)
UNITS: Final = np.float32(1000 * 32)
TAN_22_5: Final = np.float32(np.tan(np.pi / 8))

KEPT, LOST, PHANTOM, PHANTOM_ON_GRID = 1, 2, 3, 4
"""What `edge_changes` marks edges with; 0 is none."""


@dataclass(frozen=True, slots=True)
class GradientDamage:
    """See the top of the module; None is what is undefined: no gradient or no edge to compare with.

    Attributes:
        magnitude_agreement: 0..1, 1 where nothing changed; None in pictures under 3 pixels.
        orientation_agreement: -1..1; a gradient that vanished agrees by 0.
        gradient_cosine: -1..1; 0 where every gradient vanished.
        lost_edges: 0..1.
        phantom_edges: 0..1.
        phantom_on_grid: 0..1, at most `phantom_edges`.
        grid_excess: -1..1.
    """

    magnitude_agreement: float | None
    orientation_agreement: float | None
    gradient_cosine: float | None
    lost_edges: float | None
    phantom_edges: float | None
    phantom_on_grid: float | None
    grid_excess: float | None


def gradient_damage(image_hwc: UInt8[np.ndarray, "h w c"], clean_hwc: UInt8[np.ndarray, "h w d"]) -> GradientDamage:
    """What became of the gradients of the clean picture; either may be grey (c, d in {1, 3})."""
    sums: defaultdict[str, float] = defaultdict(float)
    for strip in _strips(image_hwc, clean_hwc):
        for counted in (strip.agreements(), strip.counts()):
            for name, value in counted.items():
                sums[name] += float(value)
    length = float(np.sqrt(sums["squared"] * sums["clean_squared"]))
    n_edges, n_clean = sums["edges"], sums["clean_edges"]
    has_gradient, has_edges = sums["clean_magnitude"] > 0, min(n_edges, n_clean) > 0
    return GradientDamage(
        magnitude_agreement=_share(sums["similarity"], sums["pixels"]),
        orientation_agreement=_share(sums["along"], sums["clean_magnitude"]),
        gradient_cosine=(sums["product"] / length if length else 0.0) if has_gradient else None,
        lost_edges=_share(sums["lost"], n_clean),
        phantom_edges=_share(sums["phantom"], n_edges),
        phantom_on_grid=_share(sums["phantom_on_grid"], n_edges),
        grid_excess=sums["on_grid"] / n_edges - sums["clean_on_grid"] / n_clean if has_edges else None,
    )


def edge_changes(
    image_hwc: UInt8[np.ndarray, "h w c"], clean_hwc: UInt8[np.ndarray, "h w d"]
) -> UInt8[np.ndarray, "h w"]:
    """The edges of both pictures, marked KEPT (where the compressed picture has them), LOST, PHANTOM or its ON_GRID."""
    changes = np.zeros(image_hwc.shape[:2], np.uint8)
    for strip in _strips(image_hwc, clean_hwc):
        marks = changes[strip.rows]
        marks[strip.image.edges[strip.own]] = KEPT
        marks[strip.lost] = LOST
        marks[strip.phantom] = PHANTOM
        marks[strip.phantom & strip.image.on_grid[strip.own]] = PHANTOM_ON_GRID
    return changes


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """Gradients (0 in the picture's outermost pixels) in grey levels per pixel, edges, and those on the grid."""

    across: Float32[np.ndarray, "h w"]
    down: Float32[np.ndarray, "h w"]
    magnitude: Float32[np.ndarray, "h w"]
    edges: Bool[np.ndarray, "h w"]
    on_grid: Bool[np.ndarray, "h w"]

    @classmethod
    def of(cls, rows_hwc: UInt8[np.ndarray, "h w c"], first_row: int) -> "_Field":
        """The field of some of a picture's rows, numbered from `first_row` on; 3 x 3 pixels at least."""
        luma = _luma(rows_hwc)
        across, down = np.zeros_like(luma), np.zeros_like(luma)
        smooth_down = 3 * (luma[:-2] + luma[2:]) + 10 * luma[1:-1]
        smooth_across = 3 * (luma[:, :-2] + luma[:, 2:]) + 10 * luma[:, 1:-1]
        across[1:-1, 1:-1] = (smooth_down[:, 2:] - smooth_down[:, :-2]) / UNITS
        down[1:-1, 1:-1] = (smooth_across[2:] - smooth_across[:-2]) / UNITS
        magnitude = np.sqrt(across * across + down * down)
        edges = _edges(across, down, magnitude)
        rows, columns = _beside_boundary(first_row, luma.shape[0]), _beside_boundary(0, luma.shape[1])
        on_grid = edges & np.where(np.abs(across) >= np.abs(down), columns, rows[:, None])
        return cls(across, down, magnitude, edges, on_grid)


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    """Some rows of both pictures: `rows` of the picture, which are `own` of the fields."""

    image: _Field
    clean: _Field
    rows: slice
    own: slice
    inner: slice
    """Of `own`, those with a gradient: without the picture's first and last row."""

    @property
    def lost(self) -> Bool[np.ndarray, "h w"]:
        """Clean edges without a compressed one beside them, in the own rows."""
        return (self.clean.edges & ~_widened(self.image.edges))[self.own]

    @property
    def phantom(self) -> Bool[np.ndarray, "h w"]:
        """Compressed edges without a clean one beside them, in the own rows."""
        return (self.image.edges & ~_widened(self.clean.edges))[self.own]

    def agreements(self) -> Mapping[str, float | int]:
        """Sums over the own pixels that have a gradient."""
        inner = self.inner, slice(1, -1)
        image, clean = self.image.magnitude[inner], self.clean.magnitude[inner]
        product = self.image.across[inner] * self.clean.across[inner] + self.image.down[inner] * self.clean.down[inner]
        squares, both = image * image + clean * clean, image * clean
        along = np.divide(product, image, out=np.zeros_like(product), where=image > 0)
        return {
            "pixels": product.size,
            "similarity": _sum((2 * both + SIMILARITY_C) / (squares + SIMILARITY_C)),
            "along": _sum(along),
            "clean_magnitude": _sum(clean),
            "product": _sum(product),
            "squared": _sum(image * image),
            "clean_squared": _sum(clean * clean),
        }

    def counts(self) -> Mapping[str, int]:
        """Numbers of edges among the own pixels."""
        phantom = self.phantom
        return {
            "edges": _n(self.image.edges[self.own]),
            "on_grid": _n(self.image.on_grid[self.own]),
            "clean_edges": _n(self.clean.edges[self.own]),
            "clean_on_grid": _n(self.clean.on_grid[self.own]),
            "lost": _n(self.lost),
            "phantom": _n(phantom),
            "phantom_on_grid": _n(phantom & self.image.on_grid[self.own]),
        }


def _strips(image_hwc: UInt8[np.ndarray, "h w c"], clean_hwc: UInt8[np.ndarray, "h w d"]) -> Iterator[_Strip]:
    """The pictures in strips; none where a side is under 3 pixels, for then there is no gradient."""
    height, width = image_hwc.shape[:2]
    if min(height, width) < 3:
        return
    step = max(BLOCK, STRIP_SAMPLES // width)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        first = max(0, top - HALO)
        read = slice(first, min(height, bottom + HALO))
        image, clean = _Field.of(image_hwc[read], first), _Field.of(clean_hwc[read], first)
        inner = slice(max(top, 1) - first, min(bottom, height - 1) - first)
        yield _Strip(image, clean, slice(top, bottom), slice(top - first, bottom - first), inner)


def _luma(image_hwc: UInt8[np.ndarray, "h w c"]) -> Float32[np.ndarray, "h w"]:
    """In thousandths of a grey level: whole numbers."""
    if image_hwc.shape[2] == 1:
        return image_hwc[:, :, 0] * np.float32(1000)
    return image_hwc.astype(np.float32) @ LUMA


def _edges(
    across: Float32[np.ndarray, "h w"], down: Float32[np.ndarray, "h w"], magnitude: Float32[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Pixels over the threshold, above the one before and not under the one behind along their gradient.

    "Before" is to the left or above, so that of the two equal pixels of a step one is the edge. The two outermost
    pixels of each side are none: one has no gradient, the other no neighbour with one.
    """
    edges = np.zeros(magnitude.shape, np.bool_)
    inside = magnitude[2:-2, 2:-2]
    row, column = np.nonzero(inside >= THRESHOLD)
    places = (row + 2) * magnitude.shape[1] + column + 2
    gx, gy = across.ravel()[places], down.ravel()[places]
    width = magnitude.shape[1]
    diagonal = np.where((gx > 0) == (gy > 0), width + 1, width - 1)
    behind = np.where(
        np.abs(gy) <= TAN_22_5 * np.abs(gx), 1, np.where(np.abs(gx) <= TAN_22_5 * np.abs(gy), width, diagonal)
    )
    flat = magnitude.ravel()
    here = flat[places]
    edges.ravel()[places[(here > flat[places - behind]) & (here >= flat[places + behind])]] = True
    return edges


def _widened(edges: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The edges and their eight neighbours."""
    rows = edges.copy()
    rows[1:] |= edges[:-1]
    rows[:-1] |= edges[1:]
    wide = rows.copy()
    wide[:, 1:] |= rows[:, :-1]
    wide[:, :-1] |= rows[:, 1:]
    return wide


def _beside_boundary(first: int, size: int) -> Bool[np.ndarray, " n"]:
    """Which of the places from `first` on are the last of a block or the first of one."""
    return (np.arange(first, first + size) + 1) % BLOCK < 2


def _sum(values: Float32[np.ndarray, "h w"]) -> float:
    return float(values.sum(dtype=np.float64))


def _n(marked: Bool[np.ndarray, "h w"]) -> int:
    return int(np.count_nonzero(marked))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
