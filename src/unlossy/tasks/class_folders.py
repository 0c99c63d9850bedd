"""A dataset's class folders beside a classifier's outputs: which of the model's classes a folder's pictures are of.

Folders are numbered in the order of their names, a model's classes in that in which it learnt them. Names decide: any
that a label holds ("tench, Tinca tinca"), or its WordNet id; case, spaces, hyphens and underscores aside.

    every folder is called like a class    those classes, whatever the order
    some are, or none                      those classes; the other folders are unknown. But the order, folder k is
                                           output k, if there are as many folders as classes and no name contradicts it
    the model has no names                 the order

A name that fits two classes, or two folders of one class, are refused where the order does not tell.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from unlossy.core.errors import UsageError
from unlossy.core.tools import printable
from unlossy.core.types import ClassTarget, Item
from unlossy.datasets.base import Dataset
from unlossy.datasets.folder import NumberedLabels
from unlossy.datasets.tree import TreeDataset
from unlossy.tasks.names import joined, listed, plain

LABELS_CSV: Final = "a labels.csv (file,class_index)"
WORDNET_ID: Final = re.compile(r"\(?\b(n\d{8})\b\)?")
EXAMPLES: Final = 3
"""Folders that a remark gives with their classes."""


@dataclass(frozen=True, slots=True)
class FolderClasses:
    """Which class the pictures of each folder are of.

    Attributes:
        class_of: The model's class by the folder's number, without the unknown ones.
        unknown: Names of the folders that are no class of the model.
        by_order: Whether the order of the folders decided, alone or beside names.
        remark: What is worth saying of it; None where every folder has the name of its class, and where the model tells
            neither names nor number, so that there is nothing to compare.
    """

    class_of: Mapping[int, int]
    unknown: tuple[str, ...] = ()
    by_order: bool = False
    remark: str | None = None

    def item(self, item: Item) -> Item:
        """The item with the model's class for its target, none of an unknown folder; as it is in a container.

        What an archive or a table says of its pictures is a class's number already.
        """
        if item.container is not None or item.class_index is None:
            return item
        class_index = self.class_of.get(item.class_index)
        if class_index == item.class_index:
            return item
        return replace(item, target=None if class_index is None else ClassTarget(class_index))


def class_folders(dataset: Dataset) -> Mapping[str, int]:
    """The number of each class folder by its name; empty where the classes come from elsewhere."""
    labels = dataset.label_of if isinstance(dataset, TreeDataset) else None
    return labels.index_of if isinstance(labels, NumberedLabels) else {}


def match_folders(
    folders: Mapping[str, int], labels: Sequence[str] | None, n_classes: int | None, spec: str = "the model"
) -> FolderClasses:
    """The classes of a model, whose `labels` are in the order of its outputs, that folders stand for.

    `folders` has their numbers by name.

    Raises:
        UsageError: a folder's name fits several classes, or several folders have the name of one.
    """
    if not labels:
        found = _by_order(folders, (), n_classes)
        return found if n_classes is not None else replace(found, remark=None)
    called = Labels(labels)
    fits = {name: called.named(name) for name in folders}
    unknown = tuple(printable(name) for name, classes in fits.items() if not classes)
    in_order = all(folders[name] in classes for name, classes in fits.items() if classes)
    if in_order and len(folders) == len(labels):
        return _by_order(folders, unknown, n_classes) if unknown else FolderClasses({k: k for k in folders.values()})
    _refuse_unclear(fits, labels, spec)
    class_of = {folders[name]: classes[0] for name, classes in fits.items() if classes}
    return FolderClasses(class_of, unknown, remark=_told_unknown(unknown, len(folders), spec) if unknown else None)


def contradicted(folders: Mapping[str, int], classes: FolderClasses, labels: Sequence[str]) -> tuple[str, int] | None:
    """A folder whose name is another class by these labels than in `classes`, and that class; None without one."""
    found = Labels(labels)
    for name, number in folders.items():
        named = found.named(name)
        if named and classes.class_of.get(number, named[0]) not in named:
            return printable(name), named[0]
    return None


class Labels:
    """A model's labels, by what they may be called."""

    def __init__(self, labels: Sequence[str]) -> None:
        """In the order of the outputs."""
        self._names = [names_in(label) for label in labels]
        self._by_name: dict[str, list[int]] = {}
        for number, names in enumerate(self._names):
            for name in dict.fromkeys(map(plain, names)):
                self._by_name.setdefault(name, []).append(number)

    def named(self, name: str) -> tuple[int, ...]:
        """The classes of that name: of several those that write it alike, and of these those where it is the first."""
        found = tuple(self._by_name.get(plain(name), ()))
        if len(found) < 2:
            return found
        alike = tuple(k for k in found if joined(name) in map(joined, self._names[k]))
        found = alike or found
        first = tuple(k for k in found if plain(self._names[k][0]) == plain(name))
        return first or found


def names_in(label: str) -> tuple[str, ...]:
    """What a label calls its class, the first name first: each part between commas, the WordNet id, all of it."""
    parts = [part.strip() for part in WORDNET_ID.sub(" ", label).split(",")]
    return tuple(name for name in (*parts, *WORDNET_ID.findall(label), label) if plain(name))


def _by_order(folders: Mapping[str, int], unknown: Sequence[str], n_classes: int | None) -> FolderClasses:
    """Folder k is class k; `unknown` are those that names do not confirm, none where the model has no names."""
    examples = [f"{printable(name)} is class {number}" for name, number in list(folders.items())[:EXAMPLES]]
    more = ", ..." if len(folders) > EXAMPLES else ""
    which, last = "the model's classes", len(folders) - 1
    if n_classes is not None and last + 1 < n_classes:
        which = f"{f'classes 0 to {last}' if last else 'class 0'} of the model's {n_classes}"
    why = "the model does not name its classes"
    if unknown:
        others = "" if len(unknown) == len(folders) else ", while the other names confirm that order"
        why = f"no class of the model is called {listed(unknown)}{others}"
    remark = (
        f"The class folders were taken for {which} in the order of their names ({', '.join(examples)}{more}), because "
        f"{why}. If they are others, give {LABELS_CSV}."
    )
    return FolderClasses({k: k for k in folders.values()}, by_order=True, remark=remark)


def _told_unknown(unknown: Sequence[str], n_folders: int, spec: str) -> str:
    if len(unknown) == n_folders:
        return (
            f"{spec} has no class that is called like a folder ({listed(unknown)}), so the pictures count as "
            f"unlabelled. If the folders are its classes, name them as it does, or give {LABELS_CSV}."
        )
    return (
        f"{spec} does not know {len(unknown)} of the {n_folders} class folders; their pictures count as unlabelled: "
        f"{listed(unknown)}."
    )


def _refuse_unclear(fits: Mapping[str, Sequence[int]], labels: Sequence[str], spec: str) -> None:
    """Raises UsageError on a folder with several classes, and on a class with several folders."""
    folder_of: dict[int, str] = {}
    for name, classes in fits.items():
        if len(classes) > 1:
            several = " and ".join(f"class {k} ({labels[k]!r})" for k in classes)
            raise UsageError(
                f"the class folder {printable(name)!r} may be {several} of {spec}. Say which in {LABELS_CSV}"
            )
        if classes and folder_of.setdefault(classes[0], name) != name:
            both = f"{printable(folder_of[classes[0]])!r} and {printable(name)!r}"
            raise UsageError(
                f"the class folders {both} both have a name of class {classes[0]} ({labels[classes[0]]!r}) of {spec}. "
                f"Put their pictures into one, or say in {LABELS_CSV} what they are"
            )
