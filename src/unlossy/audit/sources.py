"""One or several sources as one sequence of Items, with keys that stay unique.

one PATH      keys as they are: relative to it
several       each key begins with the PATH's last component: photos/a.jpg, scans/a.jpg; equal ones get -2, -3
              (a file's key is that component itself: a.jpg, or scan.pdf#p1/Im1); a container is a `shard` then
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unlossy.core.errors import UsageError
from unlossy.core.tools import printable
from unlossy.core.types import Item
from unlossy.datasets import open_dataset
from unlossy.datasets.base import Dataset
from unlossy.datasets.tree import TreeDataset


@dataclass(frozen=True, slots=True)
class Sources:
    """The datasets behind the paths of one audit; iterating gives every Item, in the order of the paths.

    `names` are what the keys of each begin with; none for a single path.
    """

    datasets: tuple[Dataset, ...]
    names: tuple[str, ...]

    @property
    def others(self) -> Mapping[str, int]:
        """What gives no row, by suffix or in words, over all paths; complete once the Items have been iterated."""
        return sum((Counter(dataset.others) for dataset in self.datasets), Counter())

    @property
    def n_items(self) -> int | None:
        """How many Items there are; None where only reading a container to its end would tell."""
        counts = [dataset.n_items for dataset in self.datasets]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def __iter__(self) -> Iterator[Item]:
        if not self.names:
            yield from self.datasets[0]
            return
        for dataset, name in zip(self.datasets, self.names, strict=True):
            yield from _renamed(dataset, name)


def _renamed(dataset: Dataset, name: str) -> Iterator[Item]:
    """The dataset's Items with keys that begin with `name`; those of a container have it as their `shard`."""
    own_name, is_shard = (dataset.own_name, dataset.is_bare) if isinstance(dataset, TreeDataset) else ("", False)
    prefix, cut = name if own_name else f"{name}/", len(own_name)
    told: Mapping[str, str] | None = None
    groups: Mapping[str, str] = {}
    for item in dataset:
        if item.groups is not told:  # neighbours share their groups
            told = item.groups
            groups = {**told, "shard": name} if is_shard else told
        yield Item(prefix + item.key[cut:], item.blob, item.target, groups, item.container)


def open_sources(paths: Sequence[str]) -> Sources:
    """The images of one or several sources, each as `open_dataset` takes it; raises UsageError where one holds none."""
    if paths.count("-") > 1:
        raise UsageError("stdin can be read once: give - once")
    datasets = tuple(open_dataset(path, labelled=False) for path in paths)
    return Sources(datasets, () if len(paths) == 1 else tuple(_unique_names(paths)))


def _unique_names(paths: Sequence[str]) -> list[str]:
    """The last component of each path; the second and later equal ones numbered, past names that are taken."""
    last = [_last_component(path) for path in paths]
    taken, names = set(last), list[str]()
    given: set[str] = set()
    for name in last:
        numbered, number = name, 1
        while numbered in given or (number > 1 and numbered in taken):
            number += 1
            numbered = f"{name}-{number}"
        given.add(numbered)
        names.append(numbered)
    return names


def _last_component(path: str) -> str:
    if path == "-":
        return "stdin"
    name = Path(path).name
    return printable(name if name not in ("", "..") else Path(path).resolve().name)
