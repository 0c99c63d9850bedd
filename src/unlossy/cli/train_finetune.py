"""`unlossy train finetune`: the user's own classifier, trained with labels on pictures compressed on the fly."""

import json as json_module
from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from unlossy.cli.device import refuse_absent_device, resolved_device
from unlossy.cli.progress import progress_bar
from unlossy.core.errors import UsageError
from unlossy.core.tools import require


class TaskOptimizer(StrEnum):
    """What takes the steps."""

    sgd = "sgd"
    adamw = "adamw"


def finetune(
    model: Annotated[
        str, typer.Option(metavar="SPEC", help="hf:PATH_OR_ID, timm:NAME[@FILE] or torchvision:NAME@FILE.")
    ],
    data: Annotated[
        str,
        typer.Option(
            help="Labelled pictures: a folder per class, called as the model does, or a labels.csv (file,class_index)."
        ),
    ],
    run: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="The folder of this run; resumes.")],
    new_head: Annotated[
        bool, typer.Option("--new-head", help="Give the model a new last layer for the classes of the data.")
    ] = False,
    qualities: Annotated[
        str | None,
        typer.Option(help="JPEG qualities, drawn for each picture anew: uniform:5-95 (default), shares:10=3,50-90=1."),
    ] = None,
    codec: Annotated[
        list[str] | None,
        typer.Option(help="Instead: settings as in a study, drawn alike: jpeg:10, jpeg:5..95:5, webp:30; repeatable."),
    ] = None,
    clean_share: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Of pictures left as they are: 0.1 with qualities, none with --codec."),
    ] = None,
    correct: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_FILE",
            help="Correct the compressed pictures first: small. In a study: --mitigate correct=small+model=SPEC.",
        ),
    ] = None,
    validation: Annotated[
        str | None, typer.Option(help="Labelled pictures to validate on; else a share is held out.")
    ] = None,
    held_out: Annotated[float, typer.Option(help="That share.")] = 0.1,
    epochs: Annotated[float | None, typer.Option(help="Length: how often each picture is seen. Default: 10.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Length in steps instead.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures per step.")] = 32,
    optimizer: Annotated[TaskOptimizer, typer.Option(help="sgd (with momentum) or adamw.")] = TaskOptimizer.sgd,
    lr: Annotated[float | None, typer.Option(min=0, help="Highest rate: 5e-3 with sgd, 3e-4 with adamw.")] = None,
    momentum: Annotated[float, typer.Option(min=0, max=1, help="Of sgd.")] = 0.9,
    weight_decay: Annotated[float, typer.Option(min=0, help="Of kernels and matrices.")] = 1e-4,
    freeze_batch_norm: Annotated[
        bool | None,
        typer.Option(
            "--freeze-batch-norm/--learn-batch-norm",
            help="Keep batch norm's running statistics; by itself where they are folded into the convolutions.",
        ),
    ] = None,
    average: Annotated[float, typer.Option(min=0, max=1, help="Decay of the weights' moving average; 0: none.")] = 0.98,
    evaluate_every: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps between validations; else ten in the run.")
    ] = None,
    patience: Annotated[int | None, typer.Option(min=1, help="End after N validations without a better one.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="End this stretch after M minutes; the same command goes on.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the head, crops, qualities, the order.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the training process.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that compress, correct and resize.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Fine-tune your own model on compressed pictures, with labels. The result is a model in its own format.

    Each picture is compressed at its own size with a real encoder, cropped and mirrored at random, and resized as the
    model does. The weights that do best on held-out pictures, clean and at a few qualities, are kept: RUN holds
    `model/` (transformers) or `model.safetensors` (timm, torchvision), `log.csv`, `validation.csv` and the checkpoint
    from which the same command goes on. The SPEC of the result is printed, for `--model` and `--mitigate model=SPEC`.

    **Examples**

    `unlossy train finetune --model hf:my-model --data photos/train -o runs/tuned`

    `unlossy train finetune --model hf:imagenet-model --data flowers/ --new-head --clean-share 1 -o runs/clean`

    `unlossy train finetune --model timm:resnet18@w.safetensors --data photos/ --codec jpeg:10 --epochs 20 -o runs/q10`

    then `unlossy study --model hf:my-model --data photos/val --mitigate none --mitigate model=hf:runs/tuned/model -o s`
    """
    if qualities is not None and codec:
        raise UsageError("--qualities and --codec both say what to compress with; give one of them")
    torch = require("torch", "train", "fine-tuning")
    refuse_absent_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    trainer, draw = import_module("unlossy.train.finetune"), import_module("unlossy.train.finetune_draw")
    asked = import_module("unlossy.train.finetune_settings")
    drawn = draw.each_alike(codec, clean_share) if codec else draw.drawn_from(qualities or "uniform:5-95", clean_share)
    settings = asked.FinetuneSettings(
        sources=asked.Sources(model, data, validation, held_out, new_head, batch),
        compressions=drawn,
        correct=correct,
        steps=steps,
        epochs=epochs,
        optimizer=optimizer.value,
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        freeze_batch_norm=freeze_batch_norm,
        average=average,
        evaluate_every=evaluate_every,
        patience=patience,
        minutes=minutes,
        seed=seed,
        workers=workers,
        device=resolved_device(device),
    )
    typer.echo(f"training; follow {run / 'log.csv'} and {run / 'validation.csv'}", err=True)
    with progress_bar("train", quiet=json) as on_progress:
        result = trainer.train_finetune(settings, run, on_progress)
    if json:
        typer.echo(json_module.dumps({"run": str(run), **asdict(result)}, indent=1))
    else:
        _print(result)


def _print(result: Any) -> None:  # noqa: ANN401 (a Finetuned; its module loads torch)
    left_out = f", {result.n_left_out} left out" if result.n_left_out else ""
    typer.echo(f"{result.n_training} pictures to train on, {result.n_validation} held out{left_out}")
    ended = "" if result.step >= result.steps or result.stopped else "; the same command goes on"
    typer.echo(f"step {result.step} of {result.steps}{ended}; best at step {result.best_step}")
    for name, top1 in _top1(result.measures).items():
        before = result.before.get(f"top1_{name}")
        typer.echo(f"top-1 of the held-out, {name}: {top1:.1%}" + ("" if before is None else f", before {before:.1%}"))
    typer.echo(result.model)


def _top1(measures: Mapping[str, float] | None) -> dict[str, float]:
    """Top-1 by setting."""
    named = (measures or {}).items()
    return {name.removeprefix("top1_"): value for name, value in named if name.startswith("top1_")}
