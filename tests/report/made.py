"""RUN folders written row by row, without a model or a picture: what a report must hold is known beforehand."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from unlossy.metrics import Interval
from unlossy.runs import CellResult, StudyPlan, StudyResult, open_run
from unlossy.runs.methods import MethodFacts, write_methods
from unlossy.store import StudyRow

MADE_BY = {
    "model_digest": "d" * 64,
    "items": "i" * 64,
    "encoders": {"jpeg:10": "Pillow 1"},
    "versions": {"Pillow": "1.2.3", "timm": None},
    "python": "3.11",
}


def row_of(
    index: int,
    codec: str,
    answer: int,
    *,
    key: str | None = None,
    truth: int | None = 0,
    clean: int = 0,
    p: float = 0.75,
    p_true: float | None = None,
    class_name: str | None = None,
    error: str | None = None,
    mitigation: str = "none",
) -> StudyRow:
    """The row of an item that the model says is class `answer`, with probability `p`; `clean` is its clean answer."""
    if truth is not None and p_true is None:
        p_true = p if answer == truth else (1 - p) / 9
    score = {
        "top1": None if truth is None else float(answer == truth),
        "top5": None,
        "p_true": p_true,
        "agreement": float(answer == clean),
    }
    return StudyRow(
        item_index=index,
        key=key or f"item-{index:06d}.png",
        codec=codec,
        codec_quality=None if codec == "clean" or "+" in codec else float(codec.rpartition(":")[2]),
        mitigation=mitigation,
        encoder=None if codec == "clean" else "Pillow 1",
        encoded_bytes=None if codec == "clean" else 800,
        width=80,
        height=40,
        source_format="png",
        source_bytes=4000,
        source_ijg_quality_luma=None,
        source_ijg_quality_chroma=None,
        class_name=class_name,
        target=None if truth is None else json.dumps({"class_index": truth}),
        prediction=None if error else json.dumps({"class_index": answer, "probability": p}),
        score=None if error else json.dumps(score),
        error_kind=error,
        error_message="it broke" if error else None,
        provenance="p",
        elapsed_s=0.0,
    )


def make_run(
    folder: Path,
    rows: Iterable[StudyRow],
    codecs: tuple[str, ...] = ("jpeg:10,50,90",),
    *,
    n_items: int,
    model: str = "onnx:some/model.onnx",
    data: str = "photos",
    mitigations: tuple[str, ...] = ("none",),
    made_by: Mapping[str, Any] | None = None,
    methods: Mapping[str, MethodFacts] | None = None,
) -> Path:
    """The folder, now a finished RUN that holds the rows."""
    plan = StudyPlan(model=model, data=data, codecs=codecs, mitigations=mitigations)
    with open_run(folder, plan, MADE_BY | {"n_items": n_items} | dict(made_by or {})) as store:
        store.add_chunk(rows)
    if methods is not None:
        write_methods(folder, methods)
    return folder


def rows_by_hand(answers: Mapping[tuple[str, str], str], elapsed_s: Mapping[str, float] | None = None):
    """Rows from answers spelled out: by setting and mitigation a text with 1 where an item is right, 0 where wrong,
    and a blank where it failed; `elapsed_s` is the time of a mitigation's rows."""
    for (codec, mitigation), text in answers.items():
        for index, mark in enumerate(text):
            row = row_of(
                index, codec, 0 if mark == "1" else 1, mitigation=mitigation, error="model" if mark == " " else None
            )
            yield replace(row, elapsed_s=(elapsed_s or {}).get(mitigation, 0.0))


def simple_rows(n_items: int, codecs: tuple[str, ...] = ("jpeg:10", "jpeg:50", "jpeg:90"), n_classes: int = 4, **more):
    """Rows of items that are right at all settings but the first, where every second one is taken for class 9."""
    for index in range(n_items):
        truth = index % n_classes
        for codec in ("clean", *codecs):
            wrong = codec == codecs[0] and index // n_classes % 2 == 0
            yield row_of(index, codec, 9 if wrong else truth, truth=truth, clean=truth, **more)


def result_of(
    points: Mapping[str, tuple[float, float, float] | None],
    metric: str = "top1",
    *,
    n_items: int = 300,
    failed: int = 0,
    clean: float = 0.9,
) -> StudyResult:
    """A result whose cells change the metric by these points: mean, low, high."""
    plan = StudyPlan(model="onnx:m.onnx", data="photos", codecs=tuple(points))
    quality = {codec.setting: codec.codec_quality for codec in plan.made_codecs}
    cells = [
        CellResult(
            codec=setting,
            codec_quality=quality[setting],
            mitigation="none",
            metrics={metric: None if change is None else clean + change[0] / 100},
            difference={metric: None if change is None else Interval(*(value / 100 for value in change))},
            rate_bpp=1.0,
            n=n_items - failed,
        )
        for setting, change in points.items()
    ]
    return StudyResult(
        run="runs/x",
        plan=plan,
        main_metric=metric,
        n_items=n_items,
        n_labelled=0 if metric == "agreement" else n_items,
        failed=failed,
        errors={"decode": failed} if failed else {},
        clean={metric: clean},
        cells=tuple(cells),
    )
