"""The loop of a repair: workers take files in small batches, the manifest notes what is done; a kill costs a batch."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from unlossy.core.errors import RunError, UsageError
from unlossy.correctors.base import Corrector
from unlossy.engines import Engine, Failed, LocalEngine
from unlossy.repair.books import BOOKS, DRAFTS
from unlossy.repair.manifest import Head, Manifest
from unlossy.repair.plan import Job, RepairPlan, Work, open_work
from unlossy.repair.result import Record, RepairResult
from unlossy.repair.worker import RepairWorker
from unlossy.store import run_lock

BATCH: Final = 16
"""Files per step of the manifest."""

Progress = Callable[[int, int], None]
"""Called with the number of files done and the number there are."""


def run_repair(
    plan: RepairPlan, corrector: Corrector, *, on_progress: Progress | None = None, engine: Engine | None = None
) -> RepairResult:
    """What became of every file of the plan; a folder's run goes on where an earlier, killed one stopped.

    Files that the corrector leaves as they are, and pictures of more than 8 bits a sample, are copied byte for byte.
    What is in the place of a result, and is neither that nor what an earlier run left there, stays: the record says so.

    Raises:
        UsageError: nothing was done (no such IN, OUT in or around IN, OUT with other contents).
        RunError: the run could not go on (disk full, OUT in use); the same call goes on. Failed files are records.
    """
    work = open_work(plan)
    tell = on_progress or (lambda _done, _total: None)
    engine = engine or LocalEngine()
    if work.root is None:
        return _one_file(plan, work, corrector)
    with _books(work.root) as drafts:
        manifest = Manifest(work.root, Head(corrector.name, corrector.digest, work.format), work.jobs)
        records = {job.key: record for job in work.jobs if (record := manifest.done(job)) is not None}
        todo, n_earlier = [job for job in work.jobs if job.key not in records], len(records)
        tell(n_earlier, len(work.jobs))
        worker = RepairWorker(corrector, work.format, work.root, drafts, plan.partial, plan.palettes, manifest.claims)
        for done in _batches(engine, worker, todo):
            records |= {record.key: record for record in manifest.add(done)}
            tell(len(records), len(work.jobs))
        records |= {record.key: record for record in manifest.add(work.lost)}
        manifest.claims.close()
    ordered = tuple(records[key] for key in sorted(records))
    return _result(plan, work, corrector, ordered, n_earlier, manifest.path)


def _batches(engine: Engine, worker: RepairWorker, todo: Sequence[Job]) -> Iterator[list[Record]]:
    with closing(engine.map(lambda: worker, todo, BATCH)) as outcomes:
        for outcome in outcomes:
            if isinstance(outcome, Failed):
                raise outcome.error
            yield outcome.value


def _one_file(plan: RepairPlan, work: Work, corrector: Corrector) -> RepairResult:
    """The result for a single file, which needs no memory of what is done."""
    folder = work.jobs[0].copied.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=BOOKS, dir=folder) as drafts:
            worker = RepairWorker(corrector, work.format, folder, Path(drafts), plan.partial, plan.palettes)
            return _result(plan, work, corrector, tuple(worker(work.jobs)), 0, None)
    except OSError as error:
        raise UsageError(f"cannot write to the folder {str(folder)!r}: {error.strerror or error}") from error


@contextmanager
def _books(root: Path) -> Iterator[Path]:
    """A folder for drafts; OUT is locked meanwhile, and what a killed run left half done is cleared away."""
    drafts = root / BOOKS / DRAFTS
    try:
        (root / BOOKS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {str(root)!r}: {error.strerror}; give another OUT") from error
    with ExitStack() as stack:
        try:
            stack.enter_context(run_lock(root / BOOKS))
        except RunError as error:
            raise RunError(f"{str(root)!r} is in use by another process; wait for it, or give another OUT") from error
        stack.callback(shutil.rmtree, drafts, ignore_errors=True)
        try:
            shutil.rmtree(drafts, ignore_errors=True)
            drafts.mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot write to {str(drafts)!r}: {error.strerror or error}") from error
        yield drafts


def _result(
    plan: RepairPlan,
    work: Work,
    corrector: Corrector,
    records: tuple[Record, ...],
    n_earlier: int,
    manifest: Path | None,
) -> RepairResult:
    return RepairResult(
        str(plan.source),
        str(plan.output),
        corrector.name,
        corrector.digest,
        work.format,
        records,
        n_earlier,
        work.others,
        manifest,
    )
