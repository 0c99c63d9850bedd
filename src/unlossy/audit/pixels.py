"""Pixel evidence: blockiness, its grid's offset and clipped samples of each file, as an audit's rows hold them."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from unlossy.audit.luma import Plane, decode_luma
from unlossy.core.errors import ItemError, TooLargeError
from unlossy.core.types import Blob
from unlossy.metrics.blockiness import measure_blockiness

MAX_FILE_BYTES: Final = 512 * 2**20
BATCH_FILES: Final = 16
BATCH_BYTES: Final = 2**19


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """What an audit's row says of the pixels.

    Attributes:
        blockiness: The blocking effect factor of Yim and Bovik, 0 or more, in squared grey levels; None for pictures
            too small to have neighbours on the grid and off it.
        grid_offset: Column and row (0..7) where blocks begin; None where the pixels show no grid.
        clipped_share: Share (0..1) of luma samples that are 0 or 255.
    """

    blockiness: float | None = None
    grid_offset: tuple[int, int] | None = None
    clipped_share: float | None = None


def measure(blob: Blob, format: str | None) -> PixelFacts:  # noqa: A002 (the column's name)
    """The pixel facts of one file.

    Args:
        blob: The file; it is read whole.
        format: As the row's column says it; HEIF and JPEG XL need an optional package.

    Raises:
        ReadError: from the blob.
        DecodeError: no image, a damaged one, or a format that no decoder here reads.
        TruncatedError: it ends early.
        TooLargeError: the header claims over 500 megapixels, or the file is over 512 MiB, and nothing was allocated;
            or memory did not suffice.
    """
    return _facts(decode_luma(_whole(blob), format))


def measure_all(blobs: Iterable[tuple[Blob, str | None]]) -> Iterator[PixelFacts | ItemError]:
    """The pixel facts of each blob (given with its format) in order, or the error that `measure` raises for it.

    A second thread decodes a batch ahead while this one reads and measures: libjpeg-turbo and Pillow leave the
    interpreter's lock alone for a whole picture. Blobs are read by the caller's thread, since those of archives need
    not be safe for threads. At most two batches are in memory, each of 16 files or 512 KiB of them.
    """
    ahead: Future[list[Plane | ItemError]] | None = None
    with ThreadPoolExecutor(1, "unlossy-decode") as decoder:
        for batch in _batches(blobs):
            decoding = decoder.submit(_decode_batch, batch)
            if ahead is not None:
                yield from map(_facts_or_error, ahead.result())
            ahead = decoding
        if ahead is not None:
            yield from map(_facts_or_error, ahead.result())


_Read = tuple[bytes | ItemError, str | None]


def _batches(blobs: Iterable[tuple[Blob, str | None]]) -> Iterator[list[_Read]]:
    """The files' bytes (or what reading raised) and formats, in batches."""
    batch: list[_Read] = []
    left_bytes = BATCH_BYTES
    for blob, format_ in blobs:
        try:
            data = _whole(blob)
            batch.append((data, format_))
            left_bytes -= len(data)
        except ItemError as error:
            batch.append((error, format_))
        if len(batch) == BATCH_FILES or left_bytes <= 0:
            yield batch
            batch, left_bytes = [], BATCH_BYTES
    if batch:
        yield batch


def _whole(blob: Blob) -> bytes:
    """All bytes; raises ReadError, and TooLargeError before reading more than `MAX_FILE_BYTES`."""
    if blob.size_bytes > MAX_FILE_BYTES:
        limit = f"files of over {MAX_FILE_BYTES >> 20} MiB are not decoded"
        raise TooLargeError(f"the file has {blob.size_bytes >> 20} MiB; {limit}")
    return blob.all()


def _decode_batch(batch: list[_Read]) -> list[Plane | ItemError]:
    return [_luma_or_error(data, format_) for data, format_ in batch]


def _luma_or_error(data: bytes | ItemError, format_: str | None) -> Plane | ItemError:
    if isinstance(data, ItemError):
        return data
    try:
        return decode_luma(data, format_)
    except ItemError as error:
        return error


def _facts_or_error(plane: Plane | ItemError) -> PixelFacts | ItemError:
    return plane if isinstance(plane, ItemError) else _facts(plane)


def _facts(plane: Plane) -> PixelFacts:
    found = measure_blockiness(plane)
    return PixelFacts(found.blockiness, found.grid_offset, found.clipped_share)
