"""A folder of small pictures and a model that a study can be checked by hand with."""

import sys

import numpy as np
import pytest
from PIL import Image

MODEL = '''
import os
import time
import numpy as np

DELAY_S = 0.0


def classify(images):
    """The quadrant whose neighbouring pixels differ most: compression changes that, now and then."""
    time.sleep(DELAY_S)
    answers = []
    for image in images:
        grey = image.astype(np.float64).mean(axis=2)
        height, width = grey.shape[0] // 2, grey.shape[1] // 2
        quadrants = (grey[:height, :width], grey[:height, width:], grey[height:, :width], grey[height:, width:])
        answers.append([np.abs(np.diff(quadrant, axis=1)).mean() for quadrant in quadrants])
    return np.array(answers, np.float32)


def slow(images):
    time.sleep(float(os.environ.get("SLOW_S", "0")))
    return classify(images)


def turned(images):
    """Another model of the same classes: it looks at differences from row to row."""
    return classify([image.swapaxes(0, 1)[:, :] for image in images])[:, [0, 2, 1, 3]]


def named(images):
    return classify(images)


named.labels = ["upper left, north west", "upper right", "lower left", "lower right"]


def named_shorter(images):
    return classify(images)


named_shorter.labels = ["Upper_Left", "upper right", "lower left", "lower right"]


def named_otherwise(images):
    return classify(images)


named_otherwise.labels = ["upper left", "lower left", "upper right", "lower right"]


def of_three(images):
    return classify(images)[:, :3]


of_three.labels = ["a", "b", "c"]


def of_sixteen(images):
    return np.pad(classify(images), ((0, 0), (0, 12)))


def nan_for_dark(images):
    logits = classify(images)
    logits[[image.mean() < 40 for image in images]] = np.nan
    return logits


def refuses_small(images):
    if any(image.shape[0] < 24 for image in images):
        raise ValueError("too small for me")
    return classify(images)
'''


def texture(seed: int, size: int = 40) -> np.ndarray:
    """Noise of a different strength in each quadrant, on a ramp."""
    generator = np.random.default_rng(seed)
    strength = np.kron(generator.permutation([26, 28, 30, 32]).reshape(2, 2), np.ones((size // 2, size // 2)))
    noise = generator.normal(0, 1, (size, size, 3)) * strength[:, :, None]
    ramp = np.linspace(60, 190, size)[None, :, None]
    return np.clip(ramp + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def photos(tmp_path):
    """Forty labelled PNG files in four class folders."""
    root = tmp_path / "photos"
    for seed in range(40):
        image = texture(seed)
        name = f"class_{seed % 4}"
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(root / name / f"{seed:02d}.png")
    return root


@pytest.fixture
def model(tmp_path, monkeypatch):
    """`py:` SPEC of the model above; its module is importable here and in subprocesses started in tmp_path."""
    (tmp_path / "quadrants.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "py:quadrants:classify"
    sys.modules.pop("quadrants", None)
