"""Tiles, batches, sizes and channels around a network; the tiny network here disturbs every pixel."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.correctors.pictures import as_jpeg, scene, tiny_weights
from tests.correctors.test_nets import TINY
from unlossy.core.errors import ModelError
from unlossy.core.types import Decoded
from unlossy.correctors.guards import Hidden
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.correctors.tiling import core_px, tiles
from unlossy.correctors.torch_runtime import reach_px


@pytest.fixture(scope="module")
def corrector(tmp_path_factory):
    path = tiny_weights(tmp_path_factory.mktemp("w"))
    return open_corrector(str(path), Choices("torch", Hidden.ALWAYS, threads=1))


def apart(one, other):
    return int(np.abs(one.astype(int) - other).max())


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("core", [64, 96, 160])
def test_tiled_equals_whole(corrector, core, subsampling):
    picture = as_jpeg(scene(250, 331), 30, subsampling)
    margin = 2 * (corrector.network.reach_px + 8)
    tiled = replace(corrector, max_bytes=(core + margin) ** 2 * corrector.network.bytes_per_pixel)
    (whole,) = corrector.correct([picture])
    assert apart(whole, picture.pixels_hwc) > 3
    assert apart(tiled.correct([picture])[0], whole) <= 1
    hidden = Decoded(picture.pixels_hwc)
    assert apart(tiled.correct([hidden])[0], corrector.correct([hidden])[0]) <= 1


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_colour_is_held_alike_where_a_tile_is_cut(corrector, subsampling):
    rng = np.random.default_rng(3)
    patches = rng.integers(0, 2, (84, 84, 3)) * 255  # saturated, of 3 x 3 pixels: chroma differs at every sample
    picture = as_jpeg(np.repeat(np.repeat(patches, 3, axis=0), 3, axis=1).astype(np.uint8), 90, subsampling)
    margin = 2 * (corrector.network.reach_px + 8)
    tiled = replace(corrector, max_bytes=(96 + margin) ** 2 * corrector.network.bytes_per_pixel)
    assert apart(tiled.correct([picture])[0], corrector.correct([picture])[0]) <= 1


@dataclass(frozen=True)
class Narrow:
    """The network as if it saw no further than a pixel."""

    network: object
    stride_px: int = 8
    reach_px: int = 0

    @property
    def bytes_per_pixel(self):
        return self.network.bytes_per_pixel

    def run(self, ycc, condition):
        return self.network.run(ycc, condition)


def test_a_margin_short_of_the_reach_would_show(corrector):
    # so the test above would see it
    picture = Decoded(scene(250, 331, noise=30.0))
    narrow = replace(corrector, network=Narrow(corrector.network), max_bytes=64**2 * 128)
    assert apart(narrow.correct([picture])[0], corrector.correct([picture])[0]) > 1


def test_the_reach_is_that_of_the_network(corrector):
    """A disturbed pixel changes nothing further away, and something at all."""
    rng = np.random.default_rng(0)
    ycc = rng.random((1, 3, 200, 200), np.float32)
    other = ycc.copy()
    other[:, :, 96:104, 96:104] = 1 - other[:, :, 96:104, 96:104]
    from unlossy.correctors.base import Condition

    condition = Condition.of([None])
    changed = np.abs(corrector.network.run(other, condition) - corrector.network.run(ycc, condition)).max(axis=(0, 1))
    rows = np.flatnonzero(changed.max(axis=1) > 1e-7)
    furthest = max(96 - rows.min(), rows.max() - 103)
    assert 16 < furthest <= reach_px(TINY)


def test_a_batch_equals_singles_in_order(corrector):
    pictures = [as_jpeg(scene(40, 56, seed), 10 + 20 * seed) for seed in range(3)]
    pictures += [as_jpeg(scene(24, 80, grey=True), 40), Decoded(scene(40, 56, 9)), pictures[0]]
    together = corrector.correct(pictures)
    for picture, output in zip(pictures, together, strict=True):
        assert output.shape == picture.pixels_hwc.shape
        assert apart(output, corrector.correct([picture])[0]) <= 1
    assert apart(together[0], together[-1]) == 0


def test_the_input_is_left_as_it_was(corrector):
    picture = as_jpeg(scene(), 20)
    before = picture.pixels_hwc.copy()
    corrector.correct([picture, picture])
    assert np.array_equal(picture.pixels_hwc, before)


@pytest.mark.parametrize("size", [(1, 1), (1, 37), (8, 8), (9, 17), (16, 15), (33, 3)])
def test_any_size_and_any_sampling_goes_through(corrector, size):
    for image in (scene(*size), scene(*size, grey=True)):
        for subsampling in ("4:2:0", "4:2:2", "4:4:4"):
            picture = as_jpeg(image, 30, subsampling)
            assert corrector.correct([picture])[0].shape == picture.pixels_hwc.shape
        assert corrector.correct([Decoded(image)])[0].shape == image.shape


def test_a_very_long_picture_is_cut_into_tiles(corrector):
    picture = Decoded(scene(16, 20_000))
    narrow = replace(corrector, max_bytes=2**20)
    assert apart(narrow.correct([picture])[0], corrector.correct([picture])[0]) <= 1


def test_grey_stays_grey_in_three_channels(corrector):
    grey = scene(48, 48, grey=True)
    three = Decoded(np.repeat(as_jpeg(grey, 30).pixels_hwc, 3, axis=2))
    (output,) = corrector.correct([three])
    assert apart(output, three.pixels_hwc) > 1
    assert np.array_equal(output[:, :, 0], output[:, :, 1])
    assert np.array_equal(output[:, :, 0], output[:, :, 2])


class Broken:
    stride_px, reach_px, bytes_per_pixel = 8, 8, 64

    def run(self, ycc, condition):
        return np.full_like(ycc, np.nan)


def test_nan_is_an_error_and_not_a_black_picture(corrector):
    with pytest.raises(ModelError, match="NaN"):
        replace(corrector, network=Broken()).correct([Decoded(scene(16, 16))])


def test_no_picture_gives_no_picture(corrector):
    assert corrector.correct([]) == []


@pytest.mark.parametrize(("height", "width", "core", "margin"), [(64, 64, 64, 8), (72, 200, 32, 16), (8, 8, 160, 136)])
def test_cores_cover_each_pixel_once_with_their_margins(height, width, core, margin):
    seen = np.zeros((height, width), int)
    for tile in tiles(height, width, core, margin):
        seen[tile.keep_top : tile.keep_bottom, tile.keep_left : tile.keep_right] += 1
        assert tile.read_top == max(0, tile.keep_top - margin)
        assert tile.read_right == min(width, tile.keep_right + margin)
    assert (seen == 1).all()


def test_the_core_is_the_largest_that_fits():
    assert core_px(800, 600, 56, 100, 800 * 600 * 100, 32) == 800
    side = core_px(8000, 6000, 56, 100, 600**2 * 100, 32)
    assert side % 32 == 0
    assert (side + 2 * 56) <= 600 < side + 2 * 56 + 32
    assert core_px(8000, 6000, 56, 100, 1, 32) == 64
