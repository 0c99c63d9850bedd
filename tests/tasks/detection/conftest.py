"""The small detectors, built and loaded once."""

from functools import cache

import pytest

from tests.tasks.detection.small_detectors import BUILDERS
from unlossy.tasks.registry import load_task


@pytest.fixture(scope="session")
def detector_folder(importable_folder):
    return importable_folder("detectors")


@pytest.fixture(scope="session")
def detector_specs(detector_folder):
    """The SPEC of each small detector by prefix; built on first use."""
    return cache(lambda prefix: BUILDERS[prefix](detector_folder))


@pytest.fixture(scope="session")
def detection_tasks(detector_specs):
    """The detection task of a prefix, without categories."""
    return cache(lambda prefix, task="detection": load_task(task, detector_specs(prefix), threads=1))
