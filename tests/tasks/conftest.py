"""The five small models, built and loaded once."""

import sys

import numpy as np
import pytest

from tests.tasks.small_models import BUILDERS
from unlossy.tasks.models.registry import load_classifier
from unlossy.tasks.models.torchvision_compat import ensure_torchvision

ensure_torchvision()  # the tests import timm and torchvision themselves


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    sys.path.insert(0, str(folder))  # for py:
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def specs(model_folder):
    """The SPEC of each small model by prefix; built on first use."""
    built = {}

    def spec_of(prefix, seed=0):
        if (prefix, seed) not in built:
            built[prefix, seed] = BUILDERS[prefix](model_folder, seed)
        return built[prefix, seed]

    return spec_of


@pytest.fixture(scope="session")
def classifiers(specs):
    """The loaded small model of a prefix."""
    loaded = {}

    def classifier_of(prefix):
        if prefix not in loaded:
            loaded[prefix] = load_classifier(specs(prefix), threads=1)
        return loaded[prefix]

    return classifier_of


@pytest.fixture
def noise():
    """A function that gives a picture of that size: smooth colour plus noise."""

    def picture(height, width, channels=3, seed=0):
        rng = np.random.default_rng(seed)
        base = rng.integers(0, 200, (1, 1, channels))
        return (base + rng.integers(0, 56, (height, width, channels))).astype(np.uint8)

    return picture
