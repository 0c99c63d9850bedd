"""DnCNN-3 against its published figures, and its arithmetic against a convolution written out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.correctors.pictures import as_jpeg, dncnn_weights, scene
from unlossy.correctors.base import Condition
from unlossy.correctors.colour import ycc_of
from unlossy.correctors.nets.weights_file import save_weights
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.metrics import psnr_db

DATA = Path(__file__).parents[3] / "shared" / "data"


def convolved(planes, weight, bias):
    """A 3 x 3 convolution with zeros beyond the edges, channel by channel."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    height, width = planes.shape[1:]
    shifted = [[padded[:, y : y + height, x : x + width] for x in range(3)] for y in range(3)]
    taps = sum(np.einsum("oc,chw->ohw", weight[:, :, y, x], shifted[y][x]) for y in range(3) for x in range(3))
    return taps + bias[:, None, None]


def test_it_subtracts_what_twenty_layers_find_in_luma(tmp_path):
    tensors = dncnn_weights()
    save_weights(tmp_path / "d.safetensors", tensors, {})
    picture = as_jpeg(scene(20, 28), 30)
    corrector = open_corrector(f"dncnn3@{tmp_path / 'd.safetensors'}", Choices(threads=1))
    given = ycc_of(picture.pixels_hwc)
    found = corrector.network.run(given[None], Condition.of([picture.hints]))[0]
    cells = given[:1].astype(float)
    for i in range(20):
        weight, bias = (tensors[f"model.{2 * i}.{kind}"].double().numpy() for kind in ("weight", "bias"))
        cells = convolved(cells, weight, bias)
        cells = np.maximum(cells, 0) if i < 19 else cells
    assert np.abs(cells).max() > 0.01
    assert np.abs(found[0] - (given[0] - cells[0])).max() < 1e-4
    assert np.array_equal(found[1:], given[1:])


@pytest.mark.data
def test_classic5_at_q10_gains_about_what_is_published():
    weights, folder = DATA / "models" / "dncnn3_y.safetensors", DATA / "restoration" / "test" / "Classic5"
    if not weights.is_file():
        pytest.skip("wants ../shared/data/models/dncnn3_y.safetensors and restoration/test/Classic5")
    file = next(f for f in sorted(folder.iterdir()) if "barbara" in f.name.lower())
    reference = np.asarray(Image.open(file).convert("L"))[:160, :160, None]
    picture = as_jpeg(np.ascontiguousarray(reference), 10)
    (output,) = open_corrector(f"dncnn3@{weights}", Choices(threads=1)).correct([picture])
    # 1.6 dB is the mean of the set
    assert 1.0 < psnr_db(output, reference) - psnr_db(picture.pixels_hwc, reference) < 2.5
