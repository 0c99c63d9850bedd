"""A RUN read once for the report: its numbers, its losers, its pictures, and what it is called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlossy.report.losses import Losses, find_losses
from unlossy.report.verdict import headline_setting
from unlossy.runs import StudyResult, read_made_by, summarise_run
from unlossy.runs.pictures import PictureIndex, class_text, read_pictures
from unlossy.runs.settings import Family, families_of
from unlossy.store import NONE


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A RUN's folder and contents; `name` is short and differs from the other runs'; no `pictures`, none were kept."""

    folder: Path
    name: str
    result: StudyResult
    made_by: dict[str, Any]
    losses: Losses
    pictures: PictureIndex | None

    @property
    def families(self) -> tuple[Family, ...]:
        """The codec families of the plan."""
        return families_of(self.result.plan.made_codecs)

    def class_name(self, index: int | None, folder_name: str | None = None) -> str:
        """The model's name for a class, else the folder's, else its number."""
        labels = None if self.pictures is None else self.pictures.labels
        return class_text(index, labels, folder_name) or "no label"


def load_runs(runs: Sequence[Path | str | StudyResult]) -> list[LoadedRun]:
    """The runs in their order; raises UsageError where a folder is none."""
    results = [run if isinstance(run, StudyResult) else summarise_run(run) for run in runs]
    names = [short_name(result.plan.model) for result in results]
    counts = Counter(names)
    return [
        _load(Path(result.run), result, name if counts[name] == 1 else f"{name} ({Path(result.run).name})")
        for result, name in zip(results, names, strict=True)
    ]


def _load(folder: Path, result: StudyResult, name: str) -> LoadedRun:
    headline = headline_setting(result) if NONE in result.plan.mitigations else None
    families = families_of(result.plan.made_codecs)
    of_headline = next((family for family in families if headline in family.settings), None)
    near = () if of_headline is None else of_headline.looked_at()
    settings = tuple(s for s in (of_headline.settings if of_headline else ()) if s in near or s == headline)
    losses = find_losses(folder, settings, headline)
    return LoadedRun(folder, name, result, read_made_by(folder), losses, read_pictures(folder))


def short_name(model: str) -> str:
    """A model SPEC without its source, folders and suffix: "hf:models/mobilenet" is "mobilenet"."""
    rest = model.partition(":")[2] or model
    last = rest.rstrip("/").rpartition("/")[2]
    return last.removesuffix(".onnx").removesuffix(".safetensors") or model
