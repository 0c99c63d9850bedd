import base64
import io

import numpy as np
import pytest
from PIL import Image

from unlossy.report.pixels import Budget, data_uri, edge_picture, gradients, grid_gradient


def test_the_gradient_of_a_ramp_is_its_slope():
    ramp = np.repeat((3 * np.arange(40, dtype=np.uint8))[None, :, None], 20, axis=0).repeat(3, axis=2)
    across, down = gradients(ramp)
    assert across[:, 1:-1] == pytest.approx(3.0, abs=1e-3)
    assert down == pytest.approx(0.0, abs=1e-3)
    assert (edge_picture(ramp, 3.0)[:, 1:-1] == 0).all()
    assert edge_picture(ramp, 6.0)[5, 5, 0] in (127, 128)


def test_the_gradient_of_an_edge_is_that_of_pillow():
    """Independent: Pillow's convolution with the Sobel kernel, which it clips to 0..255."""
    from PIL import ImageFilter

    grey = np.random.default_rng(1).integers(0, 60, (24, 24), dtype=np.uint8)
    kernel = ImageFilter.Kernel((3, 3), (-1, 0, 1, -2, 0, 2, -1, 0, 1), scale=1)
    expected = np.asarray(Image.fromarray(grey).filter(kernel)).astype(float)[1:-1, 1:-1]
    across, _ = gradients(grey[:, :, None].repeat(3, axis=2))
    assert np.clip(8 * across[1:-1, 1:-1], 0, 255) == pytest.approx(expected, abs=0.01)


def test_blocks_show_in_the_number_and_noise_does_not():
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    blocks = generator.integers(0, 256, (12, 12, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    mixed = (blocks // 4 + noise // 16).astype(np.uint8)
    assert grid_gradient(noise) == pytest.approx(1.0, abs=0.1)
    assert (grid_gradient(mixed) or 0) > 2
    assert (grid_gradient(np.roll(mixed, 4, axis=(0, 1))) or 9) < 1.2, "only borders on the grid count"
    assert grid_gradient(noise[:10, :10]) is None
    assert grid_gradient(np.full((32, 32, 3), 7, dtype=np.uint8)) is None


def test_a_data_uri_holds_the_pixels():
    image = np.random.default_rng(2).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    head, _, text = data_uri(image).partition(",")
    assert head == "data:image/png;base64"
    assert (np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) == image).all()


def test_the_budget_takes_all_of_a_group_or_none():
    budget = Budget(10)
    assert budget.take(["1234", "56"])
    assert not budget.take(["123", "45"])
    assert budget.take(["1234"])
    assert (budget.left_bytes, budget.refused) == (0, 1)
