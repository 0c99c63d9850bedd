"""The small readers, built and loaded once."""

from functools import cache

import pytest

from tests.tasks.text.small_readers import BUILDERS
from unlossy.tasks.registry import load_task

pytest.importorskip("rapidfuzz", reason="the extra `text` is not installed")


@pytest.fixture(scope="session")
def reading_tasks(importable_folder):
    """The task with the small reader of a prefix."""
    folder = importable_folder("readers")
    return cache(lambda prefix: load_task("text", BUILDERS[prefix](folder), threads=1))
