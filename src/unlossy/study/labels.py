"""The items of a study with labels in the classes of its model; refused before any work where they do not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unlossy.core.errors import LabelError, UsageError
from unlossy.core.types import Item
from unlossy.datasets.base import Dataset
from unlossy.study.mitigation import Mitigation
from unlossy.tasks.base import Task
from unlossy.tasks.class_folders import LABELS_CSV, FolderClasses, class_folders, contradicted, match_folders
from unlossy.tasks.classification import ClassificationTask
from unlossy.tasks.told_classes import ToldClasses, contradicted_number, match_told, told_names


@dataclass(frozen=True, slots=True)
class Labelled:
    """Items as the model of a study is to be judged by, and how the names of their classes were understood.

    `folders` has the number of each class folder by name and `classes` what they mean; both are empty where the
    classes come from elsewhere. `told` and `told_classes` are the same for the names that containers tell.
    """

    items: list[Item]
    spec: str
    folders: Mapping[str, int]
    classes: FolderClasses
    told: Mapping[str, int | None] = field(default_factory=dict)
    told_classes: ToldClasses = field(default_factory=lambda: ToldClasses({}))

    def explained(self, made_by: Mapping[str, Any]) -> dict[str, Any]:
        """What made the rows of a study, with what is worth saying of the labels among its remarks."""
        said = [remark for remark in (self.classes.remark, self.told_classes.remark) if remark]
        return {**made_by, **({"remarks": [*made_by.get("remarks", ()), *said]} if said else {})}

    def refuse_other_order(self, mitigations: Sequence[Mitigation]) -> None:
        """Raises UsageError where another model's names give a folder another class than the order gives it here.

        And where they give a name another class than the number that stands beside it and was taken here.
        """
        for task in (mitigation.task for mitigation in mitigations):
            labels = task.classifier.labels if isinstance(task, ClassificationTask) else None
            by_number = contradicted_number(self.told, labels) if labels and not self.told_classes.class_of else None
            if by_number is not None and task is not None:
                name, number, its_class = by_number
                raise UsageError(
                    f"the class {name!r} is class {its_class} to {task.model_spec}, and by its number {number} to "
                    f"{self.spec}, which does not name its classes. Study each on its own"
                )
            found = contradicted(self.folders, self.classes, labels) if labels and self.classes.by_order else None
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
        UsageError: a label that cannot be an answer of the model, a name that may be several of its classes.
    """
    found = Labelled(items, task.model_spec, {}, FolderClasses({}))
    if isinstance(task, ClassificationTask):
        labels, folders, told = task.classifier.labels, class_folders(dataset), told_names(items)
        classes = FolderClasses({})
        if folders:
            classes = match_folders(folders, labels, task.classifier.n_classes, task.model_spec)
            items = [classes.item(item) for item in items]
        told_classes = match_told(told, labels, task.model_spec)
        items = [told_classes.item(item) for item in items]
        found = Labelled(items, task.model_spec, folders, classes, told, told_classes)
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
