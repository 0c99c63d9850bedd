"""Which pictures are touched, how far, and whether again."""

from dataclasses import replace

import numpy as np
import pytest

from tests.correctors.pictures import as_jpeg, scene
from unlossy.core.types import Decoded
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
