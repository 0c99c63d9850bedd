"""The suite of all tasks over every kind of reader, and the known texts that the small ones read."""

import shutil

import numpy as np
import pytest

from tests.tasks.conformance import Case, Conformance
from tests.tasks.text.small_readers import BUILDERS, picture_of
from unlossy.tasks.models.text.base import Reader
from unlossy.tasks.models.text.registry import ADAPTERS

TEXTS = ["CAB", "A", "GFEDCBA", "AABB", "", "BADGE"]
WHITE = np.full((40, 50, 3), 255, np.uint8)


def same_reading(one, other):
    assert one.text == other.text
    assert one.confidence == pytest.approx(other.confidence, abs=1e-4)


def reads_nothing(answer):
    assert (answer.text, answer.confidence or None) in {("", None), ("", 0.5)}


class TestReaders(Conformance):
    @pytest.fixture(params=ADAPTERS)
    def case(self, request, reading_tasks):
        if request.param == "tesseract":
            if shutil.which("tesseract") is None:
                pytest.skip("the program tesseract (tesseract-ocr) is not installed")
            return Case(
                reading_tasks("tesseract"), same_reading, sizes=((1, 1), (24, 90))
            )  # reads letters into nothing
        return Case(reading_tasks(request.param), same_reading, WHITE, nothing=reads_nothing)


def test_every_adapter_has_a_small_model():
    assert BUILDERS.keys() == ADAPTERS.keys()


@pytest.mark.parametrize("prefix", ["onnx", "py"])
def test_known_texts_are_read_in_order(reading_tasks, prefix):
    task = reading_tasks(prefix)
    assert isinstance(task.reader, Reader)
    answers = task.predict([task.prepare(picture_of(text)) for text in TEXTS])
    assert [answer.text for answer in answers] == TEXTS
    assert all(answer.confidence is None or 0.4 <= answer.confidence <= 1 for answer in answers)
