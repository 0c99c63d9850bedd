"""Supervised fine-tuning: the user's own classifier learns, with labels, from pictures compressed on the fly.

The opponent that task-targeted correction is compared with: here the network changes, there it stays as it is. RUN
holds the model in its own format (the best validation's, for `--model`), `checkpoint.pt` (all that a resumed run
needs), `finetune.json` (what was asked for), `log.csv` and `validation.csv`.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name)
from torch import Tensor, nn
from torch.optim import Optimizer

from unlossy.core.errors import RunError
from unlossy.train.finetune_corrections import Corrections
from unlossy.train.finetune_data import Labelled, Views, batches
from unlossy.train.finetune_optimizer import norms_folded, prepare_norms, sgd_for, share_statistics
from unlossy.train.finetune_pictures import Pictures, read_pictures
from unlossy.train.finetune_settings import FEW, FinetuneSettings, facts_of, loop_settings
from unlossy.train.finetune_validation import Validation, score_of
from unlossy.train.loop import Job, Progress, is_out_of_memory, train
from unlossy.train.run_facts import begin, begun, validation_row
from unlossy.train.state import LoopSettings


@dataclass(frozen=True, slots=True)
class Finetuned:
    """How a run stands.

    `model` is the SPEC of what is kept, `measures` its validation (None before the first), `before` that of the model
    as it came, `stopped` whether patience ended it.
    """

    model: str
    step: int
    steps: int
    best_step: int
    before: dict[str, float]
    measures: dict[str, float] | None
    n_training: int
    n_validation: int
    n_left_out: int
    labels: tuple[str, ...] | None
    stopped: bool


def train_finetune(settings: FinetuneSettings, run: Path, tell: Progress = lambda _done, _total: None) -> Finetuned:
    """How the run stands after this stretch; `run` holds the model, and resumes what it held.

    Raises:
        UsageError: a model that cannot be trained or saved, too few pictures, labels that do not fit, a `run` that was
            begun with other settings.
        RunError: a loss that is not finite, not even one picture fits the memory, `run` cannot be written.
    """
    torch.manual_seed(settings.seed)
    few = len(settings.compressions.codecs) <= FEW
    kept = run / "corrected" if few else None
    corrections = None if settings.correct is None else Corrections(settings.correct, kept)
    pictures = read_pictures(settings.sources, corrections, settings.compressions.codecs)
    try:
        return _stretch(settings, pictures, run, tell)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise RunError(f"the memory does not hold the model and a picture ({error}): take another --device") from error
    except OSError as error:
        raise RunError(f"{run}: cannot write the run: {error.strerror}. Free space or name another folder") from error


def _stretch(settings: FinetuneSettings, pictures: Pictures, run: Path, tell: Progress) -> Finetuned:
    model, device = pictures.model, torch.device(settings.device)
    network = model.network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    facts, frozen = facts_of(settings, pictures), _norms_frozen(settings, network)
    before = begun(run, facts)
    validation = Validation(pictures.validating, pictures.sight, settings.compressions, model.pick)
    if before is None:
        before = begin(run, facts, validation.measures(network.eval()))
    prepare_norms(network, frozen=frozen)
    views = Views(pictures.training, pictures.sight, settings.compressions, settings.seed)
    walk = replace(loop_settings(settings, len(pictures.training)), optimizers=_sgd(settings))

    def supply(first: int, last: int) -> Iterator[Labelled]:
        for batch in batches(views, first, last, settings.sources.batch_size, settings.workers):
            yield batch.to(device)

    def evaluate(average: nn.Module) -> dict[str, float]:
        share_statistics(network, average)
        return validation.measures(average.eval())

    def keep(average: nn.Module, _step: int) -> None:
        share_statistics(network, average)
        model.save(average, run)

    def loss(trained: nn.Module, batch: Labelled) -> Tensor:
        return loss_of(trained, model.pick, batch)

    job = Job(supply, loss, evaluate, keep, score_of, Labelled.split)
    state = train(network, job, walk, run, tell)
    best_step = state.step if state.best_score is None else state.best_step
    return Finetuned(
        model=model.saved_as(run),
        step=state.step,
        steps=walk.schedule.steps,
        best_step=best_step,
        before=before,
        measures=validation_row(run / "validation.csv", best_step),
        n_training=len(pictures.training),
        n_validation=len(pictures.validating),
        n_left_out=pictures.n_left_out,
        labels=model.labels,
        stopped=state.out_of_patience(),
    )


def _sgd(settings: FinetuneSettings) -> Callable[[nn.Module, LoopSettings], list[Optimizer]] | None:
    """What makes the optimizer, None for the loop's own AdamW."""
    if settings.optimizer != "sgd":
        return None
    return lambda network, walk: sgd_for(network, walk.lr, settings.momentum, walk.weight_decay)


def _norms_frozen(settings: FinetuneSettings, network: nn.Module) -> bool:
    """Whether batch norm's statistics stay; said on stderr where nobody asked for it."""
    if settings.freeze_batch_norm is not None:
        return settings.freeze_batch_norm
    folded = norms_folded(network)
    if folded:
        print("batch norm is folded into the convolutions: its statistics stay as they are", file=sys.stderr)
    return folded


def loss_of(network: nn.Module, pick: Callable[[Any], Tensor], batch: Labelled) -> Tensor:
    """The cross-entropy of a batch; of networks that answer with auxiliary outputs in training, the main one's."""
    answer = network(batch.images.contiguous(memory_format=torch.channels_last))
    logits = answer[0] if isinstance(answer, tuple) else pick(answer)
    return F.cross_entropy(logits.float(), batch.classes)
