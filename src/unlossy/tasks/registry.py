"""From a task's name to its yardstick, and to the task with a model in it; nothing heavy is imported until then."""

from collections.abc import Callable

from unlossy.core.errors import UsageError
from unlossy.tasks.base import Task, Yardstick
from unlossy.tasks.classification import ClassificationTask, ClassificationYardstick
from unlossy.tasks.models.registry import load_classifier

YARDSTICKS: dict[str, Callable[[], Yardstick]] = {"classification": ClassificationYardstick}

LOADERS: dict[str, Callable[[str, int | None], Task]] = {
    "classification": lambda spec, threads: ClassificationTask(load_classifier(spec, threads=threads)),
}


def load_task(task: str, model_spec: str, *, threads: int | None = None) -> Task:
    """The task with the model that a SPEC names; raises UsageError (unknown task or model) and MissingDependency."""
    _check(task)
    return LOADERS[task](model_spec, threads)


def yardstick(task: str) -> Yardstick:
    """How a task is judged, without any model; raises UsageError for an unknown task."""
    _check(task)
    return YARDSTICKS[task]()


def _check(task: str) -> None:
    if task not in YARDSTICKS:
        raise UsageError(f"there is no task {task!r}; there is: {', '.join(YARDSTICKS)}")
