"""`unlossy study`: a model, images, codecs; a table with intervals."""

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from unlossy.cli.device import refuse_absent_device
from unlossy.cli.progress import progress_bar
from unlossy.cli.table import print_study
from unlossy.core.errors import UsageError
from unlossy.report import write_report
from unlossy.runs.diagnosis import diagnose
from unlossy.study import StudyPlan, run_study
from unlossy.tasks.registry import TASKS


def study(
    model: Annotated[
        str,
        typer.Option(
            help="hf:PATH_OR_ID, timm:NAME[@FILE], torchvision:NAME@FILE, onnx:FILE (a JSON of the same name beside "
            "it), py:module:callable, or onnx:demo. With --task text also tesseract:eng."
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            help="A folder, archive, table or list of images, with labels or without; synthetic:N for N generated "
            "scenes."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="RUN", help="Required. The run's folder: rows, pictures; a killed run resumes."
        ),
    ] = None,
    task: Annotated[str, typer.Option(help=f"What the model does: {', '.join(TASKS)}.")] = "classification",
    codec: Annotated[
        list[str] | None,
        typer.Option(
            help="Codec settings, several times if wanted: jpeg:30, jpeg:5..95:10, 'jpeg[444]:50', webp:20,50. "
            "Default: jpeg, which is jpeg:10..90:10."
        ),
    ] = None,
    mitigate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="M",
            help="What is done about the loss: none, correct=small, correct=FILE.safetensors, model=SPEC (another one "
            "in its place), correct=small+model=SPEC. Repeat it to compare. Default: none.",
        ),
    ] = None,
    compress_at: Annotated[
        str, typer.Option(help="source: compress the image as it is; input: after the model's own resizing.")
    ] = "source",
    limit: Annotated[int | None, typer.Option(help="Take the first N items in key order.")] = None,
    batch: Annotated[int, typer.Option(help="Images the model sees at once.")] = 32,
    device: Annotated[str, typer.Option(help="cpu, or cuda where torch has it: models and correctors.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap intervals.")] = 0,
    show: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Keep this item through all settings: a strip in RUN/pictures. Repeatable."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the report, as `unlossy report`.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no table; errors and --json only.")
    ] = False,
) -> None:
    """Measure what compression costs a model: accuracy at each quality, with 95 % intervals of the loss.

    Every image is compressed and decompressed at each setting and shown to the model, clean and compressed alike. Where
    there are labels the table has top-1, top-5 and the probability of the true class; without any, how often the
    model still gives the answer that it gives on the clean image. Class folders are the model's classes of those names;
    a labels.csv (file,class_index) gives its own indices. Boxes and masks are those of a COCO file, given itself or as
    the folder of its annotations/ and pictures. A run that was killed goes on when started again.

    **Examples**

    `unlossy study --model onnx:demo --data synthetic:300 -o runs/demo`

    `unlossy study --model hf:google/mobilenet_v2_1.0_224 --data photos/ --codec jpeg:10..90:10 -o runs/mobilenet`

    `unlossy study --model timm:resnet18@w.safetensors --data photos --codec webp:20,50 --codec jpeg:30+jpeg:75 -o r`

    `unlossy study --model onnx:demo --data synthetic:300 --mitigate none --mitigate correct=small -o runs/corrected`

    `unlossy study --model hf:a --data photos --mitigate none --mitigate correct=small --mitigate model=hf:tuned -o r`

    Exit codes: 0 fine; 2 refused before work; 3 some items failed, and their rows say why; 4 a package or program is
    missing, and how to get it is said; 5 the run could not go on (a full disk, a RUN in use).
    """
    if output is None:
        raise UsageError("say where the run goes: -o runs/NAME. The folder keeps rows and pictures, and resumes")
    plan = StudyPlan(
        model=model,
        data=data,
        task=task,
        codecs=tuple(codec or ("jpeg",)),
        mitigations=tuple(mitigate or ("none",)),
        limit=limit,
        seed=seed,
        batch=batch,
        compress_at=compress_at,
    )
    refuse_absent_device(device)
    with progress_bar("study", quiet=quiet) as on_progress:
        result = run_study(plan, output, on_progress=on_progress, show=tuple(show or ()), device=device)
    if json:
        found = diagnose(output)
        told = result.to_json() | ({} if found is None else {"diagnosis": found.to_json()})
        typer.echo(json_module.dumps(told, indent=1, allow_nan=False))
        for remark in () if quiet else result.remarks:
            typer.echo(remark, err=True)
    elif not quiet:
        print_study(result)
    if html is not None:
        typer.echo(f"report: {write_report([result], html)}", err=json)
    if result.failed:
        raise typer.Exit(3)
