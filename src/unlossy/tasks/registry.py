"""From a task's name to its yardstick, and to the task with a model in it; nothing heavy is imported until then.

Adding a task is a module with a yardstick and a task, and one line in each of the two tables.
"""

from collections.abc import Callable, Mapping

from unlossy.core.errors import UsageError
from unlossy.tasks.base import Task, Yardstick
from unlossy.tasks.classification import ClassificationTask, ClassificationYardstick
from unlossy.tasks.models.registry import load_classifier

Categories = Mapping[int, str]
"""A dataset's category names by id; empty where it has none of its own."""

YARDSTICKS: dict[str, Callable[[], Yardstick]] = {
    "classification": ClassificationYardstick,
}

LOADERS: dict[str, Callable[[str, Categories, int | None], Task]] = {
    "classification": lambda spec, _, threads: ClassificationTask(load_classifier(spec, threads=threads)),
}
"""Called with a model SPEC, the dataset's categories, and threads."""


def load_task(task: str, model_spec: str, *, categories: Categories | None = None, threads: int | None = None) -> Task:
    """The task with the model that a SPEC names, answering in the dataset's categories where it has some.

    Raises UsageError (unknown task or model, a model that knows none of the categories) and MissingDependency.
    """
    _check(task)
    return LOADERS[task](model_spec, categories or {}, threads)


def yardstick(task: str) -> Yardstick:
    """How a task is judged, without any model; raises UsageError for an unknown task."""
    _check(task)
    return YARDSTICKS[task]()


def spoken_metrics() -> dict[str, str]:
    """What people call each metric of any task."""
    return {metric: name for make in YARDSTICKS.values() for metric, name in make().spoken.items()}


def _check(task: str) -> None:
    if task not in YARDSTICKS:
        raise UsageError(f"there is no task {task!r}; there is: {', '.join(YARDSTICKS)}")
