"""The models' half of a study: batches across qualities, answers, scores, rows."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from unlossy.core.errors import ItemError
from unlossy.runs.cells import EVIDENCE
from unlossy.store import StudyRow
from unlossy.study.worker import PreparedCell, PreparedItem, View
from unlossy.tasks.base import Prediction, Task


@dataclass(frozen=True, slots=True)
class Answerer:
    """The study's own model and those that `others` names by mitigation, asked in batches of their own.

    `took_s` has the seconds per image of each full or partial batch, by model SPEC.
    """

    task: Task
    others: Mapping[str, Task]
    batch: int
    took_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, chunk: Sequence[PreparedItem], provenance: str) -> list[StudyRow]:
        """One row per item and cell, in order; agreement is with the own model's answer on the clean image."""
        outcomes = self._outcomes(chunk)
        return [
            _row(item, cell, outcome, answered[0], self.task, provenance)
            for item, answered in zip(chunk, outcomes, strict=True)
            for cell, outcome in zip(item.cells, answered, strict=True)
        ]

    def median_s(self, model_spec: str) -> float | None:
        """Seconds per image of a model, the median over its batches; None where it answered nothing."""
        took_s = self.took_s.get(model_spec)
        return median(took_s) if took_s else None

    def _outcomes(self, chunk: Sequence[PreparedItem]) -> list[list[Prediction | Exception]]:
        """What each cell of each item comes to: an answer, or an error."""
        outcomes: list[list[Prediction | Exception]] = [[cell.view for cell in item.cells] for item in chunk]
        asked: dict[int, tuple[Task, list[tuple[int, int, View]]]] = {}
        for row, item in enumerate(chunk):
            for column, cell in enumerate(item.cells):
                if isinstance(cell.view, View):
                    task = self.others.get(cell.mitigation, self.task)
                    asked.setdefault(id(task), (task, []))[1].append((row, column, cell.view))
        for task, views in asked.values():
            for start in range(0, len(views), self.batch):
                places = views[start : start + self.batch]
                for (row, column, _), answer in zip(places, self._predict(task, places), strict=True):
                    outcomes[row][column] = answer
        return outcomes

    def _predict(self, task: Task, places: Sequence[tuple[int, int, View]]) -> list[Prediction | Exception]:
        start = time.perf_counter()
        answers = task.predict([view.prepared for _, _, view in places])
        self.took_s[task.model_spec].append((time.perf_counter() - start) / len(places))
        return answers


def _row(
    item: PreparedItem,
    cell: PreparedCell,
    outcome: Prediction | Exception,
    clean: Prediction | Exception,
    task: Task,
    provenance: str,
) -> StudyRow:
    """The row of one cell; an outcome that is an error, or cannot be scored, gives an error row."""
    score, error = None, outcome if isinstance(outcome, Exception) else None
    if error is None:
        try:
            score = _score(item, outcome, clean, task)
        except ItemError as failure:
            error = failure
    view = cell.view if isinstance(cell.view, View) else None
    target = item.item.target
    return StudyRow(
        item_index=item.index,
        key=item.item.key,
        codec=cell.setting,
        codec_quality=None if cell.codec is None else cell.codec.codec_quality,
        mitigation=cell.mitigation,
        encoder=None if cell.codec is None else cell.codec.encoder,
        encoded_bytes=None if view is None else view.encoded_bytes,
        width=None if view is None else view.size_wh[0],
        height=None if view is None else view.size_wh[1],
        source_format=item.evidence.format,
        source_bytes=item.evidence.size_bytes,
        source_ijg_quality_luma=item.evidence.ijg_quality_luma,
        source_ijg_quality_chroma=item.evidence.ijg_quality_chroma,
        class_name=item.item.groups.get("class"),
        target=None if target is None else _json(task.yardstick.target_as_json(target)),
        prediction=None if error is not None else _json(task.yardstick.as_json(outcome)),
        score=None if score is None else _json(score),
        error_kind=None if error is None else getattr(error, "kind", "model"),
        error_message=None if error is None else str(error),
        provenance=provenance,
        elapsed_s=cell.elapsed_s,
    )


def _score(
    item: PreparedItem, answer: Prediction, clean: Prediction | Exception, task: Task
) -> dict[str, float | str | None]:
    scored = task.yardstick.score(answer, item.item.target)
    agreement = None if isinstance(clean, Exception) else task.yardstick.agreement(answer, clean)
    evidence = {} if scored.evidence is None else {EVIDENCE: scored.evidence}
    return {**scored.values, "agreement": agreement, **evidence}


def _json(value: dict[str, object] | dict[str, float | str | None]) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)
