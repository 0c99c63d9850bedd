"""The small segmenters, built and loaded once."""

from functools import cache

import pytest

from tests.tasks.segmentation.small_segmenters import BUILDERS
from unlossy.tasks.registry import load_task


@pytest.fixture(scope="session")
def segmenter_folder(importable_folder):
    return importable_folder("segmenters")


@pytest.fixture(scope="session")
def segmenter_specs(segmenter_folder):
    """The SPEC of each small segmenter by prefix; built on first use."""
    return cache(lambda prefix: BUILDERS[prefix](segmenter_folder))


@pytest.fixture(scope="session")
def segmentation_tasks(segmenter_specs):
    """The task of a prefix, without categories."""
    return cache(lambda prefix: load_task("semantic_segmentation", segmenter_specs(prefix), threads=1))
