"""A folder of images: class folders as ImageFolder numbers them, or a `labels.csv` that says the classes itself.

photos/cat/1.jpg, photos/dog/2.jpg        class 0 = cat, 1 = dog (sorted names), as torchvision's ImageFolder
photos/train/cat/1.jpg, photos/val/...    train, val, test ... are splits, not classes
photos/1.jpg, photos/2.jpg                no labels
photos/labels.csv (file,class_index)      defines the Items and their classes; wins over folder names, because a
                                          subset of ImageNet's classes must keep its indices
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from unlossy.core.blobs import FileBlob
from unlossy.core.errors import UsageError
from unlossy.core.tools import printable
from unlossy.core.types import ClassTarget, Item
from unlossy.datasets.labels import read_labels
from unlossy.datasets.magic import is_image

SPLIT_NAMES = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
UNLISTED = "unlisted image"


@dataclass(frozen=True)
class FolderDataset:
    """Items of a folder in key order; a key is the path relative to the folder, with `/`."""

    spec: str
    items: tuple[Item, ...]
    others: Mapping[str, int]

    @classmethod
    def open(cls, root: Path, *, labelled: bool = True) -> "FolderDataset":
        """The dataset of a folder; raises UsageError where it holds no image."""
        images, others = _walk(root)
        if labelled and (root / "labels.csv").is_file():
            items, unlisted = _listed_items(root, images)
            others |= {UNLISTED: unlisted} if unlisted else {}
        else:
            items = _numbered_items(root, images)
        if not items:
            raise UsageError(f"there is no image in {str(root)!r} ({sum(others.values())} other files)")
        return cls(str(root), tuple(sorted(items, key=lambda item: item.key)), others)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)


def _walk(root: Path) -> tuple[list[str], Counter[str]]:
    """Relative paths of the image files, and the other files counted by suffix; links to folders are not followed."""
    images, others = [], Counter[str]()
    for folder, _, names in os.walk(root, onerror=_refuse):
        for name in names:
            path = Path(folder) / name
            if _is_regular(path) and is_image(path):
                images.append(path.relative_to(root).as_posix())
            else:
                others[path.suffix.lower()] += 1
    return images, others


def _is_regular(path: Path) -> bool:
    """True for a file, and for a link to a file that is gone: reading it will say so in a row."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def _refuse(error: OSError) -> None:
    raise UsageError(f"cannot list the folder {error.filename!r}: {error.strerror}")


def _numbered_items(root: Path, images: list[str]) -> list[Item]:
    """Items whose class is the number of their class folder, in sorted order; none for files in the root."""
    tops = {path.split("/")[0] for path in images if "/" in path}
    has_splits = bool(tops) and tops <= SPLIT_NAMES
    depth = 1 if has_splits else 0
    classes = {parts[depth] for parts in (path.split("/") for path in images) if len(parts) > depth + 1}
    index_of = {name: index for index, name in enumerate(sorted(classes))}
    items = []
    for path in images:
        parts = path.split("/")
        name = parts[depth] if len(parts) > depth + 1 else None
        split = parts[0] if has_splits and len(parts) > 1 else None
        target = None if name is None else ClassTarget(index_of[name])
        items.append(_item(root, path, target, name, split))
    return items


def _listed_items(root: Path, images: list[str]) -> tuple[list[Item], int]:
    """One Item per line of labels.csv, there or not (reading a missing one is its error), and the unlisted images."""
    labels = read_labels(root / "labels.csv")
    items = []
    for path, class_index in labels.items():
        folder = path.split("/")[-2] if "/" in path else None
        items.append(_item(root, path, ClassTarget(class_index), folder or str(class_index), None))
    return items, len(set(images) - set(labels))


def _item(root: Path, path: str, target: ClassTarget | None, class_name: str | None, split: str | None) -> Item:
    groups = {"folder": printable(path.rpartition("/")[0])}
    if class_name is not None:
        groups["class"] = printable(class_name)
    if split is not None:
        groups["split"] = split
    return Item(printable(path), FileBlob(root / path), target, groups)
