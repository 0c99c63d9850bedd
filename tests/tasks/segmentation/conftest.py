"""The small segmenters, built and loaded once."""

import sys

import pytest

from tests.tasks.segmentation.small_segmenters import BUILDERS
from unlossy.tasks.models.torchvision_compat import ensure_torchvision
from unlossy.tasks.registry import load_task

ensure_torchvision()


@pytest.fixture(scope="session")
def segmenter_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segmenters")
    sys.path.insert(0, str(folder))  # for py:
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="session")
def segmenter_specs(segmenter_folder):
    """The SPEC of each small segmenter by prefix; built on first use."""
    built = {}

    def spec_of(prefix):
        if prefix not in built:
            built[prefix] = BUILDERS[prefix](segmenter_folder)
        return built[prefix]

    return spec_of


@pytest.fixture(scope="session")
def segmentation_tasks(segmenter_specs):
    """The task of a prefix, without categories."""
    loaded = {}

    def task_of(prefix):
        if prefix not in loaded:
            loaded[prefix] = load_task("semantic_segmentation", segmenter_specs(prefix), threads=1)
        return loaded[prefix]

    return task_of
