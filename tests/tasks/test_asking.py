"""A batch that fails: only the guilty picture does."""

import pytest

from unlossy.core.errors import ModelError
from unlossy.tasks.asking import asked


@pytest.mark.parametrize("error", [RuntimeError("broken\nmore"), SystemExit(7), MemoryError()])
def test_the_guilty_picture_alone_fails(error):
    def answer(batch):
        if 2 in batch:
            raise error
        return [10 * one for one in batch]

    first, bad, last = asked(answer, [1, 2, 3])
    assert (first, last) == (10, 30)
    assert isinstance(bad, ModelError)
    assert str(bad).startswith(f"the model failed: {type(error).__name__}")
    assert "more" not in str(bad)
