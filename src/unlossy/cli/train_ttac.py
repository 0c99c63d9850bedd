"""`unlossy train ttac`: a corrector aimed at a frozen task network, without labels."""

import json as json_module
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from unlossy.cli.device import refuse_absent_device, resolved_device
from unlossy.cli.progress import progress_bar
from unlossy.cli.train_corrector import Optimizer
from unlossy.cli.trained import standing, validation_of
from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.correctors.registry import weights_of


class TaskLoss(StrEnum):
    """How far the network's answers on corrected pictures are from those on clean ones."""

    prediction_l1 = "prediction-l1"
    soft_mse = "soft-mse"
    distillation = "distillation"
    features = "features"
    features_l1 = "features-l1"


def ttac(
    model: Annotated[
        list[str],
        typer.Option(
            "--model", metavar="[TASK=]SPEC", help="The network to aim at, as in a study; repeatable, of any task."
        ),
    ],
    images: Annotated[
        list[Path], typer.Option("--images", metavar="DIR", help="A folder of pictures, unlabeled; repeatable.")
    ],
    run: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="The folder of this run; resumes.")],
    task: Annotated[
        str, typer.Option(metavar="T", help="What the models do, as in a study; TASK=SPEC says it of one of several.")
    ] = "classification",
    corrector: Annotated[
        str,
        typer.Option(
            metavar="NAME_OR_FILE", help="Where it starts: small, base, ttac-mobilenet-v2, or a weights file."
        ),
    ] = "small",
    loss: Annotated[
        TaskLoss,
        typer.Option(
            help="prediction-l1 (Ehrlich et al.), soft-mse (Liu et al.), distillation, features, features-l1."
        ),
    ] = TaskLoss.prediction_l1,
    layer: Annotated[
        list[str] | None,
        typer.Option(help="With features: a layer by its module name; repeatable. Default: the last feature map."),
    ] = None,
    task_weight: Annotated[float, typer.Option(min=0, help="Of that loss.")] = 1.0,
    fidelity_weight: Annotated[float, typer.Option(min=0, help="Of the mean absolute error in RGB, 0..255.")] = 0.03,
    qualities: Annotated[
        str | None,
        typer.Option(
            help="JPEG qualities of the views: uniform:30-95, shares:5-25=9,26-94=1. Default: shares:5-25=1,26-94=1."
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the whole run, resumed ones included.")] = 1500,
    decay_steps: Annotated[
        int | None, typer.Option(min=1, help="Hold the rate and let it fall over the last N steps, else a cosine.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="End this stretch after M minutes; the same command goes on.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="End the run after N validations without a better one.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Views per step.")] = 16,
    lr: Annotated[float, typer.Option(min=0, help="The highest learning rate.")] = 1e-3,
    optimizer: Annotated[
        Optimizer, typer.Option(help="adamw, or muon for the kernels and adamw for the rest.")
    ] = Optimizer.adamw,
    evaluate_every: Annotated[int, typer.Option(min=1, metavar="N", help="Steps between validations.")] = 100,
    limit: Annotated[int | None, typer.Option(min=1, help="Use N of the pictures, drawn by the seed.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws views, qualities, pictures.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the training process.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that cut and compress pictures.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Aim a corrector at your model: task-targeted artifact correction (TTAC). No labels; the model stays as it is.

    Each step cuts views from the pictures, compresses them with a real encoder, and changes the corrector so that the
    frozen model answers on the corrected view as it does on the clean one: raw outputs, before a detector's boxes are
    chosen. Several models, also of several tasks, take turns, a step each. RUN holds `weights.safetensors` (the best
    average so far), `log.csv`, `validation.csv` and the checkpoint from which the same command goes on. Near-lossless
    JPEGs and pictures without traces of JPEG come out of the result as they went in.

    **Examples**

    `unlossy train ttac --model hf:my-model --images photos/ -o runs/aimed`

    `unlossy train ttac --model timm:resnet50.a1_in1k --model hf:other --images photos/ --minutes 60 -o runs/both`

    `unlossy train ttac --task detection --model onnx:detector.onnx --images photos/ -o runs/detector`

    `unlossy train ttac --model hf:my-model --model detection=onnx:detector.onnx --images photos/ -o runs/two-tasks`

    then `unlossy study --model hf:my-model --data val/ --mitigate none --mitigate correct=WEIGHTS -o runs/s`
    """
    for folder in images:
        if not folder.is_dir():
            raise UsageError(f"there is no folder {str(folder)!r}; --images takes folders of pictures")
    torch = require("torch", "train", "task-targeted training")
    refuse_absent_device(device)
    initial = weights_of(corrector)
    trainer, parts = import_module("unlossy.train.ttac"), import_module("unlossy.train.state")
    opening = import_module("unlossy.tasks.models.differentiable").open_differentiable
    networks = [opening(spec, of_task, threads=threads) for of_task, spec in aims(model, task)]
    if threads is not None:
        torch.set_num_threads(threads)
    schedule = import_module("unlossy.train.schedule").Schedule(steps, warmup_steps=50, decay_steps=decay_steps)
    loop = parts.LoopSettings(
        schedule,
        lr=lr,
        muon=optimizer is Optimizer.muon,
        ema_decay=0.995,
        evaluate_every=evaluate_every,
        minutes=minutes,
        patience=patience,
    )
    settings = trainer.TtacSettings(
        folders=tuple(images),
        initial=initial,
        loop=loop,
        batch_size=batch,
        seed=seed,
        loss=loss.value,
        layers=tuple(layer or ()),
        task_weight=task_weight,
        fidelity_weight=fidelity_weight,
        qualities=qualities,
        workers=workers,
        limit=limit,
        device=resolved_device(device),
    )
    typer.echo(f"training; follow {run / 'log.csv'} and {run / 'validation.csv'}", err=True)
    with progress_bar("train", quiet=json) as on_progress:
        state = trainer.train_ttac(settings, networks, run, on_progress)
    told = {"run": str(run), "step": state.step, "steps": steps, "weights": str(run / "weights.safetensors")}
    kept_step = None if state.best_score is None else state.best_step
    validation = validation_of(run, kept_step)  # of the weights that are kept
    if json:
        typer.echo(json_module.dumps(told | {"validation": validation}, indent=1))
        return
    typer.echo(standing(state.step, steps, out_of_patience=state.out_of_patience()))
    row = validation or {}
    for quality in (name.removeprefix("agreement_q") for name in row if name.startswith("agreement_q")):
        typer.echo(
            f"same answer as on the clean picture at quality {quality}, pictures held out: JPEG "
            f"{row[f'agreement_jpeg_q{quality}']:.0%}, corrected {row[f'agreement_q{quality}']:.0%}"
        )
    typer.echo(told["weights"])


def aims(models: list[str], task: str) -> list[tuple[str, str]]:
    """Task and SPEC of each model, each once, in order; TASK=SPEC names a task other than `task`."""
    found = []
    for model in models:
        name, equals, spec = model.partition("=")
        own = equals and ":" not in name  # what stands before a SPEC's colon has no "="; a path may have one
        found.append((name, spec) if own else (task, model))
    return list(dict.fromkeys(found))
