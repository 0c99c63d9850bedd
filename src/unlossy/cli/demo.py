"""`unlossy demo`: the whole job on embedded data, in half a minute to three, without network or torch."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer

from unlossy.cli.progress import progress_bar
from unlossy.cli.table import print_study
from unlossy.core.errors import UsageError
from unlossy.report import write_report
from unlossy.runs.exhibits import INDEX as EXHIBITS
from unlossy.runs.folder import MADE_BY, PLAN, ROWS, read_plan
from unlossy.runs.methods import METHODS
from unlossy.runs.pictures import INDEX, PICTURES
from unlossy.store import NONE
from unlossy.study import StudyPlan, run_study

MODEL = "onnx:demo"
CODECS = "jpeg:10,30,50,90"
CORRECTOR = "correct=small"
SHOWN = (f"{PICTURES}/{INDEX}", f"{PICTURES}/{EXHIBITS}")
RUN_FILES = (ROWS, ROWS + "-wal", ROWS + "-shm", MADE_BY, METHODS, "report.html", *SHOWN, PLAN)


@dataclass(frozen=True, slots=True)
class Demo:
    """One demo: the study's task, how many scenes it takes, the methods compared, where its run goes."""

    task: str
    n_items: int
    mitigations: Callable[[], tuple[str, ...]]
    output: Path


def demo_mitigations() -> tuple[str, ...]:
    """The methods that the demo compares: none, fidelity, and those of `train.demo_methods` whose weights ship."""
    folder = Path(str(files("unlossy.tasks.models") / "weights"))
    trained = {
        folder / "demo_ttac.safetensors": "correct={}",
        folder / "demo_finetuned.onnx": "model=onnx:{}",
    }
    there = [form.format(file) for file, form in trained.items() if file.is_file()]
    return (NONE, CORRECTOR, *there)


DEMOS: Final = {
    "classification": Demo("classification", 160, demo_mitigations, Path("demo")),
    "detection": Demo("detection", 64, lambda: (NONE, CORRECTOR), Path("demo-detection")),
    "segmentation": Demo("semantic_segmentation", 64, lambda: (NONE, CORRECTOR), Path("demo-segmentation")),
}
"""By what people call the task."""


def demo(
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="RUN", help="Where the run's rows go. [default: demo, or demo-TASK]"),
    ] = None,
    items: Annotated[
        int | None, typer.Option(help="Number of generated scenes. [default: 160 to classify, else 64]")
    ] = None,
    task: Annotated[str, typer.Option(help=f"What the model does: {', '.join(DEMOS)}.")] = "classification",
) -> None:
    """Show what JPEG costs a small model on generated scenes, and what wins it back: no network, no torch.

    The scenes are made on the spot and are the same on every machine; the models were trained by this project on clean
    scenes of other seeds and ship with it. For the classifier are compared: nothing at all; a corrector trained for
    fidelity; the same one aimed at this classifier, without labels; and the classifier fine-tuned on compressed scenes,
    with labels. For the detector and the segmenter: nothing, and the corrector. The demo makes its RUN folder anew each
    time; a folder that holds another study is refused.

    **Examples**

    `unlossy demo`

    `unlossy demo --task detection`

    `unlossy demo --task segmentation`
    """
    if task not in DEMOS:
        raise UsageError(f"there is no demo of the task {task!r}; there is: {', '.join(DEMOS)}")
    chosen = DEMOS[task]
    n_items, run = chosen.n_items if items is None else items, output or chosen.output
    plan = StudyPlan(
        model=MODEL,
        data=f"synthetic:{n_items}",
        task=chosen.task,
        codecs=(CODECS,),
        mitigations=chosen.mitigations(),
    )
    _clear_earlier_demo(run, plan)
    with progress_bar("demo") as on_progress:
        result = run_study(plan, run, on_progress=on_progress)
    print_study(result)
    typer.echo(str(write_report([result])))
    if result.failed:
        raise typer.Exit(3)


def _clear_earlier_demo(output: Path, plan: StudyPlan) -> None:
    """Removes an earlier demo's files, and no other run's; raises UsageError where another study lives there."""
    if not (output / PLAN).exists():
        return
    there = read_plan(output)
    if not re.fullmatch(r"synthetic:\d+", there.data) or replace(there, data=plan.data) != plan:
        raise UsageError(
            f"{str(output)!r} holds another study, which the demo will not remove; give another -o, or remove that "
            "folder yourself"
        )
    for name in RUN_FILES:
        (output / name).unlink(missing_ok=True)
    for picture in (output / PICTURES).glob("*.png"):
        picture.unlink()
