"""From a task's name to its yardstick, and to the task with a model in it; nothing heavy is imported until then.

Adding a task is a module with a yardstick and a task, and one line in `TASKS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from unlossy.core.errors import UsageError
from unlossy.tasks.base import Task, Yardstick
from unlossy.tasks.classification import ClassificationTask, ClassificationYardstick
from unlossy.tasks.detection import DetectionYardstick
from unlossy.tasks.detector import DetectorTask
from unlossy.tasks.instance_segmentation import InstanceSegmentationYardstick
from unlossy.tasks.models.detection.registry import load_detector
from unlossy.tasks.models.registry import load_classifier
from unlossy.tasks.models.segmentation.registry import load_segmenter
from unlossy.tasks.models.text.registry import load_reader
from unlossy.tasks.segmenter import SegmenterTask
from unlossy.tasks.semantic_segmentation import SemanticSegmentationYardstick
from unlossy.tasks.text import TextTask, TextYardstick

Categories = Mapping[int, str]
"""A dataset's category names by id; empty where it has none of its own."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A task: its yardstick, and what makes one of a model SPEC, the dataset's categories, threads and a device."""

    yardstick: Callable[[], Yardstick]
    load: Callable[[str, Categories, int | None, str], Task]


def _classification(spec: str, _categories: Categories, threads: int | None, device: str) -> Task:
    return ClassificationTask(load_classifier(spec, threads=threads, device=device))


def _detection(spec: str, categories: Categories, threads: int | None, device: str) -> Task:
    return DetectorTask(load_detector(spec, threads=threads, device=device), DetectionYardstick(), categories)


def _instances(spec: str, categories: Categories, threads: int | None, device: str) -> Task:
    return DetectorTask(
        load_detector(spec, threads=threads, device=device), InstanceSegmentationYardstick(), categories
    )


def _segmentation(spec: str, categories: Categories, threads: int | None, device: str) -> Task:
    return SegmenterTask(load_segmenter(spec, threads=threads, device=device), categories)


TASKS: dict[str, Registered] = {
    "classification": Registered(ClassificationYardstick, _classification),
    "detection": Registered(DetectionYardstick, _detection),
    "instance_segmentation": Registered(InstanceSegmentationYardstick, _instances),
    "semantic_segmentation": Registered(SemanticSegmentationYardstick, _segmentation),
    "text": Registered(
        TextYardstick, lambda spec, _, threads, device: TextTask(load_reader(spec, threads=threads, device=device))
    ),
}


def load_task(
    task: str,
    model_spec: str,
    *,
    categories: Categories | None = None,
    threads: int | None = None,
    device: str = "cpu",
) -> Task:
    """The task with the model that a SPEC names, answering in the dataset's categories where it has some.

    Raises UsageError (unknown task or model, a model that knows none of the categories, or that does not run on the
    device) and MissingDependency.
    """
    _check(task)
    return TASKS[task].load(model_spec, categories or {}, threads, device)


def yardstick(task: str) -> Yardstick:
    """How a task is judged, without any model; raises UsageError for an unknown task."""
    _check(task)
    return TASKS[task].yardstick()


def spoken_metrics() -> dict[str, str]:
    """What people call each metric of any task."""
    return {metric: name for task in TASKS.values() for metric, name in task.yardstick().spoken.items()}


def _check(task: str) -> None:
    if task not in TASKS:
        raise UsageError(f"there is no task {task!r}; there is: {', '.join(TASKS)}")
