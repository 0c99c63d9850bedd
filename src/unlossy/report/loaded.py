"""A RUN read once for the report: its numbers, its losers, its pictures, and what it is called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlossy.report.losses import Losses, find_losses
from unlossy.report.verdict import headline_setting
from unlossy.runs import StudyResult, read_made_by, summarise_run
from unlossy.runs.exhibits import Exhibits, read_exhibits
from unlossy.runs.folder import ROWS
from unlossy.runs.mitigations import short_names
from unlossy.runs.pictures import PictureIndex, class_text, read_pictures
from unlossy.runs.settings import Family, families_of, spoken
from unlossy.store import NONE, RowStore
from unlossy.tasks.registry import yardstick


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A RUN's folder and contents; `name` is short and differs from the other runs'; no `pictures`, none were kept."""

    folder: Path
    name: str
    result: StudyResult
    made_by: dict[str, Any]
    losses: Losses
    pictures: PictureIndex | None
    exhibits: Exhibits | None = None
    """What a study of another task than classification kept in the place of `pictures`."""

    @property
    def families(self) -> tuple[Family, ...]:
        """The codec families of the plan."""
        return families_of(self.result.plan.made_codecs)

    def class_name(self, index: int | None, folder_name: str | None = None) -> str:
        """The model's name for a class, else the folder's, else its number."""
        labels = None if self.pictures is None else self.pictures.labels
        return class_text(index, labels, folder_name) or "no label"

    def class_of(self, class_id: int) -> str:
        """The name of a class by the dataset's id, in a study of objects or label maps."""
        return (self.exhibits or Exhibits()).class_name(class_id)

    def cell_name(self, codec: str, mitigation: str) -> str:
        """A setting as people say it, and the method's short name if there is one."""
        names = short_names(self.result.plan.mitigations)
        return spoken(codec) + ("" if mitigation == NONE else f", {names[mitigation]}")

    def method_name(self, mitigation: str) -> str:
        """The method's short name, or "no mitigation"."""
        return "no mitigation" if mitigation == NONE else short_names(self.result.plan.mitigations)[mitigation]

    @property
    def is_of_classes(self) -> bool:
        """Whether the study is of a classifier."""
        return yardstick(self.result.plan.task).targets == "class"


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
    made_by = read_made_by(folder)
    if yardstick(result.plan.task).targets == "class":
        losses = find_losses(folder, settings, headline)
        return LoadedRun(folder, name, result, made_by, losses, read_pictures(folder))
    with RowStore(folder / ROWS, read_only=True) as store:
        losses = Losses(headline, settings, len(store.done_items()), 0, 0, (), ())
    return LoadedRun(folder, name, result, made_by, losses, None, read_exhibits(folder))


def short_name(model: str) -> str:
    """A model SPEC without its source, folders and suffix: "hf:models/mobilenet" is "mobilenet".

    Tesseract has no other name than its source's.
    """
    if model.startswith("tesseract:"):
        return model
    rest = model.partition(":")[2] or model
    last = rest.rstrip("/").rpartition("/")[2]
    return last.removesuffix(".onnx").removesuffix(".safetensors") or model
