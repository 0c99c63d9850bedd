"""The contract of a dataset: Items in a stable order, bytes not yet read.

Files come by the code points of their keys; a container's images stand where the container does, in its own order.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from unlossy.core.types import Item


@runtime_checkable
class Dataset(Protocol):
    """An iterable of Items; iterating twice gives the same Items."""

    @property
    def spec(self) -> str:
        """The text that `open_dataset` opens it with."""
        ...

    @property
    def n_items(self) -> int | None:
        """How many Items there are; None where only reading a container to its end would tell."""
        ...

    @property
    def others(self) -> Mapping[str, int]:
        """What gives no Item, counted by suffix ("" for none) or in words ("unlisted image", "link in an archive").

        What containers hold is counted while they are read: complete once the Items have been iterated.
        """
        ...

    def __iter__(self) -> Iterator[Item]: ...


@runtime_checkable
class Categorised(Protocol):
    """A dataset whose targets name categories by the dataset's own ids."""

    @property
    def categories(self) -> Mapping[int, str]:
        """Names by id."""
        ...


def categories_of(dataset: Dataset) -> Mapping[int, str]:
    """The names of a dataset's categories by id; empty where it has none of its own."""
    return dataset.categories if isinstance(dataset, Categorised) else {}


@dataclass(frozen=True, slots=True)
class Untargeted:
    """A dataset without its targets: labels of another kind than the task's are none."""

    dataset: Dataset

    @property
    def spec(self) -> str:
        """The dataset's."""
        return self.dataset.spec

    @property
    def n_items(self) -> int | None:
        """The dataset's."""
        return self.dataset.n_items

    @property
    def others(self) -> Mapping[str, int]:
        """The dataset's."""
        return self.dataset.others

    def __iter__(self) -> Iterator[Item]:
        return (replace(item, target=None) for item in self.dataset)
