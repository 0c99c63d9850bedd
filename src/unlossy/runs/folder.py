"""A RUN folder: `plan.toml`, `rows.sqlite`, and the refusal to mix two plans in one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlossy.core.errors import RunError, UsageError
from unlossy.runs.plan import StudyPlan
from unlossy.store import RowStore, run_lock

PLAN, MADE_BY, ROWS = "plan.toml", "made_by.json", "rows.sqlite"
UNUSED = "unused"
"""In `made_by.json`: pictures and masks of the data that the study does not use, counted by kind. They make no row, so
that a run goes on whatever becomes of them."""


@contextmanager
def open_run(run: Path, plan: StudyPlan, made_by: dict[str, Any]) -> Iterator[RowStore]:
    """The locked store of a RUN that holds nothing yet or this very plan, made by the very same things."""
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {str(run)!r}: {error.strerror}; give another -o") from error
    with run_lock(run):
        _refuse_another_plan(run, plan)
        _refuse_other_makers(run, made_by)
        _write(run / PLAN, plan.to_toml())
        _write(run / MADE_BY, json.dumps(made_by, indent=1, sort_keys=True) + "\n")
        with RowStore(run / ROWS) as store:
            yield store


def read_plan(run: Path) -> StudyPlan:
    """The plan of a RUN; raises UsageError where the folder is none."""
    try:
        return StudyPlan.from_toml((run / PLAN).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(run)!r} is not a RUN folder: cannot read its {PLAN}") from error


def read_made_by(run: Path) -> dict[str, Any]:
    """What made a RUN's rows; raises UsageError where the folder is none."""
    try:
        made_by: dict[str, Any] = json.loads((run / MADE_BY).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{str(run)!r} is not a RUN folder: cannot read its {MADE_BY}") from error
    return made_by


def _refuse_another_plan(run: Path, plan: StudyPlan) -> None:
    if not (run / PLAN).exists():
        if (run / ROWS).exists():
            raise UsageError(f"{str(run)!r} has rows but no {PLAN}; give another -o")
        return
    there = read_plan(run)
    if there.hash != plan.hash:
        differing = [name for name in StudyPlan.__slots__ if getattr(there, name) != getattr(plan, name)]
        changes = "; ".join(f"{name} was {getattr(there, name)!r}, is {getattr(plan, name)!r}" for name in differing)
        raise UsageError(f"{str(run)!r} holds another plan ({changes}). Give another -o, or remove that folder")


def _refuse_other_makers(run: Path, made_by: dict[str, Any]) -> None:
    """Raises UsageError where the images, the model or a library changed since: the rows would not belong together."""
    if not (run / MADE_BY).exists():
        return
    there = read_made_by(run)
    if differing := sorted(name for name in {*there, *made_by} - {UNUSED} if there.get(name) != made_by.get(name)):
        changes = "; ".join(f"{name} was {there.get(name)!r}, is {made_by.get(name)!r}" for name in differing)
        raise UsageError(
            f"{str(run)!r} was begun with other things ({changes}). Give another -o, or remove that folder"
        )


def _write(path: Path, text: str) -> None:
    """Writes whole or not at all; raises RunError (a full disk, say)."""
    if path.exists() and path.read_text("utf-8") == text:
        return
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error
