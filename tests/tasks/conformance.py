"""What every task promises with any of its models: one suite, run over every task and every kind of model.

class TestDetectors(Conformance):
    @pytest.fixture(params=["hf", "onnx", "py"])
    def case(self, request, small_specs):
        return Case(load_task("detection", small_specs(request.param), threads=1), same_objects)
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pytest

from unlossy.core.errors import ModelError
from unlossy.tasks.base import Task

SIZES_HW = [(40, 50), (64, 64), (33, 90), (40, 50), (64, 48)]


def picture(height, width, channels=3, seed=0):
    """Blocks of colour, so that there is something to find, plus noise."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 200, (-(-height // 8), -(-width // 8), channels)).repeat(8, 0).repeat(8, 1)
    return (blocks[:height, :width] + rng.integers(0, 56, (height, width, channels))).astype(np.uint8)


@dataclass
class Case:
    """A task with a small model; `same(a, b)` asserts that two answers are equal but for float noise.

    `poison` is a picture at which the model answers with NaN, or raises; None where no picture makes it do so. `blank`
    is one that shows nothing, and `nothing(answer)` asserts that nothing was found in it; `sizes` are (height, width).
    """

    task: Task
    same: Callable
    poison: np.ndarray | None = None
    blank: np.ndarray = field(default_factory=lambda: np.zeros((40, 50, 3), np.uint8))
    nothing: Callable = lambda answer: None
    sizes: tuple = ((1, 1), (1, 9), (37, 61), (24, 300))

    def answers(self, *pictures):
        return self.task.predict([self.task.prepare(image) for image in pictures])


class Conformance:
    """Subclass it with a `case` fixture."""

    def test_it_keeps_the_contract(self, case):
        assert isinstance(case.task, Task)
        assert case.task.yardstick.task
        assert len(case.task.model_digest) == 64
        assert case.task.predict([]) == []

    def test_a_batch_answers_as_its_pictures_do_alone(self, case):
        pictures = [picture(*size, seed=seed) for seed, size in enumerate(SIZES_HW)]
        together = case.answers(*pictures)
        assert len(together) == len(pictures)
        for answer, image in zip(together, pictures, strict=True):
            case.same(answer, case.answers(image)[0])

    def test_any_size_is_answered_and_grey_as_its_rgb(self, case):
        for size in case.sizes:
            grey = picture(*size, channels=1)
            one, three = case.answers(grey)[0], case.answers(np.repeat(grey, 3, axis=2))[0]
            assert not isinstance(one, Exception), f"{size}: {one}"
            case.same(one, three)

    def test_a_picture_without_anything(self, case):
        (answer,) = case.answers(case.blank)
        assert not isinstance(answer, Exception)
        case.nothing(answer)

    def test_a_failure_stays_with_its_picture(self, case):
        if case.poison is None:
            pytest.skip("no picture makes this model fail")
        good = picture(40, 50)
        first, bad, last = case.answers(good, case.poison, good)
        assert isinstance(bad, ModelError)
        assert bad.kind == "model"
        for answer in (first, last):
            case.same(answer, case.answers(good)[0])

    def test_preparing_is_thread_safe(self, case):
        pictures = [picture(30 + 7 * (seed % 5), 80 - 3 * (seed % 7), seed=seed) for seed in range(6)]
        with ThreadPoolExecutor(4) as pool:
            prepared = list(pool.map(case.task.prepare, pictures))
        for image, answer in zip(pictures, case.task.predict(prepared), strict=True):
            case.same(answer, case.answers(image)[0])

    def test_the_answer_is_judged_and_kept(self, case):
        yardstick = case.task.yardstick
        (answer,) = case.answers(picture(64, 64))
        assert yardstick.agreement(answer, answer) == 1.0
        json.dumps(yardstick.as_json(answer), allow_nan=False)
        target = yardstick.as_target(answer)
        json.dumps(yardstick.target_as_json(target), allow_nan=False)
        case.task.check_target(target)
        for score in (yardstick.score(answer, None), yardstick.score(answer, target)):
            assert set(score.values) <= set(yardstick.metrics)
            assert all(value is None or 0 <= value <= 1 for value in score.values.values())
