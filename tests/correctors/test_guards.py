"""Which pictures are touched, how far, and whether again."""

from dataclasses import replace

import numpy as np
import pytest

from tests.correctors.pictures import as_jpeg, scene
from unlossy.core.types import Decoded
from unlossy.correctors.drawn import is_drawn
from unlossy.correctors.grid import earlier_grid, hidden_grid
from unlossy.correctors.guards import Guards, Hidden, Unguarded, strength
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.metrics import psnr_db

BIG = scene(200, 264, noise=2.0)
NOISE = np.random.default_rng(0).integers(0, 256, (200, 264, 3), dtype=np.uint8)
FLAT = np.full((200, 264, 3), 77, np.uint8)
STRIPES = np.repeat(np.tile(np.array([0] * 8 + [255] * 8, np.uint8), 17)[None, :264, None], 200, axis=0)


@pytest.mark.parametrize("image", [BIG, NOISE, FLAT, STRIPES, scene(200, 264), scene(5, 5)])
def test_lossless_pictures_pass_untouched(image):
    picture = Decoded(image)
    assert not Guards().route(picture).touched
    corrector = open_corrector("small", Choices(threads=1))
    assert not corrector.touches(picture)
    assert corrector.correct([picture])[0] is image


@pytest.mark.parametrize("quality", [15, 50, 75])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 5), (7, 1)])
def test_a_hidden_grid_is_found_where_it_starts(quality, top, left):
    pixels = as_jpeg(BIG, quality).pixels_hwc[top:, left:]
    found = hidden_grid(pixels)
    assert found is not None
    assert (found.top, found.left) == (-top % 8, -left % 8)
    route = Guards().route(Decoded(pixels))
    assert (route.touched, route.hints, route.guarded) == (True, None, False)
    assert not Guards(Hidden.NEVER).route(Decoded(pixels)).touched


def enlarged(image_hwc, times):
    return image_hwc.repeat(times, axis=0).repeat(times, axis=1)


def tiles(n_colours, seed=0):
    """60 x 60 out of 40 tiles of 8 x 8 pixels, each in two neighbouring colours of a palette."""
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (n_colours, 3), dtype=np.uint8)
    drawn = palette[rng.integers(0, n_colours - 1, (40, 1, 1)) + rng.integers(0, 2, (40, 8, 8))]
    return drawn[rng.integers(0, 40, (60, 60))].transpose(0, 2, 1, 3, 4).reshape(480, 480, 3)


CELLS = np.random.default_rng(1).integers(0, 150, (64, 64, 1), dtype=np.uint8)
MARKED = enlarged(CELLS, 8)
MARKED[40:60, 100:110] = 9
DRAWN = {
    "a mask of a network of stride 8": enlarged(CELLS, 8),
    "one that a brush went over": MARKED,
    "pixel art in cells of 4": enlarged(CELLS.repeat(3, axis=2), 4),
    "of 16, cut": enlarged(CELLS[:32, :32], 16)[5:, 3:],
    "a checkerboard": enlarged((np.indices((40, 40)).sum(0) % 2 * 255).astype(np.uint8)[:, :, None], 8),
    "a picture enlarged twice": enlarged(scene(128, 128), 2),
    "a picture enlarged 8 times": enlarged(scene(40, 48), 8),
    "tiles in 16 colours": tiles(16),
}


@pytest.mark.parametrize("image", DRAWN.values(), ids=DRAWN)
def test_a_grid_that_was_drawn_is_left_unless_all_is_to_be_corrected(image):
    assert hidden_grid(image) is not None, "else this asks nothing"
    assert not Guards().route(Decoded(image)).touched
    assert Guards(Hidden.ALWAYS).route(Decoded(image)).touched


@pytest.mark.parametrize("quality", [5, 10, 20, 40])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_what_was_a_jpeg_is_not_taken_for_drawn(quality, subsampling, grey, noise):
    image = as_jpeg(scene(200, 264, grey=grey, noise=noise), quality, subsampling).pixels_hwc
    found = hidden_grid(image)
    assert found is None or not is_drawn(image, found)
    assert found is not None or quality > 10


def test_always_means_lossless_ones_too():
    route = Guards(Hidden.ALWAYS).route(Decoded(BIG))
    assert (route.touched, route.grid_top, route.grid_left) == (True, 0, 0)


def test_tables_are_believed_and_guarded():
    for quality in (5, 60, 98, 100):
        picture = as_jpeg(BIG, quality)
        route = Guards(Hidden.NEVER).route(picture)
        assert (route.touched, route.hints, route.guarded) == (True, picture.hints, True)


def test_the_strength_rises_with_the_steps():
    found = [strength(as_jpeg(scene(16, 16), quality).hints) for quality in (100, 98, 95, 90, 80, 60, 10)]
    assert found == sorted(found)
    assert found[0] == 0.25
    assert found[-1] == 1.0
    hints = replace(as_jpeg(scene(16, 16), 50).hints, table_luma=np.full((8, 8), 8, np.uint16))
    assert strength(hints) == pytest.approx(0.25 + 0.15 * 3)


def test_an_earlier_grid_is_found_and_a_single_compression_has_none():
    one_pass = open_corrector("small", Choices(threads=1, hidden=Hidden.NEVER))
    image = scene(328, 392, noise=4.0)
    first = as_jpeg(image, 10).pixels_hwc[4:, 4:]
    (twice,) = one_pass.correct([as_jpeg(first, 75)])
    assert (earlier_grid(twice).top, earlier_grid(twice).left) == (4, 4)
    again = Guards().again(twice)
    assert (again.touched, again.hints, again.grid_top, again.grid_left) == (True, None, 4, 4)
    assert not Guards(Hidden.NEVER).again(twice).touched
    assert not Unguarded().again(twice).touched
    (both,) = open_corrector("small", Choices(threads=1)).correct([as_jpeg(first, 75)])
    assert psnr_db(both, image[4:, 4:]) > psnr_db(twice, image[4:, 4:]) + 0.1
    for quality in (50, 75, 90):
        assert not Guards().again(one_pass.correct([as_jpeg(image, quality)])[0]).touched


@pytest.mark.parametrize("deviation", [0.0, 6.0, 20.0])
def test_grain_is_not_taken_for_damage(deviation):
    corrector = open_corrector("small", Choices(threads=1))
    image = scene(136, 168, seed=3, noise=deviation)
    for quality in (50, 90, 95, 98, 100):
        picture = as_jpeg(image, quality)
        gain = psnr_db(corrector.correct([picture])[0], image) - psnr_db(picture.pixels_hwc, image)
        assert gain > -0.05, (quality, gain)
