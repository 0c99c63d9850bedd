"""What was asked of a training stands in its RUN, so that another does not go on with it by mistake."""

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from unlossy.core.errors import RunError, UsageError
from unlossy.core.tools import digest_of, json_of
from unlossy.train.state import LoopSettings

FINETUNE: Final = "finetune.json"
ASKED: Final = "asked.json"


WALKING: Final = ("lr", "muon", "weight_decay", "max_gradient_norm", "ema_decay")
"""Of LoopSettings what decides the weights, and is not how far or how often."""


def walk_facts(loop: LoopSettings) -> dict[str, Any]:
    """What decides the weights of how a run walks; a resumed one may have other steps."""
    return {name: getattr(loop, name) for name in WALKING}


def pictures_digest(images: Mapping[str, np.ndarray]) -> str:
    """Of which pictures are learnt from: their files' names and sizes in order."""
    return digest_of([[Path(name).name, *image.shape] for name, image in images.items()])


def file_digest(path: Path | None) -> str | None:
    """SHA-256 of a weights file; None for none, or where it is gone (it counts where a run begins)."""
    return None if path is None or not path.is_file() else hashlib.sha256(path.read_bytes()).hexdigest()


def refuse_another(run: Path, facts: Mapping[str, Any]) -> None:
    """Nothing; the facts stand in `run` from here on. Raises as `begun` does, and OSError."""
    if begun(run, facts, ASKED) is None:
        begin(run, facts, {}, ASKED)


def begun(run: Path, facts: Mapping[str, Any], name: str = FINETUNE) -> dict[str, float] | None:
    """The validation of the model as it came, None where `run` is new; the file in `run` has the name.

    Raises:
        UsageError: the folder was begun with other facts.
        RunError: the file there cannot be read.
    """
    path = run / name
    if not path.exists():
        return None
    try:
        kept = json_of(path.read_text("utf-8"))
        asked, before = dict(kept["asked"]), dict(kept["before"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: not what a training wrote ({error}). Name an empty folder to begin anew") from error
    wanted = json.loads(json.dumps(dict(facts)))
    differing = sorted(fact for fact in {*asked, *wanted} if asked.get(fact) != wanted.get(fact))
    if differing:
        told = ", ".join(f"{fact}: {_short(asked.get(fact))}, now {_short(wanted.get(fact))}" for fact in differing)
        raise UsageError(f"{run} was begun otherwise ({told}). Give the same options, or name another folder")
    return before


def begin(run: Path, facts: Mapping[str, Any], before: dict[str, float], name: str = FINETUNE) -> dict[str, float]:
    """The validation of the model as it came, as given; it and the facts stand in `run` now."""
    run.mkdir(parents=True, exist_ok=True)
    partial = run / f"{name}.part"
    partial.write_text(json.dumps({"asked": dict(facts), "before": before}, indent=1), "utf-8")
    partial.replace(run / name)
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
