"""`RUN/methods.json`: what the rows do not tell of a study's methods, their size, their aim, their model's time.

Written by the study where there is more than `none`; a RUN without it (an older one) has all of it unknown.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unlossy.core.errors import RunError, UsageError
from unlossy.core.tools import json_of
from unlossy.runs.training import TrainingCurves, curves_from_json

METHODS = "methods.json"


@dataclass(frozen=True, slots=True)
class Aim:
    """A model that a corrector was trained for: its SPEC at that time, and its digest."""

    model: str
    digest: str


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """Of one method: trained numbers in the corrector and in the model, None where there is none or it is not known.

    `aimed_at` are the models that the corrector's weights were trained for, empty for fidelity; `model_s` is the
    model's time per image, in seconds, in batches, the median of a run on the machine that made it.
    """

    corrector_parameters: int | None = None
    model_parameters: int | None = None
    aimed_at: tuple[Aim, ...] = ()
    model_s: float | None = None
    training: TrainingCurves | None = None
    """Of the run that made the corrector or the model, where its logs lie beside them."""


def read_methods(run: Path) -> Mapping[str, MethodFacts]:
    """The facts by mitigation, empty where the RUN holds none; raises UsageError where they cannot be read."""
    path = run / METHODS
    if not path.exists():
        return {}
    try:
        table = json_of(path.read_text("utf-8"))
        return {str(text): _facts(entry) for text, entry in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"cannot read {path} ({error}); remove it and run the study again") from error


def write_methods(run: Path, methods: Mapping[str, MethodFacts]) -> None:
    """Writes the facts whole or not at all; raises RunError."""
    path = run / METHODS
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(json.dumps({text: asdict(facts) for text, facts in methods.items()}, indent=1) + "\n")
        partial.replace(path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error


def _facts(entry: Mapping[str, Any]) -> MethodFacts:
    aims = tuple(Aim(str(aim["model"]), str(aim["digest"])) for aim in entry["aimed_at"])
    return MethodFacts(**{**entry, "aimed_at": aims, "training": curves_from_json(entry.get("training"))})
