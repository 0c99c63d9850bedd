"""A corrector network trained for fidelity on pictures compressed on the fly.

    python -m unlossy.train.corrector --images DIR... --size base -o RUN [--steps N] [--minutes M]

RUN holds `checkpoint.pt` (all that a resumed run needs), `weights.safetensors` (the average, what ships), `log.csv` and
`validation.csv`. The same command resumes. Needs torch, numpy and Pillow; runs on a GPU where there is one.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from unlossy.core.errors import RunError, UnlossyError
from unlossy.correctors.nets.colour import ycc_from_rgb
from unlossy.correctors.nets.sizes import SIZES, load_network, save_network
from unlossy.correctors.nets.unet import UNet, UNetShape
from unlossy.train.data import Batch, CropsByArea, Pairs, batches, read_images
from unlossy.train.degrade import FIDELITY, MARGIN
from unlossy.train.loop import Job, Progress, checkpoint_of, train
from unlossy.train.losses import rgb_l1, rgb_rms, rgb_rms_b
from unlossy.train.reshape import reshaped
from unlossy.train.run_facts import file_digest, pictures_digest, refuse_another, walk_facts
from unlossy.train.schedule import Schedule
from unlossy.train.state import LoopSettings, State
from unlossy.train.tables import Qualities
from unlossy.train.teacher import SHARE, Teacher
from unlossy.train.validation import Validation, held_out

LOSSES: Final[dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "rms": lambda corrected, clean, _known: rgb_rms(corrected, clean),
    "rms-b": rgb_rms_b,
    "absolute": lambda corrected, clean, _known: rgb_l1(corrected, clean),
}
"""Of the corrected Y, Cb, Cr, the clean RGB, and where the 8 x 8 grid is known."""


N_BATCHES_TO_CHOOSE: Final = 4
"""On which the blocks are chosen that leave a network when training goes on with fewer of them."""


@dataclass(frozen=True, slots=True)
class CorrectorSettings:
    """One training run; equal settings and equal pictures give equal weights on one machine."""

    folders: tuple[Path, ...]
    shape: UNetShape
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(Schedule(steps=20_000)))
    batch_size: int = 32
    crop_px: int = 128
    seed: int = 0
    loss: str = "rms"
    workers: int = 2
    initial: Path | None = None
    teacher: Path | None = None
    teacher_share: float = SHARE
    heavy_share: float = Qualities().heavy_share
    device: str = "auto"


def train_corrector(settings: CorrectorSettings, run: Path, tell: Progress = lambda _done, _total: None) -> State:
    """The state at the end of this stretch; `run` holds the weights, and resumes what it held.

    Raises:
        UsageError: no pictures, unusable initial weights, a `run` that was begun otherwise.
        RunError: the checkpoint in `run` is of another network, or the folder cannot be written.
    """
    torch.manual_seed(settings.seed)
    images = read_images(settings.folders, settings.crop_px + MARGIN)
    training, validating = held_out(images)
    device = _device(settings.device)
    validation = Validation(validating, device)
    size_hw = (settings.crop_px, settings.crop_px)
    mix = replace(FIDELITY, qualities=Qualities(heavy_share=settings.heavy_share))
    pairs = Pairs(training, size_hw, settings.seed, CropsByArea(training), mix)
    teacher = _teacher(settings, device)
    network = _network(settings, run, pairs, device)
    described = {
        "seed": str(settings.seed),
        "pictures": str(len(training)),
        "loss": settings.loss,
        "heavy_share": str(settings.heavy_share),
    } | ({} if teacher is None else {"teacher_share": str(teacher.share)})

    def supply(first: int, last: int) -> Iterator[Batch]:
        for batch in batches(pairs, first, last, settings.batch_size, settings.workers):
            yield batch.to(device)

    def keep(average: nn.Module, step: int) -> None:
        assert isinstance(average, UNet)  # noqa: S101 (for the type checker: it is a copy of `network`)
        save_network(run / "weights.safetensors", average, {**described, "step": str(step)})

    try:
        run.mkdir(parents=True, exist_ok=True)
        refuse_another(run, _asked(settings, images))
        job = Job(
            supply,
            lambda net, batch: loss_of(net, batch, settings.loss, teacher),
            validation.psnr_db,
            keep,
            split=Batch.split,
        )
        return train(network, job, settings.loop, run, tell)
    except OSError as error:
        raise RunError(f"{run}: cannot write the run: {error.strerror}. Free space or name another folder") from error


def _asked(settings: CorrectorSettings, images: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What decides the weights, as JSON values; the shape is the checkpoint's."""
    names = ("batch_size", "crop_px", "seed", "loss", "teacher_share", "heavy_share")
    return {name: getattr(settings, name) for name in names} | {
        **walk_facts(settings.loop),
        "teacher": file_digest(settings.teacher),
        "read": pictures_digest(images),
    }


def loss_of(network: nn.Module, batch: Batch, loss: str, teacher: Teacher | None = None) -> Tensor:
    """The loss of a batch; the conversion to Y, Cb, Cr is part of it and stays in full precision."""
    with torch.autocast(batch.clean.device.type, enabled=False):
        clean, degraded = batch.clean.float() / 255.0, batch.degraded.float() / 255.0
        ycc = ycc_from_rgb(degraded).contiguous(memory_format=torch.channels_last)
    corrected = network(ycc, batch.tables, batch.known, batch.sampling)
    if teacher is not None:
        clean = teacher.target(clean, ycc, batch)
    with torch.autocast(batch.clean.device.type, enabled=False):
        return LOSSES[loss](corrected, clean, batch.known)


def _network(settings: CorrectorSettings, run: Path, pairs: Pairs, device: torch.device) -> UNet:
    """Where training begins. A run that goes on has its weights in its checkpoint: only their shape counts."""
    if settings.initial is None or checkpoint_of(run).exists():
        return _placed(UNet(settings.shape), device)
    network = _placed(load_network(settings.initial), device)
    if network.shape == settings.shape:
        return network.train()

    @torch.no_grad()
    def cost(tried: UNet) -> float:
        crops = batches(pairs, 0, N_BATCHES_TO_CHOOSE, settings.batch_size, workers=0)
        return sum(float(loss_of(tried, batch.to(device), "rms")) for batch in crops)

    before = network.shape.blocks
    network = _placed(reshaped(network.train(), settings.shape, cost), device)
    told = f"{settings.initial}: {before} blocks per level become {settings.shape.blocks}; new ones change nothing yet"
    print(told, file=sys.stderr)
    return network


def _teacher(settings: CorrectorSettings, device: torch.device) -> Teacher | None:
    if settings.teacher is None:
        return None
    return Teacher(_placed(load_network(settings.teacher), device), settings.teacher_share)


def _placed(network: UNet, device: torch.device) -> UNet:
    """The same on a device, in the order of memory that convolutions like best."""
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _device(name: str) -> torch.device:
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def parser() -> argparse.ArgumentParser:
    """The options of the command, with their defaults."""
    options = argparse.ArgumentParser(prog="python -m unlossy.train.corrector", description=__doc__.splitlines()[0])
    options.add_argument(
        "--images", type=Path, nargs="+", required=True, metavar="DIR", help="folders of clean pictures"
    )
    options.add_argument("--size", choices=sorted(SIZES), default="small")
    options.add_argument("-o", "--run", type=Path, required=True, metavar="RUN", help="folder to write to or resume")
    options.add_argument("--steps", type=int, default=20_000, help="steps of the whole run, resumed ones included")
    options.add_argument(
        "--decay-steps", type=int, help="hold the rate and let it fall over the last N (else a cosine)"
    )
    options.add_argument("--minutes", type=float, help="end this stretch after M minutes; the same command goes on")
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--crop", type=int, default=128, help="side of a training crop, a multiple of 16")
    options.add_argument("--lr", type=float, default=8e-4)
    options.add_argument("--loss", choices=LOSSES, default="rms")
    options.add_argument("--optimizer", choices=("adamw", "muon"), default="adamw")
    options.add_argument("--weight-decay", type=float, default=0.02, help="of kernels and matrices, per unit of rate")
    options.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    options.add_argument("--evaluate-every", type=int, default=500, metavar="N", help="steps between validations")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--init", type=Path, metavar="WEIGHTS", help="start from these weights; blocks may differ")
    options.add_argument("--teacher", type=Path, metavar="WEIGHTS", help="learn from this network's answers, too")
    options.add_argument("--teacher-share", type=float, default=SHARE, help="of its answers in what is aimed at, 0..1")
    options.add_argument(
        "--heavy-share", type=float, default=Qualities().heavy_share, help="of crops at qualities 5 to 40, 0..1"
    )
    options.add_argument("--threads", type=int, help="threads of the training process")
    options.add_argument("--workers", type=int, default=2, help="processes that compress pictures")
    options.add_argument("--device", default="auto")
    return options


def settings_of(options: argparse.Namespace) -> CorrectorSettings:
    """The settings that the options name."""
    loop = LoopSettings(
        Schedule(options.steps, decay_steps=options.decay_steps),
        lr=options.lr,
        muon=options.optimizer == "muon",
        weight_decay=options.weight_decay,
        bf16=options.precision == "bf16",
        evaluate_every=options.evaluate_every,
        minutes=options.minutes,
    )
    return CorrectorSettings(
        folders=tuple(options.images),
        shape=SIZES[options.size],
        loop=loop,
        batch_size=options.batch,
        crop_px=options.crop,
        seed=options.seed,
        loss=options.loss,
        workers=options.workers,
        initial=options.init,
        teacher=options.teacher,
        teacher_share=options.teacher_share,
        heavy_share=options.heavy_share,
        device=options.device,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code of the command."""
    options = parser().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        state = train_corrector(settings_of(options), options.run)
    except UnlossyError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps({"run": str(options.run), "step": state.step}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
