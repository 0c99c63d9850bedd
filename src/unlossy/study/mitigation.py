"""What stands between the compressed picture and the answer: nothing, a corrector, another model, or both."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from unlossy.core.errors import ItemError
from unlossy.core.types import Decoded
from unlossy.correctors.base import Corrector
from unlossy.correctors.each import correct_each
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.runs.mitigations import parts_of
from unlossy.runs.plan import StudyPlan
from unlossy.store import NONE
from unlossy.study.same_classes import refuse_other_classes, remark_on_classes
from unlossy.tasks.base import Task
from unlossy.tasks.registry import Categories, load_task


@dataclass(frozen=True, slots=True)
class Mitigation:
    """A mitigation under the text that the plan gives it; what it does not have is None.

    `task` is the model that answers in the place of the study's own, `remark` what readers must know of the two.
    """

    text: str = NONE
    corrector: Corrector | None = None
    task: Task | None = None
    remark: str = ""

    def apply(self, pictures: Sequence[Decoded | ItemError]) -> list[Decoded | ItemError]:
        """The pictures as the model is to see them, in order; errors stay, and a failure is that picture's error.

        What comes back has no hints: they describe the picture as it was.
        """
        if self.corrector is None:
            return list(pictures)
        there = [picture for picture in pictures if isinstance(picture, Decoded)]
        outcomes = iter(correct_each(self.corrector, there))
        return [_decoded(next(outcomes)) if isinstance(picture, Decoded) else picture for picture in pictures]


def open_mitigations(
    plan: StudyPlan, own: Task, categories: Categories | None = None, device: str = "cpu"
) -> tuple[Mitigation, ...]:
    """The plan's mitigations, ready to work beside the study's `own` model.

    A corrector gets one thread, since it runs in the workers, of which there is one per core; a model gets what the
    study's own gets. Raises UsageError (also where a model's classes are not the study's, or one does not go to the
    device) and MissingDependency.
    """
    tasks = {plan.model: own}
    for spec in [parts_of(text).model for text in plan.mitigations]:
        if spec and spec not in tasks:
            tasks[spec] = load_task(plan.task, spec, categories=categories, device=device)
            refuse_other_classes(own, tasks[spec])
    with _torch_threads_kept():
        return tuple(_open(text, own, tasks, device) for text in plan.mitigations)


def made_by(mitigations: Sequence[Mitigation]) -> dict[str, Any]:
    """Name and digest of each corrector and model by the mitigation's text, for the rows' provenance."""
    return {mitigation.text: _made_by(mitigation) for mitigation in mitigations if mitigation.text != NONE}


def libraries_of(mitigations: Sequence[Mitigation]) -> tuple[str, ...]:
    """Distributions whose versions can change what the correctors and models answer."""
    makers = [maker for mitigation in mitigations for maker in (mitigation.corrector, mitigation.task)]
    return tuple(dict.fromkeys(name for maker in makers if maker is not None for name in maker.libraries))


def remarks_of(mitigations: Sequence[Mitigation]) -> tuple[str, ...]:
    """What readers must know of the models, each remark once."""
    return tuple(dict.fromkeys(mitigation.remark for mitigation in mitigations if mitigation.remark))


def _open(text: str, own: Task, tasks: dict[str, Task], device: str) -> Mitigation:
    parts = parts_of(text)
    corrector = open_corrector(parts.corrector, Choices(threads=1, device=device)) if parts.corrector else None
    if not parts.model:
        return Mitigation(text, corrector)
    return Mitigation(text, corrector, tasks[parts.model], remark_on_classes(own, tasks[parts.model]))


def _made_by(mitigation: Mitigation) -> dict[str, str]:
    corrector, task = mitigation.corrector, mitigation.task
    made = {} if corrector is None else {"corrector": corrector.name, "digest": corrector.digest}
    return made if task is None else made | {"model": task.model_spec, "model_digest": task.model_digest}


def _decoded(outcome: Any) -> Decoded | ItemError:  # noqa: ANN401 (pixels or an error)
    return outcome if isinstance(outcome, ItemError) else Decoded(outcome)


@contextmanager
def _torch_threads_kept() -> Iterator[None]:
    """Keeps torch's number of threads: it is one for the whole process, and the models want their own."""
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    yield
    if torch is not None and before is not None:
        torch.set_num_threads(before)
