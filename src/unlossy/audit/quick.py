"""One process's scan: the heads of thousands of files are read, walked at once, and made into one Arrow batch.

    plain files      open, read 1 KiB, seek to the last two bytes, read them, close: five system calls, then `lanes`
    what is left     `skim` walks one header; what that refuses, `examine` looks at with care

Loops here run once a file and are written for speed: local names, no objects but the columns' entries.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa

from unlossy.audit.batches import Columns
from unlossy.audit.examine import examine, with_extras, with_pixels
from unlossy.audit.memory import HeaderMemory, PlainKey, plain_keys
from unlossy.audit.options import ScanOptions
from unlossy.audit.pixels import measure_all
from unlossy.audit.rows import AuditRow
from unlossy.audit.templates import Spot, Template, facts_by_template
from unlossy.core.blobs import OPEN_FLAGS, BytesBlob, FileBlob
from unlossy.core.errors import ItemError
from unlossy.core.types import Blob, Item
from unlossy.jpeg.ending import is_truncated
from unlossy.jpeg.lanes import HEAD_WINDOW_BYTES, walk_lanes

ROWS: Final = 4096
"""In a batch; fewer where each takes long, so that progress shows."""
ROWS_READ_WHOLE: Final = 256
MAX_HELD_BYTES: Final = 64 * 2**20
"""Files up to this size are read once where they are read whole."""
_END: Final = b"\xff\xd9"

_Lane = tuple[int, Item, bytes, int, bool]
"""Row, item, first bytes and size of a file, and whether its last two bytes are an end marker."""
_Unseen = tuple[int, PlainKey, Template, Spot]
"""Row and key of a file whose tables were not met before, what it is like, and its tables."""


class QuickScan:
    """One process's scan; what it has learnt of headers stays with it."""

    def __init__(self, options: ScanOptions) -> None:
        """Nothing learnt yet."""
        self._options, self._memory = options, HeaderMemory()
        self._unpixeled = replace(options, pixels=False)  # pixels are measured for a whole batch, decoding ahead

    def batches(self, items: Iterable[Item]) -> Iterator[pa.RecordBatch]:
        """One row per item, in order."""
        options, rest = self._options, iter(items)
        reads_whole = options.deep or options.sha256 or options.pixels
        rows, columns_of = (ROWS_READ_WHOLE, self._whole_columns) if reads_whole else (ROWS, self._columns)
        while len(columns := columns_of(islice(rest, rows), rows)):
            yield columns.as_batch(pixels=options.pixels, sha256=options.sha256)

    def _whole_columns(self, items: Iterator[Item], capacity: int) -> Columns:
        """The rows of at most `capacity` items whose files are read whole."""
        columns, measured = Columns(capacity), deque[int]()

        def readable() -> Iterator[tuple[Blob, str | None]]:
            """Fills in the header's columns of each item; gives what has no error on, to be decoded."""
            for row, item in enumerate(map(_held, items)):
                columns.add(item)
                self._fill(columns, row, item)
                extra = columns.extras.get(row)
                if extra is None or extra.error_kind is None:
                    measured.append(row)
                    yield item.blob, columns.facts[row].format

        if not self._options.pixels:
            deque(readable(), maxlen=0)
            return columns
        for facts in measure_all(readable()):
            row = measured.popleft()
            extra = columns.extras.get(row) or AuditRow(key="", truncated=columns.facts[row].truncated)
            self._note_extra(columns, row, with_pixels(extra, facts))
        return columns

    def _columns(self, items: Iterator[Item], capacity: int) -> Columns:
        """The rows of at most `capacity` items; blobs of archives are done with at once, since they may not last."""
        columns = Columns(capacity)
        lanes: list[_Lane] = []
        add_lane = lanes.append
        add_key, add_groups, add_container = columns.keys.append, columns.groups.append, columns.containers.append
        os_open, os_read, os_seek, os_close, from_end = os.open, os.read, os.lseek, os.close, os.SEEK_END
        flags, head_bytes, end = OPEN_FLAGS, HEAD_WINDOW_BYTES, _END
        for row, item in enumerate(items):
            blob = item.blob
            add_key(item.key)
            add_groups(item.groups)
            add_container(item.container)
            if type(blob) is not FileBlob:
                self._fill(columns, row, item)
                continue
            try:
                file = os_open(blob.location, flags)
                try:
                    head = os_read(file, head_bytes)
                    size_bytes = os_seek(file, -2, from_end) + 2
                    add_lane((row, item, head, size_bytes, os_read(file, 2) == end))
                finally:
                    os_close(file)
            except (OSError, ValueError):  # `examine` meets it again, and says it in a row
                columns.fill(row, examine(item).row)
        if lanes:
            self._fill_lanes(columns, lanes)
        return columns

    def _fill_lanes(self, columns: Columns, lanes: list[_Lane]) -> None:
        """The rows of files whose heads are read."""
        rows, items, heads, sizes, are_ended = zip(*lanes, strict=True)
        walked = walk_lanes(heads)
        place, size_bytes = np.array(rows), np.array(sizes)
        columns.size_bytes[place], columns.width[place], columns.height[place] = size_bytes, walked.width, walked.height
        is_whole = np.array(are_ended) & (walked.scan_end <= size_bytes - 2)
        remembered, facts_of_row = self._memory.by_bytes, columns.facts
        unseen: list[_Unseen] = []
        for row, item, head, key, whole in zip(
            rows, items, heads, plain_keys(heads, walked), is_whole.tolist(), strict=True
        ):
            facts = remembered.get(key)
            if facts is not None and whole:
                facts_of_row[row] = facts
            elif key is not None and whole and (template := self._memory.template(key)) is not None:
                unseen.append((row, key, *template))
            else:
                self._fill(columns, row, item, head, key)
        if unseen:
            self._fill_unseen(columns, unseen)

    def _fill_unseen(self, columns: Columns, unseen: Sequence[_Unseen]) -> None:
        """The rows of files that are like others but for their tables."""
        by_template: dict[int, list[_Unseen]] = {}
        for one in unseen:
            by_template.setdefault(id(one[2]), []).append(one)
        for group in by_template.values():
            all_facts = facts_by_template(group[0][2], [one[3] for one in group])
            for (row, key, _, _), facts in zip(group, all_facts, strict=True):
                columns.facts[row] = facts
                self._memory.learn(key, facts)

    def _fill(
        self, columns: Columns, row: int, item: Item, head: bytes | None = None, key: PlainKey | None = None
    ) -> None:
        """One row, by the quick walk or with care; what the former finds is remembered under `key`."""
        blob = item.blob
        try:
            size_bytes = blob.size_bytes
            head = blob.read(0, HEAD_WINDOW_BYTES) if head is None else head
            known = self._memory.ordinary(head, size_bytes, blob.read) if size_bytes else None
            truncated = known is not None and is_truncated(blob, size_bytes, known.scan_offset)
        except ItemError:
            known, truncated = None, None
        if known is None:
            columns.fill(row, examine(item, self._unpixeled).row)
            return
        columns.size_bytes[row], columns.width[row], columns.height[row] = size_bytes, known.width, known.height
        columns.facts[row] = self._memory.cut(known.facts, truncated)
        if key is not None:
            self._memory.learn(key, known.facts, known.template)
        if self._options.deep or self._options.sha256:
            extra = AuditRow(key=item.key, format="jpeg", truncated=truncated)
            self._note_extra(columns, row, with_extras(extra, blob, self._unpixeled))

    def _note_extra(self, columns: Columns, row: int, extra: AuditRow) -> None:
        """What is known beyond the header; `extra` has those columns, and `truncated` where decoding showed it."""
        columns.extras[row] = extra
        if extra.truncated is not columns.facts[row].truncated:
            columns.facts[row] = replace(columns.facts[row], truncated=extra.truncated)


def _held(item: Item) -> Item:
    """The item with its bytes in memory, so that its file is opened once; as it is where that fails or is too much."""
    try:
        if item.blob.size_bytes <= MAX_HELD_BYTES:
            return replace(item, blob=BytesBlob(item.blob.all()))
    except ItemError:  # `examine` meets it again, and says it in a row
        pass
    return item
