"""The loop of a study, on one screen: workers prepare, the model answers, rows are written; a kill costs a chunk.

The unit of work is a chunk of at most 16 items in all their cells, one transaction each. Batches mix qualities but
never cross a chunk, so a resumed run asks the model the same questions in the same company and its rows equal an
undisturbed run's.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from unlossy.datasets import open_dataset
from unlossy.datasets.base import Dataset, categories_of
from unlossy.engines import Engine, Failed, LocalEngine
from unlossy.runs.folder import SAMPLES, UNUSED, open_run
from unlossy.runs.plan import StudyPlan
from unlossy.runs.summary import StudyResult, summarise_run
from unlossy.study.answers import Answerer
from unlossy.study.contents import refuse_resized, samples_of
from unlossy.study.exhibits import write_exhibits
from unlossy.study.labels import labelled_for
from unlossy.study.methods import keep_methods
from unlossy.study.mitigation import open_mitigations
from unlossy.study.pictures import refuse_unknown, write_pictures
from unlossy.study.provenance import provenance_of
from unlossy.study.worker import ChunkWorker
from unlossy.tasks.registry import load_task, yardstick

CHUNK = 16
"""Items per transaction. Part of what makes rows equal after a resume: changing it changes the batches."""

MAX_VIEWS = 384
"""Prepared pictures that a chunk of a study with mitigations may hold: 230 MB of 224 x 224 in float32."""

Progress = Callable[[int, int], None]
"""Called with the number of items done and the number there are."""


def run_study(
    plan: StudyPlan,
    run: Path | str,
    *,
    on_progress: Progress | None = None,
    engine: Engine | None = None,
    show: Sequence[str] = (),
    device: str = "cpu",
) -> StudyResult:
    """The result of the plan, its rows in the folder `run`; goes on where an earlier, killed run stopped.

    `device` is torch's name of where models and correctors answer, "cpu" or "cuda"; a RUN begun on one goes on there.
    Pictures that changed their answer are kept in `run`/pictures, and the strips of the items whose keys `show` names.
    Raises UsageError before any work (no data, no such model, labels that do not fit, a folder with another plan or of
    other pictures, no such device or a model that does not go there), RunError where the run cannot go on (locked, disk
    full). Failed items are rows.
    """
    dataset = open_dataset(plan.data, targets=yardstick(plan.task).targets)
    items, categories = list(islice(dataset, plan.limit)), categories_of(dataset)
    refuse_unknown(items, show)
    task = load_task(plan.task, plan.model, categories=categories, device=device)
    labelled = labelled_for(items, dataset, task)
    items = labelled.items
    mitigations = open_mitigations(plan, task, categories, device)
    labelled.refuse_other_order(mitigations)
    answerer = Answerer(task, {m.text: m.task for m in mitigations if m.task is not None}, plan.batch)
    made_by = labelled.explained(provenance_of(plan, items, task, mitigations, device))
    with open_run(Path(run), plan, made_by | _unused(dataset) | {SAMPLES: samples_of(items)}) as store:
        refuse_resized(Path(run), items, store.source_sizes())
        key = store.add_provenance(made_by)
        keep_methods(Path(run), mitigations, answerer)
        done = store.done_items()
        todo = [index for index in range(len(items)) if index not in done]
        worker = ChunkWorker(items, plan.made_codecs, task, plan.compress_at, mitigations)
        tell = on_progress or (lambda _done, _total: None)
        tell(len(items) - len(todo), len(items))
        with closing((engine or LocalEngine()).map(lambda: worker, todo, chunk_of(plan))) as outcomes:
            for outcome in outcomes:
                if isinstance(outcome, Failed):
                    raise outcome.error
                store.add_chunk(answerer(outcome.value, key))
                tell(outcome.refs[-1] + 1, len(items))
        keep_methods(Path(run), mitigations, answerer)
        if task.yardstick.targets == "class":
            write_pictures(Path(run), plan, items, task, store, show)
        else:
            write_exhibits(Path(run), plan, items, task, mitigations, store, show)
    return summarise_run(run)


def _unused(dataset: Dataset) -> dict[str, dict[str, int]]:
    """For `made_by.json` what of the data makes no item and might have been meant to; empty where there is none.

    Files that are no pictures (`others` has them by suffix) are not told.
    """
    counts = {kind: n for kind, n in dataset.others.items() if n and kind and not kind.startswith(".")}
    return {UNUSED: counts} if counts else {}


def chunk_of(plan: StudyPlan) -> int:
    """Items of a chunk: CHUNK, fewer where many mitigations would make their cells too many to hold."""
    n_cells = (1 + len(plan.codecs)) * len(plan.mitigations)
    return CHUNK if len(plan.mitigations) == 1 else max(1, min(CHUNK, MAX_VIEWS // n_cells))
