"""What a repair is asked to do, and what is refused before any work: above all, never in place.

IN and OUT are compared after links are followed: OUT may not be IN, nor lie inside it (the next run would take its own
results for sources), nor hold it. An OUT folder must be new, empty, or begun by an earlier repair: there is a manifest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from unlossy.core.blobs import FileBlob
from unlossy.core.errors import ItemError, UsageError
from unlossy.core.tools import printable
from unlossy.datasets.folder import FolderDataset
from unlossy.repair.books import BOOKS, head_of
from unlossy.repair.names import FORMATS, corrected_names
from unlossy.repair.result import FAILED, Record


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """A file or a folder of images, where the results go, and as what.

    `format` is png, webp (both lossless) or jpeg (quality 95, 4:4:4); None: what an OUT file's suffix says, else png.
    `partial` takes JPEG files that end early or are damaged as far as they decode; `palettes` gives pictures with a
    palette to the corrector, too (label masks and drawings, mostly: else they are left as they are). Raises UsageError.
    """

    source: Path
    output: Path
    format: str | None = None
    partial: bool = False
    palettes: bool = False

    def __post_init__(self) -> None:
        if self.format is not None and self.format not in FORMATS:
            raise UsageError(f"there is no output format {self.format!r}; there are: {', '.join(FORMATS)}")


@dataclass(frozen=True, slots=True)
class Job:
    """One file: `key` is its path in IN with `/`, `copied` and `corrected` where it goes in either case."""

    key: str
    source: Path
    copied: Path
    corrected: Path


@dataclass(frozen=True, slots=True)
class Work:
    """A plan made concrete: the jobs in key order, and files that are no images, counted by suffix.

    `root` is the OUT folder; None where a single file is written under a name of the user's own. `lost` are the records
    of folders in IN that cannot be listed.
    """

    jobs: tuple[Job, ...]
    format: str
    root: Path | None
    others: Mapping[str, int] = field(default_factory=dict)
    lost: tuple[Record, ...] = ()


def open_work(plan: RepairPlan) -> Work:
    """The work of a plan; raises UsageError on all that cannot be done as asked."""
    try:
        return _work(plan)
    except OSError as error:  # a folder that may not be entered, a name that is too long
        place = error.filename or plan.output
        raise UsageError(f"cannot look at {str(place)!r}: {error.strerror or error}; give another path") from error


def _work(plan: RepairPlan) -> Work:
    if not plan.source.exists():
        raise UsageError(f"there is no file or folder {str(plan.source)!r}")
    _refuse_in_place(plan.source, plan.output)
    if plan.source.is_dir():
        return _folder_work(plan)
    if plan.output.is_dir():
        return _file_into_folder(plan)
    return _file_work(plan)


def _folder_work(plan: RepairPlan) -> Work:
    if plan.output.exists() and not plan.output.is_dir():
        raise UsageError(f"{str(plan.output)!r} is a file; give a folder for the results of a folder")
    _refuse_strangers(plan.output)
    dataset = FolderDataset.open(plan.source, labelled=False)
    sources = {}
    for item in dataset.items:
        if isinstance(item.blob, FileBlob):
            sources[item.blob.path.relative_to(plan.source).as_posix()] = item.blob.path
    for source in sources.values():
        if source.is_symlink() and source.resolve().is_relative_to(plan.output.resolve()):
            raise UsageError(f"{str(source)!r} is a link into {str(plan.output)!r}; a source may not be a result")
    names = corrected_names(list(sources), plan.format or "png")
    jobs = tuple(
        Job(key, source, plan.output / key, plan.output / names[key]) for key, source in sorted(sources.items())
    )
    refusals = {name: one for name, one in sorted(dataset.special.items()) if isinstance(one, ItemError)}
    lost = tuple(_lost(name, error) for name, error in refusals.items())
    return Work(jobs, plan.format or "png", plan.output, dataset.others, lost)


def _lost(name: str, error: ItemError) -> Record:
    """The record of what lies in IN and cannot be looked into."""
    return Record(name, FAILED, -1, -1, error_kind=error.kind, error_message=str(error))


def _file_into_folder(plan: RepairPlan) -> Work:
    name, format_name = plan.source.name, plan.format or "png"
    corrected = plan.output / corrected_names([name], format_name)[name]
    job = Job(name, plan.source, plan.output / name, corrected)
    for target in (job.copied, job.corrected):
        _refuse_in_place(plan.source, target)
    return Work((job,), format_name, None)


def _file_work(plan: RepairPlan) -> Work:
    """The named file is written whatever becomes of the picture, so its suffix must be that of the format."""
    suffix = plan.output.suffix.lower()
    fitting = [name for name, suffixes in FORMATS.items() if suffix in suffixes]
    if not fitting or plan.format not in (None, fitting[0]):
        wanted = FORMATS[plan.format] if plan.format else tuple(s for suffixes in FORMATS.values() for s in suffixes)
        raise UsageError(f"{str(plan.output)!r} must end in one of {', '.join(wanted)}, or be a folder that is there")
    return Work((Job(plan.source.name, plan.source, plan.output, plan.output),), fitting[0], None)


def _refuse_in_place(source: Path, output: Path) -> None:
    real, target = source.resolve(), output.resolve()
    if real == target or (output.exists() and source.samefile(output)):
        raise UsageError(f"{str(output)!r} is {str(source)!r} itself; sources are never overwritten, give another OUT")
    if target.is_relative_to(real):
        raise UsageError(f"{str(output)!r} lies inside {str(source)!r}; give an OUT elsewhere")
    if source.is_dir() and real.is_relative_to(target):
        raise UsageError(f"{str(output)!r} holds {str(source)!r}; give an OUT elsewhere")


def _refuse_strangers(output: Path) -> None:
    """Raises UsageError where OUT holds files that no repair put there."""
    if not output.is_dir() or head_of(output) is not None:
        return
    for stranger in output.iterdir():
        if stranger.name != BOOKS:  # a run that was killed before its manifest's first line
            raise UsageError(
                f"{str(output)!r} holds other files already ({printable(stranger.name)} for one), and no manifest of "
                "an earlier run; give a new or empty OUT"
            )
