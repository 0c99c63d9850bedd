"""Bytes that cannot be had, as a blob: the error rises when somebody asks, and becomes that item's row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from unlossy.core.errors import ItemError
from unlossy.core.types import Blob, Item


@dataclass(frozen=True, slots=True)
class FailedBlob(Blob):
    """A blob whose every question raises `error_type(message)`."""

    error_type: type[ItemError]
    message: str

    @property
    def size_bytes(self) -> int:
        """Nothing: raises the error."""
        self._fail()

    def read(self, offset: int, size: int) -> bytes:  # noqa: ARG002 (the contract's signature)
        """Nothing: raises the error."""
        self._fail()

    def all(self) -> bytes:
        """Nothing: raises the error."""
        self._fail()

    def _fail(self) -> NoReturn:
        raise self.error_type(self.message)


def failed_blob(error: ItemError) -> FailedBlob:
    """The blob that raises this error again."""
    return FailedBlob(type(error), str(error))


def failed_item(key: str, error: ItemError, groups: Mapping[str, str], container: str | None = None) -> Item:
    """The Item that stands for what could not be opened."""
    return Item(key, failed_blob(error), None, groups, container)
