"""Study rows in an append-only SQLite file."""

from unlossy.store.lock import run_lock
from unlossy.store.rows import CLEAN, NONE, RowStore, StudyRow

__all__ = ["CLEAN", "NONE", "RowStore", "StudyRow", "run_lock"]
