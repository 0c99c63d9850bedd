"""Task-targeted artifact correction: the corrector learns to give a frozen network the picture that it needs.

    clean view ──────────────────────────────────► task network ─ answers ─┐
        └─ JPEG ─ corrector ─ guards ─ corrected ─► task network ─ answers ─┴─ loss + weight * |corrected - clean|
                                      └──────────────────────────────────────┘

No labels: any pictures will do. Only the corrector learns; the guards that hold it when it runs hold it here, too.
Several networks may be aimed at, of several tasks, a step each in turn with views of its own size. RUN is as in
`corrector`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from unlossy.core.errors import RunError, UsageError
from unlossy.correctors.nets.colour import rgb_from_ycc, ycc_from_rgb
from unlossy.correctors.nets.guarded import guarded
from unlossy.correctors.nets.sizes import load_network, save_network
from unlossy.correctors.nets.unet import UNet
from unlossy.tasks.models.differentiable import Differentiable, TorchNetwork
from unlossy.tasks.models.feature_maps import default_layer
from unlossy.train.aim_validation import AimValidation
from unlossy.train.data import Batch, batches, read_images
from unlossy.train.degrade import Mix
from unlossy.train.loop import Job, Progress, train
from unlossy.train.quality_shares import VALIDATED, QualityShares, looked_at, quality_shares
from unlossy.train.run_facts import file_digest, pictures_digest, refuse_another, walk_facts
from unlossy.train.schedule import Schedule
from unlossy.train.state import LoopSettings, State
from unlossy.train.tables import Qualities
from unlossy.train.task_losses import FEATURE_LOSSES, OF_CLASSES, Answers, Watched, units_of
from unlossy.train.validation import held_out
from unlossy.train.views import MIN_SIDE_PX, ViewsOfEach, view

BYPASS_STEP: Final = 6.0
"""Mean luma step under which a file is near-lossless and stays as it is: quality 95 and above with libjpeg's tables."""

DEFAULT_SIZE_HW: Final = (224, 224)
"""Of the views for a network that takes any size."""

UNIT_VIEWS: Final = 32
"""Clean views over which the spread of each head is taken."""

HIGHEST: Final = 94
"""IJG quality whose luma steps are above that."""

MIX: Final = Mix(
    shares={"jpeg": 0.87, "hidden": 0.08, "webp": 0.05},
    samplings={"4:2:0": 0.78, "4:4:4": 0.14, "4:2:2": 0.06, "grey": 0.02},
    qualities=Qualities(lowest=5, heavy=25, highest=HIGHEST, heavy_share=0.5),
)


@dataclass(frozen=True, slots=True)
class TtacSettings:
    """One run; equal settings and equal pictures give equal weights on one machine.

    Attributes:
        loss: one of `task_losses.LOSSES`; with features, at `layers` of each network (default: its last feature map).
        task_weight: of that loss.
        fidelity_weight: of the mean absolute error in RGB, samples of 0..255.
    """

    folders: tuple[Path, ...]
    initial: Path
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(Schedule(steps=1500), lr=1e-3, ema_decay=0.995))
    batch_size: int = 16
    seed: int = 0
    loss: str = "prediction-l1"
    layers: tuple[str, ...] = ()
    task_weight: float = 1.0
    fidelity_weight: float = 0.03
    qualities: str | None = None
    """JPEG qualities of the views, as `quality_shares` reads them; None: half of them 5 to 25, half 26 to 94."""
    workers: int = 1
    limit: int | None = None
    """Pictures to use at most, drawn by the seed; None for all."""
    device: str = "cpu"
    """torch's name of what trains; a run may go on on another."""


@dataclass(frozen=True, slots=True)
class Aimed:
    """A batch, and which of the networks it is shown to."""

    network: int
    batch: Batch

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self.batch)

    def split(self, n_parts: int) -> "list[Aimed]":
        """At most n parts, in order."""
        return [Aimed(self.network, part) for part in self.batch.split(n_parts)]


def train_ttac(
    settings: TtacSettings,
    networks: Sequence[TorchNetwork],
    run: Path,
    tell: Progress = lambda _done, _total: None,
) -> State:
    """The state at the end of this stretch; `run` holds the weights, and resumes what it held.

    Raises:
        UsageError: too few pictures, an unknown layer, a loss that a network has no outputs for, a network that does
            not run on the device, unusable initial weights, a `run` that was begun otherwise.
        RunError: the loss is not finite, the checkpoint in `run` is of another network, `run` cannot be written.
    """
    torch.manual_seed(settings.seed)
    mix, sizes = _mix(settings), [size_of(task) for task in networks]
    pictures = _pictures(settings)
    training, validating = held_out(pictures)
    device = torch.device(settings.device)
    corrector = load_network(settings.initial).train().to(device)
    corrector.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    any_size = [task.input_hw is None for task in networks]
    pairs = ViewsOfEach(training, sizes, settings.batch_size, settings.seed, view, mix, any_size)
    watched = [
        _watched(_on(device, task), settings, pairs.clean_of(i, UNIT_VIEWS).to(device))
        for i, task in enumerate(networks)
    ]
    validation = AimValidation(validating, watched, sizes, _validated(mix.qualities), device)
    facts = _facts(settings, networks, len(training))

    def supply(first: int, last: int) -> Iterator[Aimed]:
        for step, batch in enumerate(batches(pairs, first, last, settings.batch_size, settings.workers), start=first):
            yield Aimed(pairs.network_of(step), batch.to(device))

    def keep(average: nn.Module, step: int) -> None:
        assert isinstance(average, UNet)  # noqa: S101 (for the type checker: it is a copy of the corrector)
        save_network(run / "weights.safetensors", average, {**facts, "step": str(step)})

    def loss_of(network: nn.Module, aimed: Aimed) -> Tensor:
        return aimed_loss(network, watched[aimed.network], aimed.batch, settings)

    try:
        run.mkdir(parents=True, exist_ok=True)
        refuse_another(run, _asked(settings, networks, pictures))
        score = score_of if validating else None  # too few pictures to hold any out: the latest average is kept
        job = Job(supply, loss_of, validation.measures, keep, score, Aimed.split)
        return train(corrector, job, settings.loop, run, tell)
    except OSError as error:
        raise RunError(f"{run}: cannot write the run: {error.strerror}. Free space or name another folder") from error


def aimed_loss(network: nn.Module, task: Watched, batch: Batch, settings: TtacSettings) -> Tensor:
    """The loss of a batch: the task network's on the corrected pictures, and fidelity's share.

    The corrector may run under autocast; the task network never does: in bfloat16 the gradient with respect to the
    picture that comes back through MobileNetV2 points elsewhere (cosine 0.75 to 0.88 with single precision's).
    """
    device = batch.clean.device.type
    with torch.autocast(device, enabled=False):
        clean, degraded = batch.clean.float() / 255.0, batch.degraded.float() / 255.0
        clean = clean.contiguous(memory_format=torch.channels_last)
        ycc = ycc_from_rgb(degraded).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            wanted = dict(task(clean))
    answer = network(ycc, batch.tables, batch.known, batch.sampling)
    with torch.autocast(device, enabled=False):
        held = guarded(answer.float(), ycc, batch.tables, batch.known, batch.sampling)
        corrected = rgb_from_ycc(held)
        fidelity = 255.0 * (corrected - clean).abs().mean()
        found: Answers = task(corrected.clamp(0.0, 1.0))
        measured = task.loss(settings.loss, found, wanted)
        return settings.task_weight * measured + settings.fidelity_weight * fidelity


def score_of(measures: Mapping[str, float]) -> float:
    """The share of the distance to the clean answers that correction takes away, mean over the qualities."""
    left = [value for name, value in measures.items() if name.startswith("distance_")]
    return 1.0 - sum(left) / len(left) if left else 0.0


def size_of(task: Differentiable) -> tuple[int, int]:
    """Height and width of the views that a network is shown: its input's, up to the next multiple of 16."""
    height, width = task.input_hw or DEFAULT_SIZE_HW
    return -(-height // 16) * 16, -(-width // 16) * 16


def without_folders(spec: str) -> str:
    """A model SPEC as weights may tell it to others: a file or folder by its last name, a hub id as it is."""
    head, separator, name = spec.rpartition("@" if "@" in spec else ":")
    return f"{head}{separator}{Path(name).name}" if Path(name).expanduser().exists() else spec


def _mix(settings: TtacSettings) -> Mix:
    """What the views are compressed with."""
    if settings.qualities is None:
        return MIX
    drawn = quality_shares(settings.qualities)
    if min(drawn.qualities) > HIGHEST:
        raise UsageError(
            f"JPEGs of quality {HIGHEST + 1} and more come out as they went in, so there is nothing to learn from "
            f"{settings.qualities!r}; name lower qualities"
        )
    return replace(MIX, qualities=drawn)


def _validated(drawn: Qualities | QualityShares) -> tuple[int, ...]:
    """The qualities that validation looks at."""
    if isinstance(drawn, Qualities):
        return VALIDATED
    return looked_at(drawn.qualities, [quality for quality in VALIDATED if quality in drawn.qualities])


def _pictures(settings: TtacSettings) -> dict[str, np.ndarray]:
    images = read_images(settings.folders, smallest_px=MIN_SIDE_PX)
    names = sorted(images)
    if settings.limit is not None:
        chosen = np.random.default_rng(settings.seed).permutation(len(names))[: settings.limit]
        names = sorted(names[i] for i in chosen)
    if len(names) < settings.batch_size:
        more = "name more folders (any pictures will do, labels are not needed)"
        remedy = "raise --limit" if len(names) < len(images) else more
        raise UsageError(
            f"{len(names)} pictures are fewer than a batch of {settings.batch_size}: {remedy} or lower --batch"
        )
    return {name: images[name] for name in names}


def _on(device: torch.device, task: TorchNetwork) -> TorchNetwork:
    """The network there, tried once; raises UsageError where parts of it stay behind (constants in a graph, say)."""
    moved = task.to(device)
    if device.type == "cpu":
        return moved
    try:
        with torch.no_grad():
            moved.outputs(torch.zeros(1, 3, *size_of(task), device=device))
    except RuntimeError as error:
        if "device" not in str(error):
            raise
        raise UsageError(f"{task.spec} does not run on {device} ({error}); give --device cpu") from error
    return moved


def _watched(task: TorchNetwork, settings: TtacSettings, clean: Tensor) -> Watched:
    if settings.loss in FEATURE_LOSSES:
        tokens = task.task == "classification"
        layers = settings.layers or (default_layer(task, clean[:1], tokens=tokens),)
        return Watched(task, layers, units_of(task, clean))
    if settings.loss in OF_CLASSES and all(head.kind == "values" for head in task.heads.values()):
        raise UsageError(f"{task.spec} has no output that is a distribution over classes; use --loss prediction-l1")
    return Watched(task, (), units_of(task, clean))


def _facts(settings: TtacSettings, networks: Sequence[TorchNetwork], n_pictures: int) -> dict[str, str]:
    """What the weights file tells of its making; `guards` is read when it is opened."""
    return {
        "seed": str(settings.seed),
        "pictures": str(n_pictures),
        "loss": settings.loss,
        "task_weight": str(settings.task_weight),
        "fidelity_weight": str(settings.fidelity_weight),
        **({} if settings.qualities is None else {"qualities": settings.qualities}),
        "initial": settings.initial.name,
        "aimed_at": json.dumps([_aim(task) for task in networks]),
        "guards": json.dumps({"bypass_step": BYPASS_STEP}),
    }


def _asked(
    settings: TtacSettings, networks: Sequence[TorchNetwork], images: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """What decides the weights, as JSON values."""
    unasked = ("folders", "initial", "loop", "workers", "device")
    plain = {each.name: getattr(settings, each.name) for each in fields(settings) if each.name not in unasked}
    return plain | {
        **walk_facts(settings.loop),
        "start": file_digest(settings.initial),
        "read": pictures_digest(images),
        "models": [f"{task.task} {task.digest}" for task in networks],
    }


def _aim(task: TorchNetwork) -> dict[str, str]:
    told = {"model": without_folders(task.spec), "digest": task.digest}
    return told if task.task == "classification" else told | {"task": task.task}
