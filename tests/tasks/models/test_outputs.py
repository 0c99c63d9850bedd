"""From answers to logits: order kept through images of mixed size, shapes and distributions checked."""

import numpy as np
import pytest

from unlossy.core.errors import ModelError
from unlossy.tasks.models.outputs import as_logits, in_batches_of_one_shape


def test_images_of_mixed_size_are_answered_in_their_order():
    sizes = [(4, 5), (2, 2), (4, 5), (3, 3), (2, 2), (4, 5)]
    images = [np.full((3, *size), place, np.float32) for place, size in enumerate(sizes)]
    calls = []

    def run(batch):
        calls.append(batch.shape)
        return np.stack([batch[:, 0, 0, 0], batch.shape[2] + 0 * batch[:, 0, 0, 0]], axis=1)

    got = in_batches_of_one_shape(images, run)
    np.testing.assert_array_equal(got, [[place, size[0]] for place, size in enumerate(sizes)])
    assert sorted(calls) == [(1, 3, 3, 3), (2, 3, 2, 2), (3, 3, 4, 5)]


def test_trailing_axes_of_length_one_are_dropped():
    np.testing.assert_array_equal(as_logits(np.arange(6.0).reshape(2, 3, 1, 1), 2), [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize(
    "answer", [np.zeros(3), np.zeros((1, 3)), np.zeros((2, 0)), np.zeros((2, 3, 4)), "cat", [[1], [1, 2]]]
)
def test_another_shape_is_a_model_error(answer):
    with pytest.raises(ModelError, match="the model"):
        as_logits(answer, 2)


def test_probabilities_of_half_precision_pass_and_zero_stays_finite():
    half = np.array([[0.3335, 0.333, 0.3335, 0.0]], np.float16)
    np.testing.assert_allclose(np.exp(as_logits(half, 1, "probabilities")), half, atol=1e-6)
    assert np.isfinite(as_logits(half, 1, "probabilities")).all()


@pytest.mark.parametrize("row", [[0.5, 0.6], [1.5, -0.5]])
def test_what_is_no_distribution_is_a_model_error(row):
    with pytest.raises(ModelError, match="negative or do not add up"):
        as_logits([row], 1, "probabilities")


def test_nan_is_left_for_the_item_it_belongs_to():
    got = as_logits([[np.nan, 1.0], [0.5, 0.5]], 2, "probabilities")
    assert np.isnan(got[0]).any()
    np.testing.assert_allclose(np.exp(got[1]), [0.5, 0.5])
