"""Study rows in an append-only SQLite file."""

from unlossy.store.lock import run_lock
from unlossy.store.rows import RowStore, StudyRow

__all__ = ["RowStore", "StudyRow", "run_lock"]
