"""A network asked about mirror images."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.correctors.pictures import as_jpeg, scene, tiny_weights
from unlossy.core.errors import UsageError
from unlossy.correctors.base import Condition
from unlossy.correctors.flipped import FlippedNetwork
from unlossy.correctors.guards import Hidden
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.metrics.psnr import decibel, mean_squared_error


@dataclass
class Slanted:
    """Adds what depends on where a pixel stands: 1 in the left half, 2 in the lower one."""

    stride_px: int = 8
    reach_px: int = 3
    bytes_per_pixel: int = 40

    def run(self, ycc, condition):
        height, width = ycc.shape[2:]
        slope = (np.arange(width) < width // 2) + 2.0 * (np.arange(height)[:, None] >= height // 2)
        return (ycc + slope).astype(np.float32)


def test_what_depends_on_the_direction_is_averaged_away():
    ycc = np.random.default_rng(0).random((2, 3, 32, 64), dtype=np.float32)
    before, answer = ycc.copy(), FlippedNetwork(Slanted()).run(ycc, Condition.of([None, None]))
    assert np.allclose(answer, ycc + 0.5 + 1.0, atol=1e-6)
    assert answer.dtype == np.float32
    assert np.array_equal(ycc, before)


def test_sides_are_whole_blocks_of_chroma():
    assert FlippedNetwork(Slanted()).stride_px == 32
    assert FlippedNetwork(Slanted(stride_px=24)).stride_px == 96


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_tiled_equals_whole(tmp_path, subsampling):
    spec = f"flips:{tiny_weights(tmp_path)}"
    corrector = open_corrector(spec, Choices("torch", Hidden.ALWAYS, threads=1))
    picture = as_jpeg(scene(150, 251), 30, subsampling)
    margin = 2 * (corrector.network.reach_px + 32)
    tiled = replace(corrector, max_bytes=(64 + margin) ** 2 * corrector.network.bytes_per_pixel)
    whole, parts = corrector.correct([picture])[0], tiled.correct([picture])[0]
    assert np.abs(whole.astype(int) - parts).max() <= 1


def test_a_picture_and_its_mirror_image_get_the_same_answer(tmp_path):
    corrector = open_corrector(f"flips:{tiny_weights(tmp_path)}", Choices("torch", Hidden.ALWAYS, threads=1))
    picture = as_jpeg(scene(64, 96), 20)
    mirrored = replace(picture, pixels_hwc=np.ascontiguousarray(picture.pixels_hwc[:, ::-1]))
    one, other = corrector.correct([picture, mirrored])
    assert np.abs(one[:, ::-1].astype(int) - other).max() <= 1


def test_it_is_nearer_to_the_original():
    gains = []
    for seed in range(4):
        original = scene(96, 128, seed)
        picture = as_jpeg(original, 15)
        alone, four = (
            open_corrector(spec, Choices(threads=1)).correct([picture])[0] for spec in ("small", "flips:small")
        )
        gains.append(decibel(mean_squared_error(four, original)) - decibel(mean_squared_error(alone, original)))
    assert np.mean(gains) > 0.02


@pytest.mark.parametrize("spec", ["flips:quantsmooth", "flips:flips:small"])
def test_only_a_network_of_ours_is_mirrored(spec, monkeypatch, tmp_path):
    program = tmp_path / "jpegqs"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(UsageError, match=r"only a network of ours|small, base"):
        open_corrector(spec)
    with pytest.raises(UsageError, match="not understood"):
        open_corrector("flips:lanczos")
