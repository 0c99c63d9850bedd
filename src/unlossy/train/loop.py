"""The training loop: batch, loss, step, average; a log, a validation and a checkpoint every so often.

A checkpoint holds all that the next step depends on and is replaced in one move, so a run that is killed at any moment
resumes to the very weights that an undisturbed one would have had. Batches are a function of the step's number.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from unlossy.train.progress import Clock, Log
from unlossy.train.state import LoopSettings, State

B = TypeVar("B")


Progress = Callable[[int, int], None]
"""Called with the number of steps done and the number there are."""


@dataclass(frozen=True, slots=True)
class Job(Generic[B]):
    """What is learnt: the batches of a range of steps, the loss on one, a validation, what to keep of the average."""

    batches: Callable[[int, int], Iterator[B]]
    loss_of: Callable[[nn.Module, B], Tensor]
    evaluate: Callable[[nn.Module], Mapping[str, float]]
    keep: Callable[[nn.Module, int], None]


def train(
    network: nn.Module, job: Job[B], settings: LoopSettings, folder: Path, tell: Progress = lambda _done, _total: None
) -> State:
    """The state after the last step or after `settings.minutes`, whichever is first; goes on with what `folder` holds.

    `tell` is called after each step with the steps done and the steps there are.

    Raises:
        RunError: the folder's checkpoint is of another network or optimizer.
    """
    state, checkpoint = State(network, settings), folder / "checkpoint.pt"
    if checkpoint.exists():
        state.load(checkpoint)
    log, validation = Log(folder / "log.csv", state.step), Log(folder / "validation.csv", state.step)
    clock = Clock(settings.minutes, settings.checkpoint_every_s)
    batches = job.batches(state.step, settings.schedule.steps)
    device = next(network.parameters()).device
    while state.step < settings.schedule.steps and not clock.out_of_time():
        batch = clock.waited(lambda: next(batches))

        def loss_of(batch: B = batch) -> Tensor:
            with autocast(device, settings.bf16):
                return job.loss_of(network, batch)

        clock.count(state.advance(loss_of))
        tell(state.step, settings.schedule.steps)
        if state.step % settings.log_every == 0:
            log.write({"step": state.step, "lr": state.optimizers[-1].param_groups[0]["lr"], **clock.lap()})
        if state.step % settings.evaluate_every == 0:
            validation.write({"step": state.step, **job.evaluate(state.average)})
        if clock.checkpoint_due():
            state.save(checkpoint)
            job.keep(state.average, state.step)
    state.save(checkpoint)
    job.keep(state.average, state.step)
    return state


def autocast(device: torch.device, bf16: bool) -> AbstractContextManager[object]:
    """Where products are taken in bfloat16, or nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if bf16 else nullcontext()
