"""The contract of a dataset: Items in the order of their keys' code points, bytes not yet read."""

from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

from unlossy.core.types import Item


@runtime_checkable
class Dataset(Protocol):
    """An iterable of Items with a length; iterating twice gives the same Items."""

    @property
    def spec(self) -> str:
        """The text that `open_dataset` opens it with."""
        ...

    @property
    def others(self) -> Mapping[str, int]:
        """Files that give no Item, counted by suffix ("" for none); unlisted images under "unlisted image"."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Item]: ...
