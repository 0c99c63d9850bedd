"""The yardstick of text: metrics of the set by hand, weights as repetition, agreement."""

import numpy as np
import pytest

from unlossy.core.types import ClassTarget, TextTarget
from unlossy.tasks.base import Task, Yardstick
from unlossy.tasks.models.text.base import Reading
from unlossy.tasks.registry import load_task, yardstick
from unlossy.tasks.text import TextYardstick

pytest.importorskip("rapidfuzz", reason="the extra `text` is not installed")

PAIRS = [("kitten", "sitting"), ("Stop!", "STOP"), ("the cat", "the cat sat"), ("xxxxxx", "abc")]


@pytest.fixture
def measure():
    return TextYardstick()


@pytest.fixture
def scores(measure):
    return [measure.score(Reading(read), TextTarget(true)) for read, true in PAIRS]


def test_hand_checked_metrics(measure, scores):
    found = measure.summarise(scores)
    cer = (3 + 0 + 4 + 6) / (7 + 4 + 11 + 3)
    assert found["cer"] == pytest.approx(cer)
    assert found["char_accuracy"] == pytest.approx(1 - cer)
    assert found["wer"] == pytest.approx((1 + 0 + 1 + 1) / (1 + 1 + 3 + 1))
    assert found["word_accuracy"] == pytest.approx(1 / 4)
    assert found["item_accuracy"] == pytest.approx((4 / 7 + 1 + 7 / 11 + 0) / 4)
    assert found["agreement"] is None


def test_a_weight_counts_an_item_that_often(measure, scores):
    weights = np.array([2.0, 0, 1, 3])
    repeated = [score for score, n in zip(scores, weights, strict=True) for _ in range(int(n))]
    assert measure.summarise(scores, weights) == pytest.approx(measure.summarise(repeated))


def test_resampling_equals_summarising_with_each_draw(measure, scores):
    draws = np.random.default_rng(3).multinomial(4, [0.25] * 4, size=20).astype(float)
    drawn = measure.resample(scores, draws)
    assert set(drawn) == set(measure.set_metrics)
    for number, weights in enumerate(draws):
        told = measure.summarise(scores, weights)
        assert {metric: values[number] for metric, values in drawn.items()} == pytest.approx(
            {metric: told[metric] for metric in measure.set_metrics}
        )


def test_without_truths_there_is_agreement_alone(measure):
    unlabelled = [measure.score(Reading("a"), None), measure.score(Reading("a"), ClassTarget(3))]
    assert all(value is None for value in measure.summarise(unlabelled).values())
    assert measure.resample(unlabelled, np.ones((5, 2))) == {}
    assert all(value is None for value in measure.summarise([]).values())


@pytest.mark.parametrize(
    ("read", "clean", "agreement"), [("HOME", "home", 1.0), ("", "", 1.0), ("x", "", 0.0), ("hone", "home", 0.75)]
)
def test_agreement_is_accuracy_against_the_clean_reading(measure, read, clean, agreement):
    assert measure.agreement(Reading(read), Reading(clean)) == agreement


def test_the_clean_answer_as_target_scores_full(measure):
    answer = Reading("Total 9.00\nRM", 0.5)
    assert measure.score(answer, measure.as_target(answer)).values["item_accuracy"] == 1.0
    assert measure.as_json(answer) == {"text": "Total 9.00\nRM", "confidence": 0.5}
    assert measure.target_as_json(TextTarget("x")) == {"text": "x"}


def test_the_contracts(tmp_path, monkeypatch):
    (tmp_path / "mute_reader.py").write_text("def read(images):\n    return [''] * len(images)\n")
    monkeypatch.syspath_prepend(tmp_path)
    task = load_task("text", "py:mute_reader:read")
    assert isinstance(task, Task)
    assert isinstance(yardstick("text"), Yardstick)
    task.check_target(TextTarget("anything"))
    assert "rapidfuzz" in task.libraries


def test_without_rapidfuzz_the_extra_is_named(monkeypatch):
    import sys

    from unlossy.core.errors import MissingDependency

    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    with pytest.raises(MissingDependency, match=r"unlossy\[text\]"):
        load_task("text", "py:json:loads")
