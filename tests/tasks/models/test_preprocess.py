"""Preprocess: geometry with known answers. That it is torchvision's stands in test_torchvision."""

import numpy as np
import pytest
from PIL import Image

from unlossy.core.errors import TooLargeError
from unlossy.tasks.models.preprocess import FILTERS, Preprocess

SHORT = Preprocess(size_hw=(8, 8), edge=10)


def gradient(height, width):
    return np.broadcast_to(np.arange(width, dtype=np.uint8)[None, :, None], (height, width, 3)).copy()


def test_a_centre_crop_of_odd_difference_begins_at_the_even_half():
    rule = Preprocess(size_hw=(4, 4), edge=4)
    assert rule.resize(gradient(4, 7))[0, :, 0].tolist() == [2, 3, 4, 5]  # 1.5 rounds to 2
    assert rule.resize(gradient(4, 9))[0, :, 0].tolist() == [2, 3, 4, 5]  # 2.5 rounds to 2


def test_the_short_edge_decides_and_the_long_one_is_cut_down():
    free = Preprocess(size_hw=None, edge=10, center_crop=False)
    assert free.resize(gradient(20, 55)).shape == (10, 27, 3)
    assert free.resize(gradient(55, 20)).shape == (27, 10, 3)


def test_a_crop_larger_than_the_image_is_filled_with_black():
    grown = Preprocess(size_hw=(5, 5), edge=2).resize(np.full((2, 2, 3), 9, np.uint8))
    assert grown[:, :, 0].nonzero() == pytest.approx(np.array([[1, 1, 2, 2], [1, 2, 1, 2]]))


def test_a_letterbox_keeps_the_shape_and_fills_the_bars():
    boxed = Preprocess(size_hw=(10, 10), rule="letterbox", fill=7).resize(np.full((10, 20, 3), 200, np.uint8))
    assert boxed[:, 0, 0].tolist() == [7, 7, 200, 200, 200, 200, 200, 7, 7, 7]


@pytest.mark.parametrize("name", FILTERS)
def test_stretch_is_pillows_resize_by_that_filter(noise, name):
    image = noise(23, 31)
    expected = np.asarray(Image.fromarray(image).resize((12, 14), FILTERS[name]))
    np.testing.assert_array_equal(Preprocess((14, 12), rule="stretch", filter=name).resize(image), expected)


def test_a_sliver_that_would_become_huge_is_refused():
    with pytest.raises(TooLargeError, match="3000000x1 pixels"):
        Preprocess(size_hw=(224, 224), edge=256).resize(np.zeros((1, 3_000_000, 3), np.uint8))
