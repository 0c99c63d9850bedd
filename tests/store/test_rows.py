import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from unlossy.core.errors import RunError, UsageError
from unlossy.store import RowStore, StudyRow, run_lock

SOURCE = {
    "source_format": "png",
    "source_bytes": 99,
    "source_ijg_quality_luma": None,
    "source_ijg_quality_chroma": None,
}
ANSWER = {"class_name": "x", "target": "{}", "prediction": "{}", "score": '{"top1": 1.0}'}
ROW = StudyRow(
    item_index=0,
    key="a",
    codec="jpeg:30",
    codec_quality=30.0,
    mitigation="none",
    encoder="e",
    encoded_bytes=9,
    width=4,
    height=4,
    **SOURCE,
    **ANSWER,
    error_kind=None,
    error_message=None,
    provenance="p",
    elapsed_s=0.5,
)


def test_rows_come_back_as_they_went_in_whatever_the_order(tmp_path):
    rows = [replace(ROW, item_index=index, key=f"key\n{index}é", codec=codec) for index in (2, 0, 1) for codec in "ba"]
    with RowStore(tmp_path / "rows.sqlite") as store:
        store.add_chunk(rows[:3])
        store.add_chunk(rows[3:])
    with RowStore(tmp_path / "rows.sqlite") as store:
        assert list(store.rows()) == sorted(rows, key=lambda row: (row.item_index, row.codec))
        assert store.done_items() == {0, 1, 2}


def test_a_chunk_is_there_whole_or_not_at_all(tmp_path):
    def breaks_off():
        yield ROW
        raise KeyboardInterrupt

    with RowStore(tmp_path / "rows.sqlite") as store:
        with pytest.raises(KeyboardInterrupt):
            store.add_chunk(breaks_off())
        with pytest.raises(RunError, match="UNIQUE"):
            store.add_chunk([ROW, ROW])
        assert list(store.rows()) == []
        store.add_chunk([ROW])
        assert list(store.rows()) == [ROW]


def test_provenance_is_kept_once_by_its_hash(tmp_path):
    with RowStore(tmp_path / "rows.sqlite") as store:
        first = store.add_provenance({"b": 1, "a": [2]})
        assert store.add_provenance({"a": [2], "b": 1}) == first
        assert store.add_provenance({"a": [2], "b": 2}) != first
        assert len(store.provenances()) == 2


def test_a_file_of_a_newer_unlossy_is_refused(tmp_path):
    RowStore(tmp_path / "rows.sqlite").close()
    with sqlite3.connect(tmp_path / "rows.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(RunError, match="newer unlossy"):
        RowStore(tmp_path / "rows.sqlite")


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path):
    (tmp_path / "rows.sqlite").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(RunError, match="cannot open"):
        RowStore(tmp_path / "rows.sqlite")


@pytest.mark.parametrize(
    "ask",
    [RowStore.done_items, RowStore.source_sizes, RowStore.provenances, lambda store: list(store.rows())],
)
def test_a_damaged_file_is_a_clear_error(tmp_path, ask):
    """Its header is whole, so that it opens."""
    path = tmp_path / "rows.sqlite"
    with RowStore(path) as store:
        store.add_provenance({"a": 1})
        store.add_chunk([replace(ROW, item_index=index, codec="clean") for index in range(200)])
    path.write_bytes(path.read_bytes()[:100].ljust(path.stat().st_size, b"\0"))
    said = r"cannot read .*rows.sqlite: .*remove its folder and run the study again"
    with RowStore(path, read_only=True) as store, pytest.raises(RunError, match=said):
        ask(store)


def test_sizes_are_those_of_the_sources_that_could_be_read(tmp_path):
    clean = replace(ROW, codec="clean")
    unread = replace(clean, item_index=1, source_bytes=None, error_kind="read")
    with RowStore(tmp_path / "rows.sqlite") as store:
        store.add_chunk([clean, ROW, unread, replace(clean, item_index=2, source_bytes=7)])
        assert store.source_sizes() == {0: 99, 2: 7}


def test_a_full_disk_is_a_clear_error_and_costs_no_row(tmp_path):
    with RowStore(tmp_path / "rows.sqlite") as store:
        store.add_chunk([ROW])
        store._db.execute("PRAGMA max_page_count = 8")
        with pytest.raises(RunError, match=r"full.*Free some space"):
            store.add_chunk([replace(ROW, item_index=index, key="k" * 500) for index in range(1, 200)])
        assert list(store.rows()) == [ROW]


HOLD = "import sys, time; from pathlib import Path; from unlossy.store import run_lock\n"
HOLD += "with run_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


def test_the_lock_dies_with_its_process(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match=f"in use by process {holder.pid}"), run_lock(tmp_path):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with run_lock(tmp_path):
        pass


def test_a_folder_where_no_lock_can_be_made_is_a_clear_error(tmp_path):
    (tmp_path / ".lock").mkdir()
    said = r"cannot write to the folder .*directory; make it writable, or give another"
    with pytest.raises(UsageError, match=said), run_lock(tmp_path):
        pass


def test_what_fails_under_the_lock_is_not_the_locks(tmp_path):
    with pytest.raises(PermissionError, match="mine"), run_lock(tmp_path):
        raise PermissionError("mine")


def test_reading_makes_no_file_and_follows_a_writer(tmp_path):
    with pytest.raises(RunError, match="cannot open"):
        RowStore(tmp_path / "rows.sqlite", read_only=True)
    assert not list(tmp_path.iterdir())
    with RowStore(tmp_path / "rows.sqlite") as writer, RowStore(tmp_path / "rows.sqlite", read_only=True) as reader:
        writer.add_chunk([ROW])
        assert list(reader.rows()) == [ROW]
        with pytest.raises(RunError, match="readonly"):
            reader.add_chunk([replace(ROW, item_index=1)])


@pytest.fixture
def folder_for_all():
    """A folder whose way there any user may go; made unwritable by the test."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


READ = """
import os, sys
from pathlib import Path
from unlossy.store import RowStore
if os.geteuid() == 0:  # whom no folder's mode holds back
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
assert not os.access(sys.argv[1], os.W_OK)
with RowStore(Path(sys.argv[1]) / "rows.sqlite", read_only=True) as store:
    print([row.item_index for row in store.rows()])
"""


def read_without_writing(folder):
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)
    done = subprocess.run([sys.executable, "-c", READ, str(folder)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes of folders are POSIX's")
@pytest.mark.parametrize("by", ["now", "earlier versions"])
def test_a_finished_file_is_read_where_nothing_may_be_written(folder_for_all, by):
    with RowStore(folder_for_all / "rows.sqlite") as store:
        store.add_chunk([ROW, replace(ROW, item_index=1)])
    if by != "now":  # they left it as one that has a write-ahead log
        db = sqlite3.connect(folder_for_all / "rows.sqlite")
        db.execute("PRAGMA journal_mode = WAL")
        db.close()
    assert [file.name for file in folder_for_all.iterdir()] == ["rows.sqlite"]
    assert read_without_writing(folder_for_all) == "[0, 1]"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes of folders are POSIX's")
def test_rows_in_a_log_that_cannot_be_read_are_not_left_out(folder_for_all, tmp_path):
    with RowStore(tmp_path / "rows.sqlite") as store:
        store.add_chunk([ROW])
        for name in ("rows.sqlite", "rows.sqlite-wal"):
            shutil.copy(tmp_path / name, folder_for_all)
    assert "cannot open" in read_without_writing(folder_for_all)


def test_a_closed_file_is_one_and_reading_it_leaves_no_other(tmp_path):
    with RowStore(tmp_path / "rows.sqlite") as store:
        store.add_chunk([ROW])
    for _ in range(2):
        with RowStore(tmp_path / "rows.sqlite", read_only=True) as reader:
            assert list(reader.rows()) == [ROW]
        assert [file.name for file in tmp_path.iterdir()] == ["rows.sqlite"]
    with RowStore(tmp_path / "rows.sqlite") as again:
        again.add_chunk([replace(ROW, item_index=1)])
        assert again.done_items() == {0, 1}


def test_a_writer_closes_under_a_reader_who_then_reads_on(tmp_path):
    with RowStore(tmp_path / "rows.sqlite") as writer:
        writer.add_chunk([ROW])
        reader = RowStore(tmp_path / "rows.sqlite", read_only=True)
        assert reader.done_items() == {0}
    with RowStore(tmp_path / "rows.sqlite") as writer:
        writer.add_chunk([replace(ROW, item_index=1)])
    with reader:
        assert reader.done_items() == {0, 1}


def test_rows_of_a_killed_writer_are_there_for_readers_and_for_the_next_writer(tmp_path):
    with RowStore(tmp_path / "rows.sqlite") as store:
        store.add_chunk([ROW])
        (tmp_path / "killed").mkdir()
        for file in tmp_path.glob("rows.sqlite*"):
            shutil.copy(file, tmp_path / "killed")
    with RowStore(tmp_path / "killed" / "rows.sqlite", read_only=True) as reader:
        assert list(reader.rows()) == [ROW]
    with RowStore(tmp_path / "killed" / "rows.sqlite") as again:
        again.add_chunk([replace(ROW, item_index=1)])
        assert again.done_items() == {0, 1}
