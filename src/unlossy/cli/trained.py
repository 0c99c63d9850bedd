"""What the `train` commands tell of a run when a stretch of it has ended."""

import csv
from pathlib import Path


def validation_of(run: Path, step: int | None = None) -> dict[str, float] | None:
    """The last row of the run's `validation.csv`, or that of a step; None where there is none."""
    path = run / "validation.csv"
    if not path.exists():
        return None
    with path.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if step is None or row["step"] == str(step)]
    return {name: float(value) for name, value in rows[-1].items() if value} if rows else None


def standing(step: int, steps: int, *, out_of_patience: bool = False) -> str:
    """How far a run is, and whether the same command goes on with it."""
    if out_of_patience:
        return f"step {step} of {steps}; ended, since no validation got better"
    return f"step {step} of {steps}" + ("" if step >= steps else "; the same command goes on")
