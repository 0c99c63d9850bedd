"""The yardstick by hand-reckoned answers; the task with models that misbehave."""

import numpy as np
import pytest

from unlossy.core.errors import LabelError
from unlossy.core.types import ClassTarget
from unlossy.tasks.base import Score, Yardstick
from unlossy.tasks.classification import ClassificationTask, ClassificationYardstick, answer_of

YARDSTICK = ClassificationYardstick()


def row(*values):
    return np.array(values, np.float32)


def test_it_keeps_the_contract():
    assert isinstance(YARDSTICK, Yardstick)
    assert YARDSTICK.metrics == ("top1", "top5", "p_true", "agreement")


def test_probabilities_are_the_softmax():
    answer = answer_of(row(np.log(1), np.log(2), np.log(5)))
    np.testing.assert_allclose(answer.probabilities, [1 / 8, 2 / 8, 5 / 8], rtol=1e-6)
    assert (answer.class_index, answer.top5) == (2, None)
    assert answer.probability == pytest.approx(5 / 8)


def test_huge_logits_do_not_overflow():
    answer = answer_of(row(3e38, -3e38, 0, 0, 0))
    assert answer.probabilities.tolist() == [1, 0, 0, 0, 0]


def test_ties_go_to_the_lowest_index_and_the_order_is_that_of_the_logits():
    assert answer_of(row(1, 3, 3, 2, 2, 2, 0)).top5 == (1, 2, 3, 4, 5)
    # float32 softmax makes zeros of the last three; their order is still known
    assert answer_of(row(0, 500, -300, -200, -400)).top5 == (1, 0, 3, 2, 4)


def test_scores():
    answer = answer_of(row(6, 5, 4, 3, 2, 1))
    total = np.exp([6, 5, 4, 3, 2, 1]).sum()
    first, fifth, sixth = (YARDSTICK.score(answer, ClassTarget(i)).values for i in (0, 4, 5))
    assert (first["top1"], first["top5"]) == (1, 1)
    assert (fifth["top1"], fifth["top5"]) == (0, 1)
    assert (sixth["top1"], sixth["top5"]) == (0, 0)
    assert fifth["p_true"] == pytest.approx(np.exp(2) / total)


def test_what_is_undefined_is_none():
    assert set(YARDSTICK.score(answer_of(row(1, 2)), None).values.values()) == {None}
    few = YARDSTICK.score(answer_of(row(1, 2)), ClassTarget(1)).values
    assert (few["top1"], few["top5"]) == (1, None)


def test_a_label_outside_the_model_is_a_label_error():
    for index in (-1, 2):
        with pytest.raises(LabelError, match="outside the model's 2 classes"):
            YARDSTICK.score(answer_of(row(1, 2)), ClassTarget(index))


def test_agreement_is_with_the_clean_answer_whatever_the_label():
    clean = answer_of(row(1, 2, 0))
    assert YARDSTICK.agreement(answer_of(row(0, 9, 1)), clean) == 1
    assert YARDSTICK.agreement(answer_of(row(9, 2, 0)), clean) == 0
    assert YARDSTICK.as_target(clean) == ClassTarget(1)


def test_a_row_keeps_the_answer_without_the_softmax():
    kept = YARDSTICK.as_json(answer_of(row(0, 0, 0, 0, np.log(4))))
    assert kept == {"class_index": 4, "probability": pytest.approx(0.5), "top5": [4, 0, 1, 2, 3]}
    assert YARDSTICK.target_as_json(ClassTarget(3)) == {"class_index": 3}


def scores(*triples):
    return [Score({"top1": a, "p_true": b, "agreement": c}) for a, b, c in triples]


def test_summaries_are_means_over_the_items_that_have_the_metric():
    got = YARDSTICK.summarise(scores((1.0, 0.5, None), (0.0, None, None), (0.0, 0.1, None)))
    assert got == {"top1": pytest.approx(1 / 3), "top5": None, "p_true": pytest.approx(0.3), "agreement": None}
    assert YARDSTICK.summarise([]) == dict.fromkeys(YARDSTICK.metrics)


def test_weights_count_an_item_that_often():
    items = scores((1.0, 0.5, 1.0), (0.0, None, 0.0), (1.0, 0.1, 1.0))
    weights = np.array([2.0, 3.0, 0.0])
    repeated = [items[0]] * 2 + [items[1]] * 3
    assert YARDSTICK.summarise(items, weights) == pytest.approx(YARDSTICK.summarise(repeated))
    assert YARDSTICK.summarise(items, np.array([0.0, 3.0, 0.0]))["p_true"] is None


class Misbehaving:
    """A classifier of three classes over numbers: 13 makes it raise, 7 makes it answer NaN."""

    spec, digest, labels, n_classes, libraries = "test:x", "0" * 64, None, 3, ()

    def resize(self, image_hwc):
        return image_hwc

    normalise = resize

    def logits(self, batch):
        if 13 in batch:
            raise ValueError("bad luck\nsecond line")
        if 0 in batch and len(batch) > 1:
            return np.zeros((1, 3), np.float32)
        return np.array([[np.nan if x == 7 else x, 1, 2] for x in batch], np.float32)


def test_only_the_guilty_items_fail():
    answers = ClassificationTask(Misbehaving()).predict([5, 13, 7, 1])
    assert [type(answer).__name__ for answer in answers] == [
        "ClassificationAnswer",
        "ModelError",
        "ModelError",
        "ClassificationAnswer",
    ]
    assert (answers[0].class_index, answers[3].class_index) == (0, 2)
    assert str(answers[1]) == "the model failed: ValueError: bad luck"
    assert "1 NaN or infinite" in str(answers[2])


def test_a_batch_with_too_few_answers_is_tried_one_by_one():
    answers = ClassificationTask(Misbehaving()).predict([5, 0])
    assert [answer.class_index for answer in answers] == [0, 2]
    assert ClassificationTask(Misbehaving()).predict([]) == []


def test_targets_are_checked_against_the_model():
    task = ClassificationTask(Misbehaving())
    task.check_target(None)
    task.check_target(ClassTarget(2))
    for index in (3, -1):
        with pytest.raises(LabelError, match="the model has 3 classes"):
            task.check_target(ClassTarget(index))
    task.classifier.n_classes = None
    task.check_target(ClassTarget(99))
