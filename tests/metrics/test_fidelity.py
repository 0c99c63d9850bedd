"""PSNR, SSIM and PSNR-B against scikit-image, the paper's formula written as loops, and the literature."""

import math

import numpy as np
import pytest

from unlossy.metrics import psnr_db, psnrb_db, ssim_gaussian_11, ssim_uniform_8
from unlossy.metrics.psnrb import blocking_effect
from unlossy.metrics.ssim import GAUSSIAN_11


def pair() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:40, :56]
    planes = [(x * 5 + y * 3) % 256, (x * x + y * 7) % 200 + 20, 128 + 90 * np.sin(x / 5) * np.cos(y / 4)]
    reference = np.stack(planes, 2).astype(np.uint8)
    noise = ((x * 13 + y * 29) % 31 - 15)[..., None] * np.array([1, 0.5, 0.8])
    return np.clip(reference.astype(int) + noise, 0, 255).astype(np.uint8), reference


def test_psnr_and_gaussian_ssim_equal_scikit_image():
    image, reference = pair()
    # skimage.metrics 0.26: peak_signal_noise_ratio(reference, image, data_range=255)
    assert psnr_db(image, reference) == pytest.approx(31.15876973564528, abs=1e-9)
    # structural_similarity(..., channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    assert ssim_gaussian_11(image, reference) == pytest.approx(0.903670741687938, abs=1e-6)


def test_uniform_ssim_is_wangs_formula_window_by_window():
    image, reference = (a[:20, :17].astype(float) for a in pair())
    values = []
    for c in range(3):
        for top in range(20 - 7):
            for left in range(17 - 7):
                x, y = (a[top : top + 8, left : left + 8, c] for a in (image, reference))
                covariance = np.mean((x - x.mean()) * (y - y.mean()))
                c1, c2 = 6.5025, 58.5225  # the literature's constants for 8 bits
                above = (2 * x.mean() * y.mean() + c1) * (2 * covariance + c2)
                values.append(above / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (x.var() + y.var() + c2)))
    found = ssim_uniform_8(image.astype(np.uint8), reference.astype(np.uint8))
    assert found == pytest.approx(np.mean(values), abs=1e-9)


def test_psnrb_is_the_papers_formula_pair_by_pair():
    image, reference = (a[:24, :32, :1] for a in pair())
    x = image[:, :, 0].astype(int)
    on, off = [], []
    for i in range(24):
        for j in range(32):
            if j + 1 < 32:
                (on if j % 8 == 7 else off).append((x[i, j] - x[i, j + 1]) ** 2)
            if i + 1 < 24:
                (on if i % 8 == 7 else off).append((x[i, j] - x[i + 1, j]) ** 2)
    blocking = max(0.0, math.log2(8) / math.log2(24) * (np.mean(on) - np.mean(off)))
    squared = np.mean((image.astype(int) - reference) ** 2)
    assert psnrb_db(image, reference) == pytest.approx(10 * math.log10(255**2 / (squared + blocking)), abs=1e-9)


def test_steps_on_the_grid_cost_and_steps_beside_it_do_not():
    flat = np.full((32, 32, 1), 100, np.uint8)
    stepped, beside = flat.copy(), flat.copy()
    stepped[:, 16:], beside[:, 20:] = 110, 110
    assert psnrb_db(stepped, flat) < psnr_db(stepped, flat)
    assert psnrb_db(beside, flat) == psnr_db(beside, flat)
    # one of three inner boundaries across, none of three down: mean square 100 / 6 against 0 elsewhere, times 3 / 5
    assert blocking_effect(stepped[:, :, 0]) == pytest.approx(100 / 6 * 3 / 5)


def test_equal_pictures_are_perfect_and_tiny_ones_have_no_ssim():
    image, _ = pair()
    assert psnr_db(image, image) == math.inf
    assert psnrb_db(image, image) <= math.inf
    assert ssim_gaussian_11(image, image) == pytest.approx(1.0)
    assert ssim_uniform_8(image, image) == pytest.approx(1.0)
    assert ssim_gaussian_11(image[:10], image[:10]) is None
    assert ssim_uniform_8(image[:8, :8], image[:8, :8]) == pytest.approx(1.0)
    assert psnrb_db(image[:1, :1], image[:1, :1]) == math.inf


def test_the_gaussian_is_normalised_and_wide_as_named():
    offsets = np.arange(11) - 5
    assert GAUSSIAN_11.sum() == pytest.approx(1.0)
    assert GAUSSIAN_11[5] / GAUSSIAN_11[6] == pytest.approx(math.exp(1 / (2 * 1.5**2)))
    assert abs((GAUSSIAN_11 * offsets).sum()) < 1e-12
