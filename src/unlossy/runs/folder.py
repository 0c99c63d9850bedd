"""A RUN folder: `plan.toml`, `rows.sqlite`, and the refusal to mix two plans in one."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlossy.core.errors import RunError, UsageError
from unlossy.core.tools import json_of
from unlossy.runs.plan import StudyPlan
from unlossy.store import RowStore, run_lock

PLAN, MADE_BY, ROWS = "plan.toml", "made_by.json", "rows.sqlite"
UNUSED = "unused"
"""In `made_by.json`: pictures and masks of the data that the study does not use, counted by kind. They make no row, so
that a run goes on whatever becomes of them."""
SAMPLES = "samples"
"""In `made_by.json`: digests of the beginnings of a few pictures, by key, as they were when the run was begun; an older
run has none."""


@contextmanager
def open_run(run: Path, plan: StudyPlan, made_by: dict[str, Any]) -> Iterator[RowStore]:
    """The locked store of a RUN that holds nothing yet or this very plan, made by the very same things."""
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {str(run)!r}: {error.strerror}; give another -o") from error
    with run_lock(run):
        _refuse_another_plan(run, plan)
        if (run / MADE_BY).exists():
            there = read_made_by(run)
            _refuse_other_makers(run, there, made_by)
            made_by = {**made_by, SAMPLES: there.get(SAMPLES, {})}
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
        made_by: dict[str, Any] = json_of((run / MADE_BY).read_text("utf-8"))
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


def _refuse_other_makers(run: Path, there: Mapping[str, Any], made_by: Mapping[str, Any]) -> None:
    """Raises UsageError where the images, the model or a library changed since: the rows would not belong together."""
    compared = {*there, *made_by} - {UNUSED, SAMPLES}
    changes = [
        f"{name} was {there.get(name)!r}, is {made_by.get(name)!r}"
        for name in sorted(compared)
        if there.get(name) != made_by.get(name)
    ]
    before, now = there.get(SAMPLES, {}), made_by.get(SAMPLES, {})
    if replaced := sorted(key for key in {*before} & {*now} if before[key] != now[key]):
        changes.append(f"{replaced[0]} is another picture" + (", and not the only one" if len(replaced) > 1 else ""))
    if changes:
        raise UsageError(
            f"{str(run)!r} was begun with other things ({'; '.join(changes)}). Give another -o, or remove that folder"
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
