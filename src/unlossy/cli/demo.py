"""`unlossy demo`: the whole job on embedded data, in half a minute, without network or torch."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from unlossy.cli.progress import progress_bar
from unlossy.cli.table import print_study
from unlossy.core.errors import UsageError
from unlossy.report import write_report
from unlossy.runs.folder import MADE_BY, PLAN, ROWS, read_plan
from unlossy.runs.methods import METHODS
from unlossy.runs.pictures import INDEX, PICTURES
from unlossy.store import NONE
from unlossy.study import StudyPlan, run_study

MODEL = "onnx:demo"
CODECS = "jpeg:10,30,50,90"
RUN_FILES = (ROWS, ROWS + "-wal", ROWS + "-shm", MADE_BY, METHODS, "report.html", f"{PICTURES}/{INDEX}", PLAN)


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Where the run's rows go.")] = Path(
        "demo"
    ),
    items: Annotated[int, typer.Option(help="Number of generated scenes.")] = 160,
) -> None:
    """Show what JPEG costs a small classifier on generated scenes, and what wins it back: no network, no torch.

    The scenes are made on the spot and are the same on every machine; the classifier was trained by this project on
    clean scenes of other seeds and ships with it. Compared are: nothing at all; a corrector trained for fidelity; the
    same one aimed at this classifier, without labels; and the classifier fine-tuned on compressed scenes, with labels.
    The demo makes its RUN folder anew each time.
    """
    plan = StudyPlan(model=MODEL, data=f"synthetic:{items}", codecs=(CODECS,), mitigations=demo_mitigations())
    _clear_earlier_demo(output)
    with progress_bar("demo") as on_progress:
        result = run_study(plan, output, on_progress=on_progress)
    print_study(result)
    typer.echo(str(write_report([result])))
    if result.failed:
        raise typer.Exit(3)


def demo_mitigations() -> tuple[str, ...]:
    """The methods that the demo compares: none, fidelity, and those of `train.demo_methods` whose weights ship."""
    folder = Path(str(files("unlossy.tasks.models") / "weights"))
    trained = {
        folder / "demo_ttac.safetensors": "correct={}",
        folder / "demo_finetuned.onnx": "model=onnx:{}",
    }
    there = [form.format(file) for file, form in trained.items() if file.is_file()]
    return (NONE, "correct=small", *there)


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
