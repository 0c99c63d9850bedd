"""One process's scan: the heads of thousands of files are read, walked at once, and made into one Arrow batch.

    plain files      `read_ends`, then `walk_lanes`, `distinct_keys`: what a key implies is remembered, or `Unseen`'s
    what is left     `skim` walks one header; what that refuses, `examine` looks at with care

Loops here run once a file and are written for speed: local names, no objects but the columns' entries.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa

from unlossy.audit.batches import NOTHING, Columns, Rows
from unlossy.audit.distinct import Distinct, distinct_keys
from unlossy.audit.examine import examine, with_extras, with_pixels
from unlossy.audit.memory import HeaderMemory, PlainKey
from unlossy.audit.options import ScanOptions
from unlossy.audit.pixels import measure_all
from unlossy.audit.rows import AuditRow
from unlossy.audit.unseen import Unseen
from unlossy.core.blobs import BytesBlob, Ends, FileBlob, read_ends
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
_DONE_WITH: Final = BytesBlob(b"")
"""Stands for an archive's blob once its row is made."""


class QuickScan:
    """One process's scan; what it has learnt of headers stays with it."""

    def __init__(self, options: ScanOptions) -> None:
        """Nothing learnt yet."""
        self._options, self._memory = options, HeaderMemory()
        self._unseen = Unseen(self._memory)
        self._unpixeled = replace(options, pixels=False)  # pixels are measured for a whole batch, decoding ahead

    def batches(self, items: Iterable[Item]) -> Iterator[pa.RecordBatch]:
        """One row per item, in order."""
        options, rest = self._options, iter(items)
        while len(columns := self.columns(islice(rest, self.most_rows), self.most_rows)):
            yield columns.as_batch(pixels=options.pixels, sha256=options.sha256)

    @property
    def most_rows(self) -> int:
        """Rows of a batch."""
        reads_whole = self._options.deep or self._options.sha256 or self._options.pixels
        return ROWS_READ_WHOLE if reads_whole else ROWS

    def columns(self, items: Iterator[Item], capacity: int) -> Columns:
        """The rows of at most `capacity` items."""
        reads_whole = self._options.deep or self._options.sha256 or self._options.pixels
        return (self._whole_columns if reads_whole else self._quick_columns)(items, capacity)

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
                    yield item.blob, columns.facts(row).format

        if not self._options.pixels:
            deque(readable(), maxlen=0)
            return columns
        for facts in measure_all(readable()):
            row = measured.popleft()
            extra = columns.extras.get(row) or AuditRow(key="", truncated=columns.facts(row).truncated)
            self._note_extra(columns, row, with_pixels(extra, facts))
        return columns

    def _quick_columns(self, items: Iterator[Item], capacity: int) -> Columns:
        """The rows of at most `capacity` items; blobs of archives are done with at once, since they may not last."""
        columns, others = Columns(capacity), list[int]()

        def looked_at(row: int, item: Item) -> Item:
            self._fill(columns, row, item)
            others.append(row)
            return replace(item, blob=_DONE_WITH)

        held = [item if type(item.blob) is FileBlob else looked_at(row, item) for row, item in enumerate(items)]
        columns.add_all(held)
        rows = np.delete(np.arange(len(held)), others)
        of_files = [held[row] for row in rows.tolist()] if others else held
        if of_files:
            files = [item.blob for item in of_files if type(item.blob) is FileBlob]
            self._fill_files(columns, rows, of_files, read_ends(files, HEAD_WINDOW_BYTES, len(_END)))
        return columns

    def _fill_files(self, columns: Columns, rows: Rows, items: Sequence[Item], ends: Ends) -> None:
        """The rows of files: of plain headers by what they imply, of others one by one."""
        walked, size_bytes = walk_lanes(ends.heads), np.array(ends.sizes_bytes, dtype=np.int64)
        if len(ends.which) < len(rows):
            for index in set(range(len(rows))).difference(ends.which):
                columns.fill(int(rows[index]), examine(items[index]).row)  # which meets the error again, and says it
            rows, items = rows[ends.which], [items[index] for index in ends.which]
        columns.size_bytes[rows], columns.width[rows], columns.height[rows] = size_bytes, walked.width, walked.height
        is_whole = np.array([tail == _END for tail in ends.tails], dtype=bool)
        is_plain = is_whole & walked.is_plain & (walked.scan_end <= size_bytes - len(_END))
        lanes = np.flatnonzero(is_plain)
        headers = distinct_keys(ends.heads, walked, lanes)

        def look(index: int) -> None:
            lane = int(lanes[index])
            self._fill(columns, int(rows[lane]), items[lane], ends.heads[lane], headers.keys[headers.of[index]])

        self._fill_plain(columns, rows[lanes], headers, look)
        for lane in np.flatnonzero(~is_plain).tolist():
            self._fill(columns, int(rows[lane]), items[lane], ends.heads[lane])

    def _fill_plain(self, columns: Columns, rows: Rows, headers: Distinct, look: Callable[[int], None]) -> None:
        """The facts of plain headers; `look(index)` fills the row of one by itself."""
        remembered, of = self._memory.by_bytes, headers.of
        facts = [remembered.get(key) for key in headers.keys]
        new = [place for place, one in enumerate(facts) if one is None]
        is_done = np.zeros(len(facts), dtype=bool)
        if new:
            _, first, counts = np.unique(of, return_index=True, return_counts=True)
            keys = [headers.keys[place] for place in new]
            for block in self._unseen.blocks(keys, counts[new].tolist(), lambda place: look(int(first[new[place]]))):
                places = np.array(new)[block.places]
                columns.note_block(rows[first[places]], block.facts)
                is_done[places] = True
            facts = [remembered.get(key) for key in headers.keys]
        is_known = np.array([one is not None for one in facts], dtype=bool)[of]
        columns.note(rows[is_known], [one or NOTHING for one in facts], of[is_known])
        for index in np.flatnonzero(~is_known & ~is_done[of]).tolist():
            look(index)

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
        columns.note_one(row, self._memory.cut(known.facts, truncated))
        if key is not None:
            self._memory.learn(key, known.facts, known.template)
        if self._options.deep or self._options.sha256:
            extra = AuditRow(key=item.key, format="jpeg", truncated=truncated)
            self._note_extra(columns, row, with_extras(extra, blob, self._unpixeled))

    def _note_extra(self, columns: Columns, row: int, extra: AuditRow) -> None:
        """What is known beyond the header; `extra` has those columns, and `truncated` where decoding showed it."""
        columns.extras[row] = extra
        facts = columns.facts(row)
        if extra.truncated is not facts.truncated:
            columns.note_one(row, replace(facts, truncated=extra.truncated))


def _held(item: Item) -> Item:
    """The item with its bytes in memory, so that its file is opened once; as it is where that fails or is too much."""
    try:
        if item.blob.size_bytes <= MAX_HELD_BYTES:
            return replace(item, blob=BytesBlob(item.blob.all()))
    except ItemError:  # `examine` meets it again, and says it in a row
        pass
    return item
