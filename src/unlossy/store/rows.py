"""One row per item and cell, written in chunks, one transaction each: a chunk is there whole or not at all.

`provenance` holds what made the rows (model, versions, seed) once, keyed by its hash; every row names its key.
Rows are only ever added. `PRAGMA user_version` counts the migrations that a file has seen. While it is written the file
has a write-ahead log beside it; closed, it is one file, which can be read where nothing can be written.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Final

from unlossy.core.errors import RunError
from unlossy.core.tools import digest_of

CLEAN = "clean"
"""The codec of the uncompressed cell."""

NONE = "none"
"""The mitigation of a model as it is."""

MIGRATIONS = (
    """
    CREATE TABLE provenance (id TEXT PRIMARY KEY, json TEXT NOT NULL);
    CREATE TABLE rows (
        item_index INTEGER NOT NULL, key TEXT NOT NULL, codec TEXT NOT NULL, codec_quality REAL,
        mitigation TEXT NOT NULL, encoder TEXT, encoded_bytes INTEGER, width INTEGER, height INTEGER,
        source_format TEXT, source_bytes INTEGER, source_ijg_quality_luma INTEGER, source_ijg_quality_chroma INTEGER,
        class_name TEXT, target TEXT, prediction TEXT, score TEXT, error_kind TEXT, error_message TEXT,
        provenance TEXT NOT NULL REFERENCES provenance (id), elapsed_s REAL NOT NULL,
        PRIMARY KEY (item_index, codec, mitigation)
    ) WITHOUT ROWID;
    """,
)
"""Append only: a file of version N gets MIGRATIONS[N:] when it is opened."""

UNWRITABLE: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""What SQLite says where it cannot make the files that even reading a file with a write-ahead log wants."""


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One item in one cell; a failed one has an `error_kind` and no score.

    `codec` is a setting or "clean"; `encoded_bytes` the compressed size; `width` and `height` those of the source;
    `source_*` what the source file's own bytes tell (null where it is no JPEG); `target`, `prediction` and `score` are
    JSON; `elapsed_s` is the time this cell took this item in the workers, the only column that differs between equal
    runs.
    """

    item_index: int
    key: str
    codec: str
    codec_quality: float | None
    mitigation: str
    encoder: str | None
    encoded_bytes: int | None
    width: int | None
    height: int | None
    source_format: str | None
    source_bytes: int | None
    source_ijg_quality_luma: int | None
    source_ijg_quality_chroma: int | None
    class_name: str | None
    target: str | None
    prediction: str | None
    score: str | None
    error_kind: str | None
    error_message: str | None
    provenance: str
    elapsed_s: float


COLUMNS = tuple(field.name for field in fields(StudyRow))


class RowStore:
    """The rows of one RUN. Use `open_rows`, or `RowStore(path)` as a context manager."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Opens or makes the file; raises RunError where it cannot be used or was made by a newer unlossy.

        With `read_only` the file must be there; it may be read while another process writes it.
        """
        self._path, self._read_only = path, read_only
        try:
            version = self._open("mode=ro" if read_only else "mode=rwc")
            self._migrate(version, read_only)
        except sqlite3.Error as error:
            raise RunError(f"cannot open {path}: {error}. Is the folder writable, and the file a RUN's?") from error

    def _open(self, options: str) -> int:
        """The file's version, once it is open; read as one that nobody changes where its folder takes no new file."""
        uri = self._path.absolute().as_uri()
        self._db = sqlite3.connect(f"{uri}?{options}", uri=True, isolation_level=None)
        try:
            return self._version()
        except sqlite3.OperationalError as error:
            if not self._read_only or error.sqlite_errorcode & 0xFF not in UNWRITABLE or self._has_log():
                raise
        self._db.close()
        self._db = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
        return self._version()

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _has_log(self) -> bool:
        """Whether rows may still stand in a write-ahead log: then the file alone does not hold them all."""
        log = self._path.with_name(self._path.name + "-wal")
        return log.exists() and log.stat().st_size > 0

    def _migrate(self, version: int, read_only: bool) -> None:
        if version > len(MIGRATIONS):
            raise RunError(f"rows.sqlite has version {version}, made by a newer unlossy; upgrade this one")
        if read_only:
            if version < len(MIGRATIONS):
                raise RunError(
                    "rows.sqlite is empty or of an older unlossy; run the study again to bring it up to date"
                )
            return
        self._db.execute("PRAGMA journal_mode = WAL")
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            self._db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")

    def add_provenance(self, made_by: Mapping[str, Any]) -> str:
        """The key under which rows name what made them."""
        key = digest_of(made_by)
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO provenance VALUES (?, ?)", (key, json.dumps(made_by, sort_keys=True))
            )
        return key

    def add_chunk(self, rows: Iterable[StudyRow]) -> None:
        """All the rows or, where anything goes wrong, none; raises RunError (a full disk, say)."""
        marks = ",".join("?" * len(COLUMNS))
        with self._transaction():
            self._db.executemany(f"INSERT INTO rows ({','.join(COLUMNS)}) VALUES ({marks})", map(astuple, rows))  # noqa: S608

    def done_items(self) -> set[int]:
        """Indices of the items that have rows; a chunk is one transaction, so they have all of theirs."""
        return {index for (index,) in self._asked("SELECT DISTINCT item_index FROM rows")}

    def source_sizes(self) -> dict[int, int]:
        """Sizes in bytes of the sources by item index, without those that could not be read."""
        query = "SELECT item_index, source_bytes FROM rows WHERE codec = ? AND mitigation = ? AND source_bytes NOT NULL"
        return dict(self._asked(query, CLEAN, NONE))

    def rows(self) -> Iterator[StudyRow]:
        """Every row by item, codec and mitigation."""
        query = f"SELECT {','.join(COLUMNS)} FROM rows ORDER BY item_index, codec, mitigation"  # noqa: S608
        return (StudyRow(*values) for values in self._asked(query))

    def provenances(self) -> list[dict[str, Any]]:
        """What made the rows."""
        return [json.loads(text) for (text,) in self._asked("SELECT json FROM provenance ORDER BY id")]

    def _asked(self, query: str, *values: str) -> Iterator[Any]:
        """The tuples that answer a query; raises RunError where the file is damaged."""
        try:
            yield from self._db.execute(query, values)
        except sqlite3.Error as error:
            raise RunError(
                f"cannot read {self._path}: {error}. Restore the file from a copy, "
                "or remove its folder and run the study again"
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise RunError(f"cannot write the rows: {error}. Free some space and run the same again") from error
            raise

    def close(self) -> None:
        """Closes the file; the write-ahead log is folded back into it, unless another process still reads it."""
        if not self._read_only:
            with suppress(sqlite3.Error):  # the file is whole either way
                self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()

    def __enter__(self) -> "RowStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
