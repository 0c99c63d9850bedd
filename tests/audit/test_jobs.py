"""Several processes: the same rows in the same order, and a death that costs one row."""

import os
import signal

import pyarrow as pa
import pytest

from tests.jpeg.streams import encoded
from unlossy.audit import jobs
from unlossy.audit.scan import ScanOptions, scan_batches
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import RunError, UsageError
from unlossy.core.types import Item

JPEGS = [encoded(quality=quality) for quality in (20, 50, 90)]


class Deadly(BytesBlob):
    """Bytes that kill whoever reads them, but for the process that made them."""

    maker = os.getpid()

    def read(self, offset: int, size: int) -> bytes:
        if os.getpid() != self.maker:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(offset, size)


class Streamed:
    """Items that have no length, and a count that is made on the way."""

    def __init__(self, n: int, deadly: tuple[int, ...] = ()) -> None:
        self.n, self.deadly, self.others = n, deadly, {}

    def __iter__(self):
        self.others = {".txt": self.n}
        for index in range(self.n):
            kind = Deadly if index in self.deadly else BytesBlob
            yield Item(f"{index}.jpg", kind(JPEGS[index % 3]), groups={"class": str(index % 5)})


def table(items, others=None, **options) -> pa.Table:
    return pa.Table.from_batches(scan_batches(items, ScanOptions(**options), others))


@pytest.mark.parametrize("options", [{}, {"deep": True, "sha256": True}], ids=["headers", "whole"])
@pytest.mark.parametrize("n", [1, 64, 200])
def test_rows_are_those_of_one_process_in_the_same_order(monkeypatch, n, options):
    monkeypatch.setattr(jobs, "ROWS", 32)
    one, several = {}, {}
    items = Streamed(n)
    assert table(items, several, jobs=3, **options).equals(table(items, one, **options))
    assert several == one == {".txt": n}
    assert table(list(items), jobs=2, **options).equals(table(items, **options))


def test_an_item_that_kills_its_process_is_one_row_with_an_error(monkeypatch):
    monkeypatch.setattr(jobs, "ROWS", 16)
    got = table(Streamed(100, deadly=(3, 17, 18)), jobs=2)
    whole = table(Streamed(100))
    assert got["key"].equals(whole["key"])
    rows = got.to_pylist()
    failed = [index for index, row in enumerate(rows) if row["error_kind"] is not None]
    assert failed == [3, 17, 18]
    assert "SIGKILL" in rows[3]["error_message"]
    assert rows[3]["groups"] == [("class", "3")]
    others = [index for index in range(100) if index not in failed]
    assert got.take(others).equals(whole.take(others))


def test_processes_that_keep_dying_end_the_run(monkeypatch):
    monkeypatch.setattr(jobs, "ROWS", 4)
    monkeypatch.setattr(jobs, "MAX_DEATHS", 3)
    with pytest.raises(RunError, match="worker processes died"):
        table(Streamed(50, deadly=tuple(range(50))), jobs=2)


def test_an_iterator_is_scanned_by_one_process():
    assert table(iter(Streamed(9)), jobs=2).equals(table(Streamed(9)))


def test_a_reader_that_stops_early_leaves_no_process(monkeypatch):
    monkeypatch.setattr(jobs, "ROWS", 4)
    batches = scan_batches(Streamed(5000), ScanOptions(jobs=2))
    next(batches)
    batches.close()
    assert not [child for child in jobs.multiprocessing.active_children() if child.is_alive()]


def test_no_process_is_none():
    with pytest.raises(UsageError, match="--jobs"):
        ScanOptions(jobs=0)
