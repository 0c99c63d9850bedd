"""The projection: within the intervals, no further from the original, and the same file when compressed again."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.correctors.pictures import as_jpeg, scene
from unlossy.core.errors import ModelError
from unlossy.correctors.base import Condition
from unlossy.correctors.colour import image_of, ycc_of
from unlossy.correctors.guards import strength
from unlossy.correctors.nets.guarded import guarded
from unlossy.correctors.projection import (
    _interpolated,
    _means,
    _without_interpolation,
    coefficients,
    plane_of,
    projected,
    within,
)
from unlossy.metrics import psnr_db


def far_off(ycc, seed=0, deviation=0.08):
    return ycc + np.random.default_rng(seed).normal(0, deviation, ycc.shape).astype(np.float32)


def test_the_coefficients_are_those_of_the_standard_and_go_back():
    plane = np.random.default_rng(1).random((16, 24)).astype(np.float32)
    found = coefficients(plane)
    y, x = np.mgrid[:8, :8]
    for row, column, v, u in ((0, 0, 0, 0), (1, 2, 3, 0), (0, 1, 5, 7)):
        block = plane[8 * row : 8 * row + 8, 8 * column : 8 * column + 8].astype(float) * 255 - 128
        # ITU-T T.81, A.3.3
        waves = np.cos((2 * x + 1) * u * np.pi / 16) * np.cos((2 * y + 1) * v * np.pi / 16)
        factor = 0.25 * (0.5**0.5 if u == 0 else 1) * (0.5**0.5 if v == 0 else 1)
        assert found[row, column, v, u] == pytest.approx(factor * (block * waves).sum(), abs=1e-3)
    assert np.abs(plane_of(found) - plane).max() < 1e-5


@pytest.mark.parametrize("quality", [10, 50, 90, 98])
def test_luma_stays_within_its_intervals(quality):
    decoded = as_jpeg(scene(64, 96), quality)
    given, steps = ycc_of(decoded.pixels_hwc), decoded.hints.table_luma.astype(np.float32)
    held = within(far_off(given)[0], given[0], steps)
    middles = np.rint(coefficients(given[0]) / steps)
    assert np.abs(coefficients(held) / steps - middles).max() <= 0.5 + 1e-3
    assert np.abs(within(given[0], given[0], steps) - given[0]).max() < 1e-5
    assert np.abs(within(held, given[0], steps) - held).max() < 1e-5


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_it_never_moves_away_from_the_original(quality):
    image = scene(64, 96, grey=True)
    decoded = as_jpeg(image, quality)
    given, truth = ycc_of(decoded.pixels_hwc), ycc_of(image)
    for seed in range(3):
        answer = far_off(given, seed)
        held = projected(answer, given, decoded.hints)
        # the interval is narrower by the rounding, which the original need not respect
        assert np.linalg.norm(held[0] - truth[0]) < np.linalg.norm(answer[0] - truth[0]) * 1.001


@pytest.mark.parametrize(("quality", "same", "unheld"), [(50, 0.99, 0.97), (75, 0.98, 0.9), (90, 0.94, 0.7)])
def test_compressing_again_gives_the_same_coefficients(quality, same, unheld):
    """Even where the answer is off by more than the intervals everywhere; a network's lies within most of them."""
    image = scene(128, 128) // 2 + 60  # nothing clips
    decoded = as_jpeg(image, quality)
    steps = decoded.hints.table_luma.astype(np.float32)
    given = ycc_of(decoded.pixels_hwc)
    levels = np.rint(coefficients(given[0]) / steps)

    def kept(ycc):
        again = as_jpeg(image_of(ycc, 3), quality)
        return np.mean(np.rint(coefficients(ycc_of(again.pixels_hwc)[0]) / steps) == levels)

    answer = far_off(given, deviation=0.02)
    assert kept(projected(answer, given, decoded.hints)) > same
    assert kept(answer) < unheld


@pytest.mark.parametrize(("across", "down"), [(2, 2), (2, 1), (1, 1)])
def test_interpolation_is_libjpegs_and_is_undone(across, down):
    samples = np.random.default_rng(0).random((16, 24)).astype(np.float32)
    undone = _without_interpolation(_means(_interpolated(samples, across, down), across, down), across, down)
    assert np.abs(undone - samples).max() < 0.2
    smooth = plane_of(coefficients(samples) * (np.add.outer(np.arange(8), np.arange(8)) < 4))
    undone = _without_interpolation(_means(_interpolated(smooth, across, down), across, down), across, down)
    assert np.abs(undone - smooth).max() < 0.02


def test_decoded_chroma_is_found_again_from_its_pixels():
    """Against the decoder itself: at high quality the file's chroma samples are the means of the original's."""
    image = np.full((64, 96, 3), 128, np.uint8)
    image[:, ::8], image[:, 1::8], image[24:26] = (180, 100, 90), (180, 100, 90), (90, 120, 190)
    decoded = as_jpeg(image, 100)
    truth = _means(ycc_of(image)[1], 2, 2)
    given = _means(ycc_of(decoded.pixels_hwc)[1], 2, 2)
    assert np.abs(given - truth).max() > 8 / 255
    assert np.abs(_without_interpolation(given, 2, 2) - truth).max() < 3 / 255


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_a_lost_chroma_comes_back_from_the_file(subsampling):
    image = scene(80, 112)  # 80 is no multiple of 32
    decoded = as_jpeg(image, 95, subsampling)
    given = ycc_of(decoded.pixels_hwc)
    bleached = given.copy()
    bleached[1:] = 0.5
    held = image_of(projected(bleached, given, decoded.hints), 3)
    assert psnr_db(image_of(bleached, 3), image) < 25
    assert psnr_db(held, image) > psnr_db(decoded.pixels_hwc, image) - 1.0


def test_a_grey_picture_stays_without_colour():
    decoded = as_jpeg(scene(32, 32, grey=True), 40)
    given = ycc_of(decoded.pixels_hwc)
    assert np.array_equal(projected(far_off(given), given, decoded.hints)[1:], given[1:])


@pytest.mark.parametrize("name", ["table_luma", "table_chroma"])
def test_a_step_of_zero_holds_its_coefficient_where_it_is_in_both_runtimes(name):
    decoded = as_jpeg(scene(64, 64), 30)
    table = getattr(decoded.hints, name).copy()
    table[0, 0] = table[2, 3] = 0
    hints, given = replace(decoded.hints, **{name: table}), ycc_of(decoded.pixels_hwc)
    answer = far_off(given)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is divided by the step
        held = projected(answer, given, hints)
    ones = replace(hints, **{name: np.maximum(table, 1)})
    assert np.array_equal(held, projected(answer, given, ones))
    if name == "table_luma":
        moved = coefficients(held[0]) - coefficients(given[0])
        assert np.abs(moved[:, :, [0, 2], [0, 3]]).max() <= 0.5 + 1e-3 < np.abs(moved).max()
    condition = Condition.of([hints])
    told = [torch.from_numpy(x) for x in (condition.tables, condition.known, condition.sampling)]
    twin = guarded(torch.from_numpy(answer)[None], torch.from_numpy(given)[None], *told)[0].numpy()
    assert np.abs(twin - (given + strength(hints) * (held - given))).max() < 1e-4


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_an_error_and_no_picture(wrong):
    decoded = as_jpeg(scene(16, 16), 30)
    given = ycc_of(decoded.pixels_hwc)
    answer = given.copy()
    answer[1, 3, 3] = wrong
    with np.errstate(invalid="ignore"), pytest.raises(ModelError, match="NaN or infinity"):
        projected(answer, given, decoded.hints)
