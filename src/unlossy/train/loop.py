"""The training loop: batch, loss, step, average; a log, a validation and a checkpoint every so often.

A checkpoint holds all that the next step depends on and is replaced in one move, so a run that is killed at any moment
resumes to the very weights that an undisturbed one would have had. Batches are a function of the step's number.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from unlossy.core.errors import RunError
from unlossy.core.words import counted
from unlossy.train.progress import Clock, Log
from unlossy.train.state import LoopSettings, State

B = TypeVar("B", bound=Sized)
"""A batch; its length is the number of pictures."""


Progress = Callable[[int, int], None]
"""Called with the number of steps done and the number there are."""


@dataclass(frozen=True, slots=True)
class Job(Generic[B]):
    """What is learnt: the batches of a range of steps, the loss on one, a validation, what to keep of the average.

    With a `score` of the validation (higher is better) the best average so far is kept, else the latest. With a `split`
    (a batch in n parts) a step that does not fit the memory is taken in parts.
    """

    batches: Callable[[int, int], Iterator[B]]
    loss_of: Callable[[nn.Module, B], Tensor]
    evaluate: Callable[[nn.Module], Mapping[str, float]]
    keep: Callable[[nn.Module, int], None]
    score: Callable[[Mapping[str, float]], float] | None = None
    split: Callable[[B, int], Sequence[B]] | None = None


def train(
    network: nn.Module, job: Job[B], settings: LoopSettings, folder: Path, tell: Progress = lambda _done, _total: None
) -> State:
    """The state after the last step, after `settings.minutes` or without gain for `settings.patience` validations.

    Whichever is first; a run goes on with what `folder` holds. `tell` is called after each step with the steps done and
    the steps there are.

    Raises:
        RunError: the folder's checkpoint is of another network or optimizer, the loss is not finite, or a step does not
            fit the memory in any number of parts.
    """
    state, checkpoint = State(network, settings), checkpoint_of(folder)
    if checkpoint.exists():
        state.load(checkpoint)
    log, validation = Log(folder / "log.csv", state.step), Log(folder / "validation.csv", state.step)
    clock = Clock(settings.minutes, settings.checkpoint_every_s)
    batches = job.batches(state.step, settings.schedule.steps)
    device = next(network.parameters()).device
    stepper = Stepper(network, job, autocast_for(device, settings.bf16))
    while state.step < settings.schedule.steps and not clock.out_of_time() and not state.out_of_patience():
        batch = clock.waited(lambda: next(batches))
        clock.count(stepper.advance(state, batch))
        tell(state.step, settings.schedule.steps)
        if state.step % settings.log_every == 0:
            log.write({"step": state.step, "lr": state.optimizers[-1].param_groups[0]["lr"], **clock.lap()})
        if state.step % settings.evaluate_every == 0 or state.step == settings.schedule.steps:
            measures = job.evaluate(state.average)
            validation.write({"step": state.step, **measures})
            if job.score is not None and state.is_best(job.score(measures)):
                job.keep(state.average, state.step)
                state.save(checkpoint)
        if clock.checkpoint_due():
            _save(state, job, checkpoint)
    _save(state, job, checkpoint)
    return state


def checkpoint_of(run: Path) -> Path:
    """The file from which a run resumes."""
    return run / "checkpoint.pt"


def _save(state: State, job: Job[B], checkpoint: Path) -> None:
    state.save(checkpoint)
    if job.score is None or state.best_score is None:
        job.keep(state.average, state.step)


class Stepper(Generic[B]):
    """Takes steps; one that does not fit the memory is taken in twice as many parts, and so are those after it."""

    def __init__(
        self, network: nn.Module, job: Job[B], precision: Callable[[], AbstractContextManager[object]]
    ) -> None:
        self.network, self.job, self.precision, self.n_parts = network, job, precision, 1

    def advance(self, state: State, batch: B) -> Tensor:
        """The loss before the step. Raises RunError where it is not finite, or no split makes it fit the memory."""
        while True:
            parts = self._parts(batch)
            try:
                return state.advance([partial(self._loss, part) for part in parts], [len(part) for part in parts])
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                if not self._split_further(batch):
                    raise RunError(
                        f"a step does not fit the memory, taken in {counted(len(parts), 'part')} ({error}): "
                        "free some, or take a smaller network, smaller pictures or another device"
                    ) from error

    def _loss(self, part: B) -> Tensor:
        with self.precision():
            return self.job.loss_of(self.network, part)

    def _parts(self, batch: B) -> Sequence[B]:
        return [batch] if self.n_parts == 1 or self.job.split is None else self.job.split(batch, self.n_parts)

    def _split_further(self, batch: B) -> bool:
        """Whether there is a smaller part to try; says so on stderr."""
        before = len(self._parts(batch))
        self.n_parts *= 2
        if self.job.split is None or len(self._parts(batch)) == before:
            return False
        print(f"out of memory: each step is taken in {len(self._parts(batch))} parts from here on", file=sys.stderr)
        return True


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on a GPU or (torch raises a plain RuntimeError there) in main memory."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def autocast_for(device: torch.device, bf16: bool) -> Callable[[], AbstractContextManager[object]]:
    """A context in which products are taken in bfloat16, or nothing."""
    return (lambda: torch.autocast(device.type, dtype=torch.bfloat16)) if bf16 else nullcontext
