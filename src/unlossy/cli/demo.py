"""`unlossy demo`: the whole job on embedded data, in a minute, without network or torch."""

from pathlib import Path
from typing import Annotated

import typer

from unlossy.cli.progress import progress_bar
from unlossy.cli.table import print_study
from unlossy.core.errors import UsageError
from unlossy.report import write_report
from unlossy.runs.folder import MADE_BY, PLAN, ROWS, read_plan
from unlossy.runs.pictures import INDEX, PICTURES
from unlossy.study import StudyPlan, run_study

MODEL = "onnx:demo"
RUN_FILES = (ROWS, ROWS + "-wal", ROWS + "-shm", MADE_BY, "report.html", f"{PICTURES}/{INDEX}", PLAN)


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Where the run's rows go.")] = Path(
        "demo"
    ),
    items: Annotated[int, typer.Option(help="Number of generated scenes.")] = 300,
) -> None:
    """Show what JPEG costs a small classifier on generated scenes: no network, no torch, about a minute.

    The scenes are made on the spot and are the same on every machine; the classifier was trained by this project on
    clean scenes of other seeds and ships with it. The demo makes its RUN folder anew each time.
    """
    plan = StudyPlan(model=MODEL, data=f"synthetic:{items}", codecs=("jpeg:10..90:10",))
    _clear_earlier_demo(output)
    with progress_bar("demo") as on_progress:
        result = run_study(plan, output, on_progress=on_progress)
    print_study(result)
    typer.echo(str(write_report([result])))
    if result.failed:
        raise typer.Exit(3)


def _clear_earlier_demo(output: Path) -> None:
    """Removes an earlier demo's files, and no other run's; raises UsageError where another study lives there."""
    if not (output / PLAN).exists():
        return
    if read_plan(output).model != MODEL:
        raise UsageError(f"{str(output)!r} holds another study; give another -o")
    for name in RUN_FILES:
        (output / name).unlink(missing_ok=True)
    for picture in (output / PICTURES).glob("*.png"):
        picture.unlink()
