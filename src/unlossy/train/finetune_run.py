"""A fine-tuning's RUN: what was asked for stands in it, so that another run does not go on with it by mistake."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from unlossy.core.errors import RunError, UsageError

ASKED: Final = "finetune.json"


def begun(run: Path, facts: Mapping[str, Any]) -> dict[str, float] | None:
    """The validation of the model as it came, None where `run` is new.

    Raises:
        UsageError: the folder was begun with other facts.
        RunError: the file there cannot be read.
    """
    path = run / ASKED
    if not path.exists():
        return None
    try:
        kept = json.loads(path.read_text("utf-8"))
        asked, before = dict(kept["asked"]), dict(kept["before"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: not what a fine-tuning wrote ({error}). Name an empty folder to begin anew") from error
    wanted = json.loads(json.dumps(dict(facts)))
    differing = sorted(name for name in {*asked, *wanted} if asked.get(name) != wanted.get(name))
    if differing:
        told = ", ".join(f"{name}: {_short(asked.get(name))}, now {_short(wanted.get(name))}" for name in differing)
        raise UsageError(f"{run} was begun otherwise ({told}). Give the same options, or name another folder")
    return before


def begin(run: Path, facts: Mapping[str, Any], before: dict[str, float]) -> dict[str, float]:
    """The validation of the model as it came, as given; it and the facts stand in `run` now."""
    run.mkdir(parents=True, exist_ok=True)
    partial = run / f"{ASKED}.part"
    partial.write_text(json.dumps({"asked": dict(facts), "before": before}, indent=1), "utf-8")
    partial.replace(run / ASKED)
    return before


def validation_row(path: Path, step: int) -> dict[str, float] | None:
    """The validation of a step, None where there was none."""
    if not path.exists():
        return None
    with path.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if int(row["step"]) == step]
    return {name: float(value) for name, value in rows[-1].items() if name != "step"} if rows else None


def _short(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:36] + " ..."
