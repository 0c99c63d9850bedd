"""Blockiness against the paper's formula written as loops of floats, and pictures whose grid is known."""

import io
import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unlossy.metrics.blockiness import EXACT_SQUARES, STRIP_SAMPLES, Blockiness, measure_blockiness
from unlossy.metrics.psnrb import blocking_effect


def formula(plane: np.ndarray, x: int = 0, y: int = 0) -> float | None:
    """BEF as Yim and Bovik write it, pair by pair, for a grid whose blocks begin at column x and row y (mod 8)."""
    height, width = plane.shape
    if min(height, width) < 2:
        return None
    on, off = [], []
    for i in range(height):
        for j in range(width):
            if j + 1 < width:
                (on if (j + 1) % 8 == x else off).append((float(plane[i, j]) - float(plane[i, j + 1])) ** 2)
            if i + 1 < height:
                (on if (i + 1) % 8 == y else off).append((float(plane[i, j]) - float(plane[i + 1, j])) ** 2)
    if not on or not off:
        return None
    d_b, d_bc = math.fsum(on) / len(on), math.fsum(off) / len(off)
    return math.log2(8) / math.log2(min(height, width)) * (d_b - d_bc) if d_b > d_bc else 0.0


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def scenery(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth shapes with grain, as a photograph has them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    plane = 110 + 60 * np.sin(x / 23 + seed) * np.cos(y / 31) + 40 * (np.hypot(x - width / 2, y - height / 3) < 70)
    return np.clip(plane + rng.normal(0, 4, plane.shape), 0, 255).astype(np.uint8)


def as_jpeg(plane: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(plane).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))


def blocks(height: int, width: int, x: int, y: int) -> np.ndarray:
    """Flat blocks of random grey on a grid that begins at (x, y)."""
    values = noise(height // 8 + 2, width // 8 + 2, 7)
    return np.kron(values, np.ones((8, 8), np.uint8))[(-y) % 8 :, (-x) % 8 :][:height, :width].copy()


@pytest.mark.parametrize(
    "shape",
    [(2, 9), (9, 2), (7, 9), (8, 9), (9, 9), (16, 16), (30, 41), (5, 70), (70, 5), (63, 64), (65, 300)],
)
def test_blockiness_is_the_papers_formula_pair_by_pair(shape):
    for plane in (noise(*shape), scenery(*shape), blocks(*shape, 0, 0)):
        found = measure_blockiness(plane)
        assert found.blockiness == pytest.approx(formula(plane, *(found.grid_offset or (0, 0))), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("shape", [(EXACT_SQUARES + 300, 100), (40, 3000), (3000, 24), (300, 511), (2, 70_000)])
def test_strips_of_any_shape_add_up_exactly(shape):
    assert shape[0] * shape[1] > STRIP_SAMPLES / 2
    plane = np.where(noise(*shape) > 127, 255, 0).astype(np.uint8)  # the largest steps there are
    plane[:, 8:16] ^= 255
    assert measure_blockiness(plane).blockiness == pytest.approx(blocking_effect(plane), rel=1e-12)


@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_turning_the_plane_turns_the_answer(height, width, seed):
    plane = noise(height, width, seed)
    found, turned = measure_blockiness(plane), measure_blockiness(np.ascontiguousarray(plane.T))
    assert found.clipped_share == turned.clipped_share
    if found.blockiness is None or turned.blockiness is None:
        assert found.blockiness is turned.blockiness
    else:
        assert found.blockiness == pytest.approx(turned.blockiness)
    assert (found.grid_offset or ())[::-1] == (turned.grid_offset or ())


@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, 0), (0, 5), (4, 4), (7, 1), (1, 7)])
@pytest.mark.parametrize("shape", [(64, 80), (300, 260)])
def test_the_offset_is_where_blocks_begin(x, y, shape):
    found = measure_blockiness(blocks(*shape, x, y))
    assert found.grid_offset == (x, y)
    assert found.blockiness == pytest.approx(formula(blocks(*shape, x, y), x, y))


@pytest.mark.parametrize(("left", "top"), [(0, 0), (3, 5), (1, 7)])
@pytest.mark.parametrize("quality", [20, 50, 75])
def test_a_jpegs_grid_is_found_after_cropping(left, top, quality):
    plane = as_jpeg(scenery(320, 330), quality)[top : top + 256, left : left + 272]
    assert measure_blockiness(plane).grid_offset == ((-left) % 8, (-top) % 8)


def test_a_stronger_compression_blocks_more():
    values = [measure_blockiness(as_jpeg(scenery(256, 256), quality)).blockiness for quality in (5, 20, 60, 95)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 10 * values[3]


@pytest.mark.parametrize("seed", range(8))
def test_pictures_without_a_grid_have_none(seed):
    gradient = np.add.outer(np.arange(200), np.arange(220) * 2) % 256
    for plane in (noise(200, 220, seed), scenery(200, 220, seed), gradient.astype(np.uint8)):
        assert measure_blockiness(plane).grid_offset is None


def test_stripes_in_one_direction_alone_are_no_grid():
    stripes = np.tile(np.repeat(np.arange(12, dtype=np.uint8) * 20, 8), (96, 1))
    assert measure_blockiness(stripes).grid_offset is None
    assert measure_blockiness(stripes).blockiness == pytest.approx(formula(stripes))


def test_flat_and_tiny_planes():
    assert measure_blockiness(np.full((64, 64), 90, np.uint8)) == Blockiness(0.0, None, 0.0)
    assert measure_blockiness(np.full((1, 1), 255, np.uint8)) == Blockiness(None, None, 1.0)
    assert measure_blockiness(np.zeros((1, 500), np.uint8)) == Blockiness(None, None, 1.0)
    assert measure_blockiness(np.zeros((0, 5), np.uint8)) == Blockiness(None, None, None)
    assert measure_blockiness(noise(7, 7)).blockiness is None  # every pair lies within one block
    assert measure_blockiness(noise(8, 8)).blockiness is None
    assert measure_blockiness(blocks(44, 200, 0, 0)).grid_offset is None  # too low to tell


def test_clipped_share_counts_both_ends():
    plane = np.full((300, 300), 128, np.uint8)
    plane[:10], plane[10:15], plane[15:20], plane[20:30] = 0, 255, 1, 254
    assert measure_blockiness(plane).clipped_share == pytest.approx(15 / 300)
    assert measure_blockiness(noise(99, 1000)).clipped_share == np.isin(noise(99, 1000), (0, 255)).mean()


def test_views_and_readonly_planes_are_taken():
    plane = noise(90, 100)
    flipped = plane[::-1, ::2]
    plane.setflags(write=False)
    assert measure_blockiness(flipped) == measure_blockiness(flipped.copy())
    assert measure_blockiness(plane) == measure_blockiness(plane.copy())


def test_threads_do_not_share_buffers():
    planes = [noise(256, 256, seed) for seed in range(4)]
    alone = [measure_blockiness(plane) for plane in planes]
    together: dict[int, list[Blockiness]] = {}

    def work(index: int) -> None:
        together[index] = [measure_blockiness(planes[index]) for _ in range(20)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found == alone[index] for index in range(4) for found in together[index])
