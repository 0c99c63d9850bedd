"""What a fine-tuning is asked to do, and how the training loop walks for it."""

from dataclasses import dataclass, field, fields
from typing import Any, Final

import torch

from unlossy.core.errors import UsageError
from unlossy.train.finetune_draw import Compressions, drawn_from
from unlossy.train.finetune_pictures import Pictures, Sources
from unlossy.train.schedule import Schedule
from unlossy.train.state import LoopSettings

RATES: Final = {"sgd": 5e-3, "adamw": 3e-4}
"""Learning rate by optimizer, where none is given."""
EPOCHS: Final = 10.0
"""Where no length is given."""
VALIDATIONS: Final = 10
"""In a run, where not said otherwise."""
FEW: Final = 10
"""Settings of a training whose corrected pictures are kept on disk: each comes again every few epochs."""
MAX_GRADIENT_NORM: Final = 5.0


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """One run; equal settings and equal pictures give equal weights on one machine.

    Attributes:
        sources: the model, the labelled pictures, a folder or share for validation, whether the head is new.
        compressions: what the training pictures are compressed with.
        correct: a corrector's SPEC, for pictures corrected before the network sees them, in validation too; kept in
            RUN/corrected where they are few enough to come again.
        steps, epochs: the length, in one of the two; None: `EPOCHS`.
        lr: None: by the optimizer, see `RATES`.
        freeze_batch_norm: the running statistics stay; None: where they are folded into the convolutions.
        average: decay of the moving average of the weights, which is what is validated and kept; 0: the weights.
        evaluate_every: steps between validations; None: ten in the run.
        patience: stop after so many validations without gain.
    """

    sources: Sources
    compressions: Compressions = field(default_factory=lambda: drawn_from("uniform:5-95"))
    correct: str | None = None
    steps: int | None = None
    epochs: float | None = None
    optimizer: str = "sgd"
    lr: float | None = None
    momentum: float = 0.9
    weight_decay: float = 1e-4
    freeze_batch_norm: bool | None = None
    average: float = 0.98
    evaluate_every: int | None = None
    patience: int | None = None
    minutes: float | None = None
    seed: int = 0
    workers: int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.steps is not None and self.epochs is not None:
            raise UsageError("--steps and --epochs both say how long; give one of them")
        if self.epochs is not None and not self.epochs > 0.0:
            raise UsageError(f"the number of epochs is {self.epochs}; it is above 0")
        if self.optimizer not in RATES:
            raise UsageError(f"the optimizer {self.optimizer!r} is unknown; there are: {', '.join(RATES)}")
        if not 0.0 <= self.average < 1.0:
            raise UsageError(f"the average's decay is {self.average}; it lies from 0 (no average) to below 1")


def loop_settings(settings: FinetuneSettings, n_training: int) -> LoopSettings:
    """How the loop walks: the length in steps, the rate, the rhythm of validations."""
    epochs = EPOCHS if settings.epochs is None else settings.epochs
    steps = settings.steps or max(1, round(epochs * n_training / settings.sources.batch_size))
    return LoopSettings(
        Schedule(steps, warmup_steps=max(1, min(100, steps // 10))),
        lr=RATES[settings.optimizer] if settings.lr is None else settings.lr,
        weight_decay=settings.weight_decay,
        max_gradient_norm=MAX_GRADIENT_NORM,
        ema_decay=settings.average,
        bf16=torch.device(settings.device).type == "cuda",
        log_every=min(20, max(1, steps // 10)),
        evaluate_every=settings.evaluate_every or max(1, steps // VALIDATIONS),
        minutes=settings.minutes,
        patience=settings.patience,
    )


def facts_of(settings: FinetuneSettings, pictures: Pictures) -> dict[str, Any]:
    """What decides the weights, as JSON values; what only decides how fast is not among it."""
    unasked = ("sources", "compressions", "minutes", "workers", "device")
    plain = {each.name: getattr(settings, each.name) for each in fields(settings) if each.name not in unasked}
    corrections = pictures.sight.corrections
    return plain | {
        "corrector": None if corrections is None else corrections.digest,
        "model": settings.sources.model,
        "batch_size": settings.sources.batch_size,
        "read": pictures.digest,
        "labels": pictures.model.labels,
        "compressions": settings.compressions.facts,
    }
