"""Callables that answer what they should not."""

import numpy as np
import pytest

from unlossy.core.errors import ModelError, UsageError
from unlossy.tasks.models.text.base import Reading
from unlossy.tasks.models.text.python import CallableReader
from unlossy.tasks.models.text.registry import load_reader

PICTURES = [np.zeros((4, 4, 3), np.uint8)] * 2


def reader(answer):
    return CallableReader("py:x:y", "0" * 64, (), lambda images: answer)


def test_texts_and_confidences():
    assert reader(["a", ("b", 0.25)]).read(PICTURES) == [Reading("a"), Reading("b", 0.25)]


@pytest.mark.parametrize("answer", ["ab", ["a"], None, iter("ab")])
def test_another_number_of_answers_fails_the_batch(answer):
    with pytest.raises(ModelError, match="a list of 2 texts"):
        reader(answer).read(PICTURES)


@pytest.mark.parametrize("wrong", [7, b"a", ("a", 2), ("a", float("nan")), ("a", 0.1, 3)])
def test_no_text_fails_its_picture_alone(wrong):
    good, bad = reader(["a", wrong]).read(PICTURES)
    assert good == Reading("a")
    assert isinstance(bad, ModelError)


def test_a_module_that_is_not_there():
    with pytest.raises(UsageError, match="no module"):
        load_reader("py:there_is_no_such_reader:read")
