"""Whether the pictures are those that a RUN was begun with; keys and targets alone stay when a file is overwritten.

    sizes     of every item that has rows, against those in its rows; no byte is read, and nothing asked of a network
    samples   digests of the first MiB of at most 16 items, for pictures that are replaced by others of equal size

Times of change tell nothing: a folder that was copied holds the same pictures.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from unlossy.core.errors import ItemError, UsageError
from unlossy.core.types import Blob, Item
from unlossy.datasets.remote import RemoteBlob

N_SAMPLES: Final = 16
SAMPLE_BYTES: Final = 1 << 20


def samples_of(items: Sequence[Item]) -> dict[str, str]:
    """SHA-256 of the beginnings of evenly spread items, by key; without remote ones and those that cannot be read."""
    found = {}
    near = [item for item in items if not isinstance(item.blob, RemoteBlob)]
    n_samples = min(N_SAMPLES, len(near))
    for item in (near[number * len(near) // n_samples] for number in range(n_samples)):
        with suppress(ItemError):
            found[item.key] = hashlib.sha256(item.blob.read(0, SAMPLE_BYTES)).hexdigest()
    return found


def refuse_resized(run: Path, items: Sequence[Item], sizes_bytes: Mapping[int, int]) -> None:
    """Raises UsageError where an item's size is not that in its rows, by index; one that cannot be read now passes."""
    for index, size_bytes in sizes_bytes.items():
        item = items[index]
        now = None if isinstance(item.blob, RemoteBlob) else _other_size(item.blob, size_bytes)
        if now is not None:
            raise UsageError(
                f"{str(run)!r} was begun with other pictures ({item.key} had {size_bytes} bytes, has {now}). "
                "Give another -o, or remove that folder"
            )


def _other_size(blob: Blob, size_bytes: int) -> int | None:
    """The blob's size where it is another; what its file system or archive claims is not believed before it is read."""
    try:
        now = size_bytes if blob.size_bytes == size_bytes else len(blob.all())
    except ItemError:
        return None
    return None if now == size_bytes else now
