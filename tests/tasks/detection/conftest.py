"""The small detectors, built and loaded once."""

import sys

import pytest

from tests.tasks.detection.small_detectors import BUILDERS
from unlossy.tasks.models.torchvision_compat import ensure_torchvision
from unlossy.tasks.registry import load_task

ensure_torchvision()


@pytest.fixture(scope="session")
def detector_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detectors")
    sys.path.insert(0, str(folder))  # for py:
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def detector_specs(detector_folder):
    """The SPEC of each small detector by prefix; built on first use."""
    built = {}

    def spec_of(prefix):
        if prefix not in built:
            built[prefix] = BUILDERS[prefix](detector_folder)
        return built[prefix]

    return spec_of


@pytest.fixture(scope="session")
def detection_tasks(detector_specs):
    """The detection task of a prefix, without categories."""
    loaded = {}

    def task_of(prefix, task="detection"):
        if (prefix, task) not in loaded:
            loaded[prefix, task] = load_task(task, detector_specs(prefix), threads=1)
        return loaded[prefix, task]

    return task_of
