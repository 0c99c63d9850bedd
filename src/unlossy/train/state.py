"""All that the next training step depends on, how a step is taken, and how the state is saved and found again."""

import copy
import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from unlossy.core.errors import RunError
from unlossy.train.muon import Muon
from unlossy.train.schedule import Schedule

OTHERS_RATE_SHARE: Final = 0.1
"""AdamW's rate beside Muon's, whose steps are a fifth as long. At equal rates the modulation's shifts ran away."""

_UNREADABLE: Final = (
    OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, EOFError, pickle.UnpicklingError
)  # fmt: skip
"""What a checkpoint of something else, an empty or a damaged one leads torch to raise."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How to walk; what to learn is the caller's.

    `minutes` ends this stretch, not the schedule; `patience` ends the run after so many validations without a better
    score.
    """

    schedule: Schedule
    lr: float = 8e-4
    muon: bool = False
    weight_decay: float = 0.02
    max_gradient_norm: float = 1.0
    ema_decay: float = 0.999
    bf16: bool = True
    log_every: int = 20
    evaluate_every: int = 250
    checkpoint_every_s: float = 120.0
    minutes: float | None = None
    patience: int | None = None
    optimizers: "Callable[[nn.Module, LoopSettings], list[Optimizer]] | None" = None
    """Makes the optimizers in the place of `optimizers_for`."""


class State:
    """The network, its moving average, its optimizers and the number of steps taken."""

    def __init__(self, network: nn.Module, settings: LoopSettings) -> None:
        self.network, self.settings, self.step = network, settings, 0
        self.average = copy.deepcopy(network).requires_grad_(requires_grad=False)
        self.optimizers = (settings.optimizers or optimizers_for)(network, settings)
        self.best_score: float | None = None
        self.best_step = 0

    def is_best(self, score: float) -> bool:
        """Whether no score before was as high; it is remembered. One that is no number is not."""
        if math.isnan(score) or (self.best_score is not None and not score > self.best_score):
            return False
        self.best_score, self.best_step = score, self.step
        return True

    def out_of_patience(self) -> bool:
        """Whether the best score is more than `patience` validations old."""
        patience, every = self.settings.patience, self.settings.evaluate_every
        return patience is not None and self.best_score is not None and self.step - self.best_step >= patience * every

    def save(self, path: Path) -> None:
        """Nothing; the checkpoint at `path` is replaced in one move. Raises RunError where it cannot be written."""
        partial = path.with_name(path.name + ".part")
        held = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "best": [self.best_score, self.best_step],
        }
        try:
            torch.save(held, partial)
        except RuntimeError as error:  # of a full disk torch does not raise an OSError
            partial.unlink(missing_ok=True)
            raise RunError(
                f"{path}: cannot write the checkpoint: {error}. Free space or name another folder"
            ) from error
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Nothing; all is as when it was saved. Raises RunError where the checkpoint is of another network."""
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            self.network.load_state_dict(saved["network"])
            self.average.load_state_dict(saved["average"])
            for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
                optimizer.load_state_dict(state)
            torch.set_rng_state(saved["random"])
            if len(saved.get("random_gpu", [])) == torch.cuda.device_count() > 0:
                torch.cuda.set_rng_state_all(saved["random_gpu"])
            self.step = int(saved["step"])
            self.best_score, self.best_step = saved.get("best", (None, 0))
        except _UNREADABLE as error:
            raise RunError(
                f"{path}: not a checkpoint of this run: {error}. Name an empty folder to begin anew"
            ) from error

    def advance(self, losses_of: Sequence[Callable[[], Tensor]], sizes: Sequence[int] = ()) -> Tensor:
        """The loss before the step that is taken: the mean of the batch's parts, each of which is a call.

        Args:
            losses_of: the mean loss of each part.
            sizes: how many pictures each has; all alike where not given.

        Raises:
            RunError: the loss is not finite. The weights are then as before the step.
        """
        rate = self.settings.lr * self.settings.schedule.factor(self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["rate_share"]
            optimizer.zero_grad(set_to_none=True)
        sizes = sizes or [1] * len(losses_of)
        losses = [self._backward(of, size / sum(sizes)) for of, size in zip(losses_of, sizes, strict=True)]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.max_gradient_norm)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self._average()
        return torch.stack(losses).sum()

    def _backward(self, loss_of: Callable[[], Tensor], share: float) -> Tensor:
        loss = loss_of() * share
        if not torch.isfinite(loss):
            raise RunError(
                f"the loss is {float(loss.detach())} at step {self.step}: lower the rate (--lr), or look for pictures "
                "that the network answers with NaN. The weights kept are those of the last good checkpoint"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    @torch.no_grad()
    def _average(self) -> None:
        # young averages forget faster, or the first weights would stay in them
        decay = min(self.settings.ema_decay, (1.0 + self.step) / (10.0 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1.0 - decay)


def optimizers_for(network: nn.Module, settings: LoopSettings) -> list[Optimizer]:
    """Muon for the convolutions' kernels where it is asked for, AdamW for the rest; biases and scales do not decay."""
    kernels = [p for p in network.parameters() if settings.muon and p.ndim == 4]
    matrices = [p for p in network.parameters() if p.ndim > 1 and not (settings.muon and p.ndim == 4)]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    share = OTHERS_RATE_SHARE if kernels else 1.0
    adamw = AdamW(
        [
            {"params": matrices, "weight_decay": settings.weight_decay, "rate_share": share},
            {"params": vectors, "weight_decay": 0.0, "rate_share": share},
        ],
        lr=settings.lr,
        betas=(0.9, 0.99),
    )
    if not kernels:
        return [adamw]
    decayed = {"params": kernels, "rate_share": 1.0}
    return [adamw, Muon([decayed], lr=settings.lr, weight_decay=settings.weight_decay)]
