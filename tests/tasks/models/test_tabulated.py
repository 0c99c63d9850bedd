import numpy as np

from unlossy.tasks.models.preprocess import Preprocess
from unlossy.tasks.models.tabulated import tabulated


def picture(height=9, width=14):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def arithmetic(image_hwc):
    values = image_hwc.astype(np.float32) / np.float32(255)
    return ((values - np.float32([0.1, 0.2, 0.3])) / np.float32([0.5, 0.25, 0.7])).transpose(2, 0, 1).copy()


def test_a_pixelwise_function_becomes_a_table_with_equal_bits():
    fast = tabulated(arithmetic)
    assert fast is not arithmetic
    for size in ((1, 1), (9, 14), (64, 3)):
        assert np.array_equal(fast(picture(*size)), arithmetic(picture(*size)))
    assert np.array_equal(fast(np.asfortranarray(picture())), arithmetic(picture()))
    assert np.array_equal(fast(picture(20, 28)[::2, ::2]), arithmetic(picture(20, 28)[::2, ::2]))


def test_what_is_no_table_is_left_as_it_is():
    def swaps_two_channels(image_hwc):
        return arithmetic(image_hwc[:, :, [1, 0, 2]])

    def depends_on_neighbours(image_hwc):
        values = arithmetic(image_hwc)
        return (values - values.mean(dtype=np.float32)).astype(np.float32)

    def gives_another_size(image_hwc):
        return arithmetic(image_hwc)[:, ::2]

    for function in (swaps_two_channels, depends_on_neighbours, gives_another_size):
        assert tabulated(function) is function


def test_our_own_preprocessing_is_tabulated_whatever_the_order_of_its_channels():
    settings = {"rule": "stretch", "size_hw": (8, 8), "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    for channels in ("RGB", "BGR"):
        normalise = Preprocess(**settings, channels=channels).normalise
        fast = tabulated(normalise)
        assert fast != normalise
        assert np.array_equal(fast(picture()), normalise(picture()))
