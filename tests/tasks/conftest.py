"""The five small models, built and loaded once."""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.small_models import BUILDERS
from unlossy.tasks.models.registry import load_classifier
from unlossy.tasks.models.torchvision_compat import ensure_torchvision

ensure_torchvision()  # the tests import timm and torchvision themselves


@pytest.fixture(scope="session")
def importable_folder(tmp_path_factory):
    """A function that makes a folder whose Python files can be imported, for py:."""
    made = []

    def folder_of(name):
        made.append(str(tmp_path_factory.mktemp(name)))
        sys.path.insert(0, made[-1])
        return Path(made[-1])

    yield folder_of
    for folder in made:
        sys.path.remove(folder)


@pytest.fixture(scope="session")
def specs(importable_folder):
    """The SPEC of each small model by prefix; built on first use."""
    folder = importable_folder("models")
    return cache(lambda prefix, seed=0: BUILDERS[prefix](folder, seed))


@pytest.fixture(scope="session")
def classifiers(specs):
    """The loaded small model of a prefix."""
    return cache(lambda prefix: load_classifier(specs(prefix), threads=1))


@pytest.fixture
def noise():
    """A function that gives a picture of that size: smooth colour plus noise."""

    def picture(height, width, channels=3, seed=0):
        rng = np.random.default_rng(seed)
        base = rng.integers(0, 200, (1, 1, channels))
        return (base + rng.integers(0, 56, (height, width, channels))).astype(np.uint8)

    return picture
