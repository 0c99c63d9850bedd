"""The model's half of a study: batches across qualities, answers, scores, rows."""

import json
from collections.abc import Iterator, Sequence

from unlossy.core.errors import ItemError
from unlossy.store import StudyRow
from unlossy.study.worker import PreparedCell, PreparedItem, View
from unlossy.tasks.base import Prediction, Prepared, Task


def answer_chunk(chunk: Sequence[PreparedItem], task: Task, batch: int, provenance: str) -> list[StudyRow]:
    """One row per item and cell, in order."""
    answers = iter(_answers([c.view.prepared for i in chunk for c in i.cells if isinstance(c.view, View)], task, batch))
    rows = []
    for item in chunk:
        outcomes = [next(answers) if isinstance(cell.view, View) else cell.view for cell in item.cells]
        clean = outcomes[0]
        for cell, outcome in zip(item.cells, outcomes, strict=True):
            rows.append(_row(item, cell, outcome, clean, task, provenance))
    return rows


def _answers(prepared: list[Prepared], task: Task, batch: int) -> Iterator[Prediction | Exception]:
    for start in range(0, len(prepared), batch):
        yield from task.predict(prepared[start : start + batch])


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
) -> dict[str, float | None]:
    scored = dict(task.yardstick.score(answer, item.item.target).values)
    agreement = None if isinstance(clean, Exception) else task.yardstick.agreement(answer, clean)
    return scored | {"agreement": agreement}


def _json(value: dict[str, object] | dict[str, float | None]) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)
