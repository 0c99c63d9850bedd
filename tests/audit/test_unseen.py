"""Thousands of headers at once give what each gives alone: distinct keys, blocks of facts, ends of files."""

import os
import threading

import numpy as np
import pyarrow as pa
import pytest

from tests.audit.test_quick import ALIKE, SEEDS, assert_equal
from tests.jpeg.streams import encoded
from unlossy.audit import distinct, unseen
from unlossy.audit.compact import Compact
from unlossy.audit.distinct import distinct_keys
from unlossy.audit.memory import plain_keys
from unlossy.audit.quick import QuickScan
from unlossy.audit.scan import ScanOptions, scan_batches
from unlossy.audit.schema import schema
from unlossy.core.blobs import FileBlob, read_ends
from unlossy.core.types import Item
from unlossy.jpeg.lanes import walk_lanes

DQT = b"\xff\xdb\0\x43"


def disturbed(data: bytes, noise: np.random.Generator) -> bytes:
    """The file with other entries in its 8-bit tables, one a segment: from IJG's and flat ones to nearly anybody's."""
    made, at = bytearray(data), data.find(DQT)
    while 0 <= at < 300:
        entries = np.frombuffer(data[at + 5 : at + 69], np.uint8).astype(int)
        entries = [
            np.clip(entries + noise.integers(-2, 3, 64), 1, 255),
            noise.integers(0, 256, 64),
            np.sort(noise.integers(1, 20, 64)),
            np.full(64, noise.integers(1, 256)),
        ][noise.integers(0, 4)]
        made[at + 5 : at + 69] = entries.astype(np.uint8).tobytes()
        at = data.find(DQT, at + 69)
    return bytes(made)


def own_tables(n: int) -> list[bytes]:
    noise = np.random.default_rng(4)
    kinds = [
        encoded(quality=50),
        encoded(quality=50, optimize=True),
        encoded(mode="L"),
        encoded(progressive=True, subsampling="4:4:4"),
        encoded(mode="CMYK"),
    ]
    return [disturbed(kinds[index % len(kinds)], noise) for index in range(n)]


def files(folder, contents) -> list[Item]:
    items = []
    for index, data in enumerate(contents):
        (folder / f"{index}").write_bytes(data)
        items.append(Item(f"{index}", FileBlob(str(folder / f"{index}"))))
    return items


def test_files_with_tables_of_their_own_have_the_careful_rows(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(unseen, "facts_of_tables", lambda *a, f=unseen.facts_of_tables: made.append(len(a[1])) or f(*a))
    scan, contents = QuickScan(ScanOptions()), own_tables(150)
    items = files(tmp_path, [*contents, *contents[:9], *SEEDS])
    assert_equal(items, scan=scan)
    assert sum(made) > 80  # CMYK has no templates, and nine came twice
    del made[:]
    assert_equal(items, scan=scan)  # all came by before: remembered now
    assert_equal(items, scan=scan)
    assert made == []


@pytest.mark.parametrize("contents", [[], [b"", b"x"], [b"no picture", b"\xff\xd8\xff\xd9"]])
def test_where_no_header_is_plain_nothing_is_lost(tmp_path, contents):
    assert_equal([*files(tmp_path, contents), Item("gone", FileBlob(str(tmp_path / "gone")))])


@pytest.mark.parametrize("least", [1, 3])
def test_headers_that_differ_in_one_thing_are_kept_apart_by_numpy_too(tmp_path, monkeypatch, least):
    monkeypatch.setattr(distinct, "MIN_ALIKE", least)
    monkeypatch.setattr(unseen, "MIN_ALIKE", least)
    contents = [*ALIKE, *own_tables(40), *ALIKE[::-1]]
    assert_equal(files(tmp_path, contents))


@pytest.mark.parametrize("least", [1, 4, 10**6])
def test_distinct_keys_are_the_keys(monkeypatch, least):
    monkeypatch.setattr(distinct, "MIN_ALIKE", least)
    heads = [data[:1024] for data in [*ALIKE, *own_tables(60), *ALIKE]]
    lanes = walk_lanes(heads)
    chosen = np.flatnonzero(lanes.is_plain)
    found = distinct_keys(heads, lanes, chosen)
    assert [found.keys[place] for place in found.of] == [key for key in plain_keys(heads, lanes) if key is not None]
    assert len(set(found.keys)) == len(found.keys)


def test_equal_sums_of_different_keys_are_told_apart(monkeypatch):
    monkeypatch.setattr(distinct, "_FACTORS", np.zeros_like(distinct._FACTORS))
    test_distinct_keys_are_the_keys(monkeypatch, 1)


def test_compact_rows_survive_their_messages(tmp_path):
    scan = QuickScan(ScanOptions())
    items = files(tmp_path, [*own_tables(40), *SEEDS, b"", b"no image"])
    columns = scan.columns(iter(items), 100)
    compact = columns.compact(pixels=False, sha256=False)
    messages = [bytes(message) for message in compact.messages()]
    received = Compact.of_messages(messages, schema()).spread(schema())
    assert pa.Table.from_batches([received]).equals(pa.Table.from_batches(scan_batches(items)))


def test_ends_are_those_of_the_files_that_can_be_read(tmp_path):
    contents = [bytes(range(n)) for n in range(200)]
    paths = [item.blob for item in files(tmp_path, contents)]
    (tmp_path / "70").unlink()
    (tmp_path / "71").unlink()
    (tmp_path / "71").mkdir()
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []  # noqa: PTH112, PTH208
    ends = read_ends([*paths, FileBlob("a\0b")], 16, 2)
    after = os.listdir("/proc/self/fd") if before else []  # noqa: PTH208
    assert len(before) == len(after)
    assert ends.which == [n for n in range(200) if n not in (0, 1, 70, 71)]  # a byte is no tail
    assert ends.heads == [contents[n][:16] for n in ends.which]
    assert ends.tails == [contents[n][-2:] for n in ends.which]
    assert ends.sizes_bytes == ends.which
    assert read_ends([], 16, 2).which == []


def test_descriptors_of_other_threads_stay_open(tmp_path):
    """A thread that opens and closes all the time finds its descriptors as it left them."""
    paths, wrong, done = [item.blob for item in files(tmp_path, [b"some bytes"] * 200)], [], threading.Event()

    def other() -> None:
        while not done.is_set():
            held = [os.open(tmp_path, os.O_RDONLY) for _ in range(3)]
            try:
                wrong.extend(one for one in held if not os.path.sameopenfile(one, held[0]))
                for one in held:
                    os.close(one)
            except OSError as error:
                wrong.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    for _ in range(30):
        assert len(read_ends(paths, 16, 2).which) == 200
    done.set()
    thread.join()
    assert wrong == []
