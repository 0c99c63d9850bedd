"""A folder of images: class folders as ImageFolder numbers them, or a `labels.csv` that says the classes itself.

photos/cat/1.jpg, photos/dog/2.jpg        class 0 = cat, 1 = dog (sorted names), as torchvision's ImageFolder
photos/train/cat/1.jpg, photos/val/...    train, Val, test ... are splits, not classes; beside other folders too, where
                                          there are two of them with class folders (else `train` is a class, as `bus`)
photos/1.jpg, photos/2.jpg                no labels
photos/labels.csv (file,class_index)      defines the Items and their classes; wins over folder names, because a
                                          subset of ImageNet's classes must keep its indices
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unlossy.core.blobs import FileBlob
from unlossy.core.errors import UsageError
from unlossy.core.paths import is_file
from unlossy.core.tools import printable
from unlossy.core.types import ClassTarget
from unlossy.datasets.containers.base import Container
from unlossy.datasets.labels import read_labels
from unlossy.datasets.magic import suffix_of
from unlossy.datasets.naming import is_split
from unlossy.datasets.tree import Label, Special, TreeDataset, in_key_order
from unlossy.datasets.walk import Found, walk

UNLISTED = "unlisted image"


class FolderDataset(TreeDataset):
    """Items of a folder; a key is the path relative to the folder, with `/`."""

    @classmethod
    def open(
        cls, root: Path, *, labelled: bool = True, containers: bool = False, follow_links: bool = True
    ) -> "FolderDataset":
        """The dataset of a folder; raises UsageError where it holds no image.

        With `containers` the images in archives, tables and PDFs are Items too (but where labels.csv says what is one);
        without, those are other files. Without `follow_links` a link to a file outside of the folder is an Item whose
        reading is refused.
        """
        found = walk(str(root), follow_links=follow_links)
        is_listed = labelled and is_file(root / "labels.csv")
        if is_listed or not containers:
            _leave_containers(found)
        labels: Mapping[str, int] | None = None
        if is_listed:
            labels = read_labels(root / "labels.csv")
            _keep_listed(found, labels)
        if not found.names:
            raise UsageError(f"there is no image in {str(root)!r} ({sum(found.others.values())} other files)")
        label_of = numbered_labels(found) if labels is None else ListedLabels(labels)
        return cls(str(root), in_key_order(found.names), LocalFiles(str(root)), label_of, found.special, found.others)


def _leave_containers(found: Found) -> None:
    """Counts the containers by suffix."""
    containers = {name for name, one in found.special.items() if isinstance(one, Container)}
    found.others.update(suffix_of(name) for name in containers)
    found.names = [name for name in found.names if name not in containers]
    for name in containers:
        del found.special[name]


def _keep_listed(found: Found, labels: Mapping[str, int]) -> None:
    """Leaves the names of labels.csv, there or not (reading a missing one is its error), and counts the unlisted."""
    unlisted = len(set(found.names) - set(labels))
    found.others.update({UNLISTED: unlisted} if unlisted else {})
    kept: dict[str, Special] = {name: one for name, one in found.special.items() if name in labels}
    found.names, found.special = list(labels), kept


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """Blobs of the files under a folder."""

    root: str

    def __call__(self, name: str) -> FileBlob:
        """The file's bytes."""
        return FileBlob(f"{self.root}/{name}")


@dataclass(frozen=True, slots=True)
class NumberedLabels:
    """The class is the number of the class folder, which lies in one of the `splits` where there are any; else none."""

    index_of: Mapping[str, int]
    splits: frozenset[str]
    _known: dict[str, Label] = field(default_factory=dict)

    def __call__(self, name: str) -> Label:
        """Target and groups of a file, worked out once for each folder."""
        folder = name.rpartition("/")[0]
        label = self._known.get(folder)
        if label is None:
            label = self._known[folder] = self._label(folder)
        return label

    def _label(self, folder: str) -> Label:
        parts = folder.split("/") if folder else []
        depth = 1 if self.splits else 0
        groups = {"folder": printable(folder)}
        target = None
        if len(parts) > depth:
            groups["class"] = printable(parts[depth])
            index = self.index_of.get(parts[depth])
            target = None if index is None else ClassTarget(index)
        return Label(target, groups | {"split": parts[0]} if parts and parts[0] in self.splits else groups)


def numbered_labels(found: Found) -> NumberedLabels:
    """The class folders, by sorted name, of all plain images found."""
    folders = {name.rpartition("/")[0] for name in found.names if name not in found.special}
    splits = _splits({name.split("/")[0] for name in found.names if "/" in name}, folders)
    if splits:
        classes = {folder.split("/")[1] for folder in folders if "/" in folder and folder.split("/")[0] in splits}
    else:
        classes = {folder.split("/")[0] for folder in folders if folder}
    return NumberedLabels({name: index for index, name in enumerate(sorted(classes))}, splits)


def _splits(tops: set[str], folders: set[str]) -> frozenset[str]:
    """The top folders that are splits; none where they may be classes."""
    splits = frozenset(filter(is_split, tops))
    has_classes = any("/" in folder and folder.split("/")[0] in splits for folder in folders)
    return splits if splits == tops or (len(splits) > 1 and has_classes) else frozenset()


@dataclass(frozen=True, slots=True)
class ListedLabels:
    """The class is what labels.csv says."""

    index_of: Mapping[str, int]

    def __call__(self, name: str) -> Label:
        """Target and groups of a listed file: its class is named by its folder, where it has one."""
        folder, index = name.rpartition("/")[0], self.index_of[name]
        class_name = folder.rpartition("/")[2] or str(index)
        return Label(ClassTarget(index), {"folder": printable(folder), "class": printable(class_name)})
