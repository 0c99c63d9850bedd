"""Where a study's loss comes from, by its task: a diagnosis read from the RUN's rows alone."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from unlossy.runs.folder import read_plan


@runtime_checkable
class Diagnosis(Protocol):
    """What a task's module found; frozen, and ready for JSON."""

    def to_json(self) -> dict[str, Any]:
        """The finding in `study --json`, under "diagnosis"."""
        ...


MODULES: Final = {
    "detection": "unlossy.runs.diagnosis_detection",
    "instance_segmentation": "unlossy.runs.diagnosis_detection",
    "semantic_segmentation": "unlossy.runs.diagnosis_segmentation",
    "text": "unlossy.runs.diagnosis_text",
}
"""By task, the module whose `diagnose(run)` gives it; classification has none: the answers tell."""


def diagnose(run: Path) -> Diagnosis | None:
    """The diagnosis of a RUN; None for a task that has none. Raises UsageError where the folder is no RUN."""
    module = MODULES.get(read_plan(run).task)
    if module is None:
        return None
    found: Diagnosis = import_module(module).diagnose(run)
    return found
