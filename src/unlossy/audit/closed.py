"""The columns whose values are known beforehand: a policy's misspelt one is refused instead of never met."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from PIL import Image

from unlossy.audit.other_formats import FORMATS
from unlossy.core.errors import DecodeError, NoImageError, ReadError, RefusedError, TooLargeError, TruncatedError
from unlossy.datasets.containers.registry import CONTAINERS
from unlossy.jpeg.segments import Process

_ERRORS: Final = (ReadError, DecodeError, TruncatedError, TooLargeError, RefusedError, NoImageError)


@cache
def _formats() -> tuple[str, ...]:
    """Ours first, then those that this Pillow and its plugins know."""
    Image.init()
    return tuple(dict.fromkeys((*FORMATS, *sorted(name.lower() for name in Image.ID))))


_VALUES: Final[Mapping[str, Callable[[], tuple[str, ...]]]] = {
    "format": _formats,
    "process": lambda: tuple(map(str, Process)),
    "error_kind": lambda: tuple(error.kind for error in _ERRORS),
    "container": lambda: tuple(container.name for container in CONTAINERS),
}


def values_of(column: str) -> tuple[str, ...] | None:
    """Every value that a column can have, the usual ones first; None where they cannot be listed."""
    return _VALUES[column]() if column in _VALUES else None
