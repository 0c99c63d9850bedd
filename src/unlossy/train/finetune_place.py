"""The labelled pictures of one place, for a fine-tuning: in the model's own classes, unless its last layer is new."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from unlossy.core.errors import UsageError
from unlossy.core.types import Item
from unlossy.datasets import open_dataset
from unlossy.tasks.class_folders import FolderClasses, class_folders, match_folders
from unlossy.tasks.models.saving import SavableModel
from unlossy.tasks.names import listed
from unlossy.tasks.told_classes import ToldClasses, match_told, told_names
from unlossy.train.finetune_data import class_of

NEW_HEAD: Final = "Give --new-head for a last layer of your own classes"
REMEDY: Final = f"{NEW_HEAD}, or a labels.csv (file,class_index) with the model's indices"


@dataclass(frozen=True, slots=True)
class Place:
    """The pictures of one text, the numbers of their class folders by name, and how these were understood.

    `told` is how the names were understood that containers tell.
    """

    where: str
    items: list[Item]
    folders: Mapping[str, int]
    classes: FolderClasses | None = None
    told: ToldClasses | None = None

    @property
    def names(self) -> list[str]:
        """The class folder's name by class index, or "class 3" where there is none or several."""
        found: dict[int, set[str]] = {}
        for item in self.items:
            if item.class_index is not None:
                found.setdefault(item.class_index, set()).add(item.groups.get("class", ""))
        names = []
        for index in range(max(found, default=-1) + 1):
            given = found.get(index, set()) - {""}
            names.append(given.pop() if len(given) == 1 else f"class {index}")
        return names if len(set(names)) == len(names) else [f"class {index}" for index in range(len(names))]

    @property
    def by_name(self) -> bool:
        """Whether the names of the folders are those of the model's classes."""
        return self.classes is not None and not self.classes.by_order

    @property
    def remark(self) -> str | None:
        """What is worth saying of the names of the classes."""
        said = [found.remark for found in (self.classes, self.told) if found is not None and found.remark]
        return f"{self.where}: {' '.join(said)}" if said else None

    def in_classes_of(self, model: SavableModel) -> "Place":
        """The pictures with the model's own classes; raises UsageError where what names them names none of these."""
        told = match_told(told_names(self.items), model.labels, model.classifier.spec)
        if None in told.class_of.values():
            raise UsageError(f"{self.where}: {told.remark} {NEW_HEAD}, or name them there as the model does")
        place = replace(self, items=[told.item(item) for item in self.items], told=told)
        if not self.folders:
            return place
        classes = match_folders(self.folders, model.labels, model.n_classes, model.classifier.spec)
        if classes.unknown:
            raise UsageError(
                f"{self.where} has {len(self.folders)} class folders, of which {model.classifier.spec} does not know "
                f"{listed(classes.unknown)}. {REMEDY}, or name the folders as the model does"
            )
        return replace(place, items=[classes.item(item) for item in place.items], classes=classes)


def read_place(where: str) -> Place:
    """The pictures that a text names, with the numbers of their folders for classes; raises UsageError."""
    dataset = open_dataset(where)
    return Place(where, list(dataset), class_folders(dataset))


def refuse_other_count(place: Place, model: SavableModel) -> None:
    """Raises UsageError where folders are numbered 0, 1, 2, ... and are not as many as the model's classes."""
    folder = Path(place.where)
    numbered = folder.is_dir() and not (folder / "labels.csv").is_file()
    n_folders = len({class_of(item) for item in place.items})
    if (numbered or place.folders) and not place.by_name and n_folders != model.n_classes:
        raise UsageError(
            f"{place.where} has {n_folders} class folders, the model {model.n_classes} classes: which is which? "
            f"{REMEDY}"
        )


def refuse_other_names(training: Place, validation: Place) -> None:
    """Raises UsageError where a class has other names in both, unless the model confirms them all."""
    if training.by_name and validation.by_name:
        return
    differing = [(a, b) for a, b in zip(training.names, validation.names, strict=False) if a != b]
    if differing:
        raise UsageError(
            f"class folders differ: {differing[0][0]!r} in {training.where} has the number of {differing[0][1]!r} in "
            f"{validation.where}. Give both the same folders, or a labels.csv each"
        )
