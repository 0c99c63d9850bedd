"""Upsampling against torch's, in both conventions."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from unlossy.core.errors import ModelError
from unlossy.tasks.models.segmentation import upsampling
from unlossy.tasks.models.segmentation.upsampling import class_numbers, upsampled_argmax


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize(
    ("shape", "size_hw"), [((5, 9, 7), (61, 83)), ((3, 33, 33), (20, 50)), ((4, 1, 6), (7, 1)), ((2, 8, 8), (8, 8))]
)
def test_it_is_the_argmax_of_torchs_interpolation(shape, size_hw, align_corners, monkeypatch):
    monkeypatch.setattr(upsampling, "BAND_PX", 500)  # several bands
    logits = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    wide = F.interpolate(torch.from_numpy(logits)[None], size_hw, mode="bilinear", align_corners=align_corners)[0]
    found = upsampled_argmax(logits, size_hw, align_corners=align_corners)
    chosen = wide.numpy()[found, *np.indices(size_hw)]
    np.testing.assert_allclose(chosen, wide.max(dim=0).values, atol=1e-5)
    assert (found == wide.argmax(dim=0).numpy()).mean() > 0.999


def test_class_numbers_go_to_the_nearest_pixels():
    numbers = np.array([[1, 2], [3, 4]])
    found = class_numbers(numbers, (4, 2), 5, align_corners=False)
    assert found.tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]


@pytest.mark.parametrize(
    "answer",
    [
        np.full((3, 4, 4), np.nan),
        np.zeros((2, 4, 4)),
        np.full((4, 4), 3),
        np.full((4, 4), -1),
        np.zeros((4, 4)),
        np.zeros((3, 0, 4)),
        np.zeros(7),
        None,
    ],
)
def test_what_is_no_answer_is_the_models_error(answer):
    with pytest.raises(ModelError):
        class_numbers(answer, (8, 8), 3, align_corners=False)
