"""Several folders as one sequence of Items, with keys that stay unique.

one PATH      keys as they are: relative to it
several       each key begins with the PATH's last component: photos/a.jpg, scans/a.jpg; equal ones get -2, -3
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlossy.core.errors import UsageError
from unlossy.core.tools import printable
from unlossy.core.types import Item
from unlossy.datasets import open_dataset
from unlossy.datasets.base import Dataset


@dataclass(frozen=True, slots=True)
class Sources:
    """The datasets behind the paths of one audit; iterating gives every Item, in the order of the paths."""

    datasets: tuple[Dataset, ...]
    prefixes: tuple[str, ...]

    @property
    def others(self) -> Mapping[str, int]:
        """Files that are no images, counted by suffix over all paths."""
        return sum((Counter(dataset.others) for dataset in self.datasets), Counter())

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)

    def __iter__(self) -> Iterator[Item]:
        for dataset, prefix in zip(self.datasets, self.prefixes, strict=True):
            for item in dataset:
                yield replace(item, key=prefix + item.key) if prefix else item


def open_sources(paths: Sequence[str]) -> Sources:
    """The images of one or several folders; raises UsageError for a folder that is missing or holds no image."""
    datasets = tuple(open_dataset(path, labelled=False) for path in paths)
    for path, dataset in zip(paths, datasets, strict=True):
        if not len(dataset):
            raise UsageError(f"there is no image in {path!r}; give a folder of images")
    return Sources(datasets, ("",) if len(paths) == 1 else tuple(f"{name}/" for name in _unique_names(paths)))


def _unique_names(paths: Sequence[str]) -> list[str]:
    """The last component of each path; the second and later equal ones numbered, past names that are taken."""
    last = [
        printable(Path(path).name if Path(path).name not in ("", "..") else Path(path).resolve().name) for path in paths
    ]
    names: list[str] = []
    for name in last:
        numbered, number = name, 1
        while numbered in names or (number > 1 and numbered in last):
            number += 1
            numbered = f"{name}-{number}"
        names.append(numbered)
    return names
