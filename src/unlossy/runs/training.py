"""What a training run wrote as it went on: its loss and its validations over the steps, thinned out for a picture."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

LOG, VALIDATION = "log.csv", "validation.csv"
MOST_POINTS: Final = 120
"""Of a curve; neighbours are averaged where there are more."""
MAX_FILE_BYTES: Final = 50_000_000
NOT_MEASURED: Final = frozenset({"step", "lr", "steps_per_s", "data_wait_share", "elapsed_s"})

Curve = tuple[tuple[int, float], ...]
"""Steps and values, the first step first."""


@dataclass(frozen=True, slots=True)
class TrainingCurves:
    """The loss, and each measure of the validations by its column's name."""

    loss: Curve = ()
    validation: Mapping[str, Curve] = field(default_factory=dict)


def training_beside(path: Path) -> TrainingCurves | None:
    """The curves of the run that made a weights file or a model's folder: its logs lie in the same folder, or in it."""
    for folder in (path, path.parent):
        if (folder / LOG).is_file():
            return read_training(folder)
    return None


def read_training(run: Path) -> TrainingCurves | None:
    """The curves of a training run's folder; None where it has no log, or one that cannot be read."""
    logged, validated = _columns(run / LOG), _columns(run / VALIDATION)
    if "loss" not in logged:
        return None
    return TrainingCurves(logged["loss"], {name: curve for name, curve in validated.items() if curve})


def curves_from_json(table: Mapping[str, Any] | None) -> TrainingCurves | None:
    """The curves that `dataclasses.asdict` made JSON of."""
    if table is None:
        return None
    return TrainingCurves(_curve(table["loss"]), {str(name): _curve(c) for name, c in table["validation"].items()})


def _curve(points: Sequence[Sequence[Any]]) -> Curve:
    return tuple((int(step), float(value)) for step, value in points)


def _columns(path: Path) -> dict[str, Curve]:
    """Each measured column of a log, thinned; nothing where the file is not there, too large or no table of numbers."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return {}
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        found: dict[str, list[tuple[int, float]]] = {}
        for row in rows:
            for name, text in row.items():
                if name is not None and name not in NOT_MEASURED and text and math.isfinite(float(text)):
                    found.setdefault(name, []).append((int(row["step"]), float(text)))
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return {}
    return {name: _thinned(points) for name, points in found.items()}


def _thinned(points: list[tuple[int, float]]) -> Curve:
    stride = max(1, math.ceil(len(points) / MOST_POINTS))
    groups = [points[start : start + stride] for start in range(0, len(points), stride)]
    return tuple((group[-1][0], sum(value for _, value in group) / len(group)) for group in groups)
