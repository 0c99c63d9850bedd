"""The items of a study with labels in the classes of its model; refused before any work where they do not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unlossy.core.errors import LabelError, UsageError
from unlossy.core.types import Item
from unlossy.datasets.base import Dataset
from unlossy.study.mitigation import Mitigation
from unlossy.tasks.base import Task
from unlossy.tasks.class_folders import LABELS_CSV, FolderClasses, class_folders, contradicted, match_folders
from unlossy.tasks.classification import ClassificationTask


@dataclass(frozen=True, slots=True)
class Labelled:
    """Items as the model of a study is to be judged by, and how their class folders were understood.

    `folders` has the number of each class folder by name and `classes` what they mean; both are empty where the
    classes come from elsewhere.
    """

    items: list[Item]
    spec: str
    folders: Mapping[str, int]
    classes: FolderClasses

    def told(self, made_by: Mapping[str, Any]) -> dict[str, Any]:
        """What made the rows of a study, with what is worth saying of the labels among its remarks."""
        remark = self.classes.remark
        return {**made_by, **({"remarks": [*made_by.get("remarks", ()), remark]} if remark else {})}

    def refuse_other_order(self, mitigations: Sequence[Mitigation]) -> None:
        """Raises UsageError where another model's names give a folder another class than the order gives it here."""
        for task in (mitigation.task for mitigation in mitigations if self.classes.by_order):
            labels = task.classifier.labels if isinstance(task, ClassificationTask) else None
            found = contradicted(self.folders, self.classes, labels) if labels else None
            if found is not None and task is not None:
                folder, its_class = found
                raise UsageError(
                    f"the class folder {folder!r} is class {its_class} to {task.model_spec}, and by the order of the "
                    f"folders class {self.classes.class_of[self.folders[folder]]} to {self.spec}, which does not name "
                    f"its classes. Study each on its own, or give {LABELS_CSV}"
                )


def labelled_for(items: list[Item], dataset: Dataset, task: Task) -> Labelled:
    """The items with the classes of the study's own model.

    Raises:
        UsageError: a label that cannot be an answer of the model, a class folder that may be several of its classes.
    """
    folders = class_folders(dataset) if isinstance(task, ClassificationTask) else {}
    found = Labelled(items, task.model_spec, folders, FolderClasses({}))
    if folders and isinstance(task, ClassificationTask):
        labels = task.classifier.labels
        classes = match_folders(folders, labels, task.classifier.n_classes, task.model_spec)
        found = Labelled([classes.item(item) for item in items], task.model_spec, folders, classes)
    _refuse_misfits(found.items, task)
    return found


def _refuse_misfits(items: Sequence[Item], task: Task) -> None:
    """Raises UsageError on the first label that cannot be an answer of the model."""
    for item in items:
        try:
            task.check_target(item.target)
        except LabelError as error:
            remedy = f", or {LABELS_CSV} with the model's own indices" if task.yardstick.targets == "class" else ""
            raise UsageError(f"{item.key}: {error}. Give a model for these classes{remedy}") from error
