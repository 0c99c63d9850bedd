"""The small readers, built and loaded once."""

import pytest

from tests.tasks.text.small_readers import BUILDERS
from unlossy.tasks.registry import load_task

pytest.importorskip("rapidfuzz", reason="the extra `text` is not installed")


@pytest.fixture(scope="session")
def reading_tasks(model_folder):
    """The task with the small reader of a prefix."""
    loaded = {}

    def task_of(prefix):
        if prefix not in loaded:
            loaded[prefix] = load_task("text", BUILDERS[prefix](model_folder), threads=1)
        return loaded[prefix]

    return task_of
