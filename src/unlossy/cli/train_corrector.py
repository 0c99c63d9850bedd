"""`unlossy train corrector`: a corrector of your own. The settings are those of `python -m unlossy.train.corrector`."""

import argparse
import json as json_module
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from unlossy.cli.device import refuse_absent_device
from unlossy.cli.progress import progress_bar
from unlossy.cli.trained import standing, validation_of
from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.correctors.registry import weights_of


class Size(StrEnum):
    """The networks that ship."""

    small = "small"
    base = "base"


class Loss(StrEnum):
    """What training minimises, in RGB."""

    rms = "rms"
    rms_b = "rms-b"
    absolute = "absolute"


class Optimizer(StrEnum):
    """What takes the steps."""

    muon = "muon"
    adamw = "adamw"


class Precision(StrEnum):
    """What products are taken in."""

    bf16 = "bf16"
    fp32 = "fp32"


def corrector(
    images: Annotated[
        list[Path],
        typer.Option("--images", metavar="DIR", help="A folder of clean pictures; repeatable."),
    ],
    run: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="The folder of this run; resumes.")],
    size: Annotated[Size, typer.Option(help="small (1 million parameters) or base (2.7 million).")] = Size.small,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the whole run, resumed ones included.")] = 20_000,
    decay_steps: Annotated[
        int | None, typer.Option(min=1, help="Hold the rate and let it fall over the last N steps, else a cosine.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="End this stretch after M minutes; the same command goes on.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Crops per step.")] = 32,
    crop: Annotated[int, typer.Option(min=16, help="Side of a crop in pixels, a multiple of 16.")] = 128,
    lr: Annotated[float, typer.Option(help="The highest learning rate.")] = 8e-4,
    loss: Annotated[
        Loss, typer.Option(help="rms: root mean square of each crop; rms-b: with its blocking; absolute: L1.")
    ] = Loss.rms,
    optimizer: Annotated[
        Optimizer, typer.Option(help="adamw, or muon for the kernels and adamw for the rest.")
    ] = Optimizer.adamw,
    weight_decay: Annotated[float, typer.Option(help="Of kernels and matrices, per unit of rate.")] = 0.02,
    precision: Annotated[Precision, typer.Option(help="bf16 autocast, or float32 throughout.")] = Precision.bf16,
    evaluate_every: Annotated[int, typer.Option(min=1, metavar="N", help="Steps between validations.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Draws weights, crops, qualities.")] = 0,
    init: Annotated[
        str | None, typer.Option(metavar="NAME_OR_FILE", help="Start from these weights; blocks may differ.")
    ] = None,
    teacher: Annotated[
        str | None, typer.Option(metavar="NAME_OR_FILE", help="Learn from a trained network's answers, too.")
    ] = None,
    teacher_share: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Of its answers in what is aimed at.")
    ] = 0.75,
    heavy_share: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Of crops at qualities 5 to 40; the others lie above.")
    ] = 0.65,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of the training process.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that compress pictures.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Train a corrector for fidelity: pictures are compressed on the fly, the network learns to undo it.

    Any folder of clean pictures will do, the more varied the better; nothing is labelled. Each step takes random crops
    and compresses them with a real encoder, at qualities 5 to 98, in several subsamplings, some twice, some without
    their tables. RUN holds `weights.safetensors` (the moving average, for `correct`), `log.csv`, `validation.csv` and
    the checkpoint from which the same command goes on, after a kill as after `--minutes`.

    **Examples**

    `unlossy train corrector --images photos/ -o runs/mine`

    `unlossy train corrector --images photos/ --images scans/ --size base --steps 60000 --minutes 120 -o runs/base`

    `unlossy train corrector --images photos/ --init small --teacher base -o runs/taught`

    then `unlossy correct photos/ repaired/ --corrector runs/mine/weights.safetensors`
    """
    if crop % 16:
        raise UsageError(f"--crop must be a multiple of 16, not {crop}")
    for folder in images:
        if not folder.is_dir():
            raise UsageError(f"there is no folder {str(folder)!r}; --images takes folders of clean pictures")
    torch = require("torch", "train", "training a corrector")
    trainer = import_module("unlossy.train.corrector")
    refuse_absent_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    settings = trainer.settings_of(
        argparse.Namespace(
            images=images,
            size=size.value,
            steps=steps,
            decay_steps=decay_steps,
            minutes=minutes,
            batch=batch,
            crop=crop,
            lr=lr,
            loss=loss.value,
            optimizer=optimizer.value,
            weight_decay=weight_decay,
            precision=precision.value,
            evaluate_every=evaluate_every,
            seed=seed,
            init=None if init is None else weights_of(init),
            teacher=None if teacher is None else weights_of(teacher),
            teacher_share=teacher_share,
            heavy_share=heavy_share,
            workers=workers,
            device=device,
        )
    )
    typer.echo(f"training; follow {run / 'log.csv'} and {run / 'validation.csv'}", err=True)
    with progress_bar("train", quiet=json) as on_progress:
        state = trainer.train_corrector(settings, run, on_progress)
    told = {"run": str(run), "step": state.step, "steps": steps, "weights": str(run / "weights.safetensors")}
    validation = validation_of(run)
    if json:
        typer.echo(json_module.dumps(told | {"validation": validation}, indent=1))
        return
    typer.echo(standing(state.step, steps))
    for quality, jpeg_db, corrected_db in _psnr_pairs(validation):
        typer.echo(f"PSNR at quality {quality}, pictures held out: JPEG {jpeg_db:.2f} dB, corrected {corrected_db:.2f}")
    typer.echo(told["weights"])


def _psnr_pairs(validation: dict[str, float] | None) -> list[tuple[str, float, float]]:
    """Quality, the JPEG's PSNR and the corrected picture's, for each `jpeg_qN_db` that has its `qN_db`."""
    row = validation or {}
    names = [name.removeprefix("jpeg_") for name in row if name.startswith("jpeg_")]
    return [(name[1:].removesuffix("_db"), row[f"jpeg_{name}"], row[name]) for name in names if name in row]
