"""From a RUN's rows to its numbers; reads the store and the yardstick, loads no model.

A cell's figures are over the items scored both in that cell and clean, so that every difference is paired; what sets a
mitigation beside none is over the items scored in all three.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from unlossy.codecs import Codec
from unlossy.metrics import Interval
from unlossy.metrics.recovered import Share
from unlossy.runs.agreement import Correlation, correlation_of
from unlossy.runs.cells import Cell, Cells, collect, common
from unlossy.runs.costs import MethodCost, cost_of
from unlossy.runs.estimates import Estimates
from unlossy.runs.folder import ROWS, UNUSED, read_made_by, read_plan
from unlossy.runs.methods import MethodFacts, read_methods
from unlossy.runs.pairs import Pair, pairs_of
from unlossy.runs.plan import StudyPlan
from unlossy.store import CLEAN, NONE, RowStore
from unlossy.tasks.registry import yardstick

MITIGATED_ONLY: Final = ("versus_none", "recovered")


@dataclass(frozen=True, slots=True)
class CellResult:
    """One codec setting and mitigation: metrics (0..1), their difference to clean with a 95 % interval, rate, items.

    Where there is a mitigation, `versus_none` is the difference to the same setting without it, and `recovered` the
    share of that setting's loss won back, both with None for each metric where the plan has no `none`.
    """

    codec: str
    codec_quality: float | None
    mitigation: str
    metrics: Mapping[str, float | None]
    difference: Mapping[str, Interval | None]
    rate_bpp: float | None
    n: int
    versus_none: Mapping[str, Interval | None] | None = None
    recovered: Mapping[str, Share | None] | None = None

    def to_json(self) -> dict[str, Any]:
        """The cell in `study --json`; what only a mitigation has is left out where there is none."""
        told = asdict(self)
        return {name: value for name, value in told.items() if value is not None or name not in MITIGATED_ONLY}


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A study's numbers: `clean` metrics of the model, those with each mitigation, the cells, how many items failed.

    Where the plan has more than `none`, `pairs` sets any two methods beside each other at each setting, and `methods`
    tells what each of them costs.
    """

    run: str
    plan: StudyPlan
    main_metric: str
    n_items: int
    n_labelled: int
    failed: int
    errors: Mapping[str, int]
    clean: Mapping[str, float | None]
    cells: tuple[CellResult, ...]
    clean_mitigated: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    methods: Mapping[str, MethodCost] = field(default_factory=dict)
    correlation: Correlation | None = None
    """Of agreement with the labelled metric; None without labels."""
    remarks: tuple[str, ...] = ()
    """What is worth knowing of the data: classes that the model does not know, pictures that are not used."""
    n_clean: int = 0
    """Items scored clean, without a mitigation; some of them may have failed at a codec."""

    def to_json(self) -> dict[str, Any]:
        """The object that `study --json` prints."""
        cells = [cell.to_json() for cell in self.cells]
        head = {"run": self.run, "n_items": self.n_items, "failed": self.failed}
        mitigated = {mitigation: dict(metrics) for mitigation, metrics in self.clean_mitigated.items()}
        told = head | {"clean": dict(self.clean), "clean_mitigated": mitigated, "cells": cells}
        if self.correlation is not None and self.plan.task != "classification":  # whose shape is older, and documented
            told |= {"agreement_correlation": asdict(self.correlation)}
        if not self.methods:
            return told
        methods = {mitigation: cost.to_json() for mitigation, cost in self.methods.items()}
        return told | {"methods": methods, "pairs": [pair.to_json() for pair in self.pairs]}


def summarise_run(run: Path | str) -> StudyResult:
    """The result of a RUN, finished or not; raises UsageError where the folder is none."""
    plan, made_by = read_plan(Path(run)), read_made_by(Path(run))
    with RowStore(Path(run) / ROWS, read_only=True) as store:
        collected = collect(store)
    cells, estimates = collected.cells, Estimates(yardstick(plan.task), plan.seed)
    measure = estimates.measure
    main_metric = measure.main_metric if collected.labelled else "agreement"
    clean = cells[CLEAN, NONE]
    mitigated = [mitigation for mitigation in plan.mitigations if mitigation != NONE]
    results = tuple(
        _cell_result(codec, mitigation, cells, estimates)
        for codec in plan.made_codecs
        for mitigation in plan.mitigations
    )
    return StudyResult(
        run=str(run),
        plan=plan,
        main_metric=main_metric,
        n_items=made_by["n_items"],
        n_labelled=len(collected.labelled),
        failed=len(collected.errors),
        errors=Counter(collected.errors.values()),
        clean=measure.summarise(list(clean.scores.values())),
        n_clean=len(clean.scores),
        cells=results,
        remarks=(*map(str, made_by.get("remarks", ())), *_unused(made_by.get(UNUSED))),
        correlation=correlation_of(
            measure, main_metric, cells, {c.codec: c.metrics for c in results if c.mitigation == NONE}
        ),
        clean_mitigated={
            mitigation: measure.summarise(found.at(common(found, clean)))
            for mitigation, found in ((mitigation, cells[CLEAN, mitigation]) for mitigation in mitigated)
        },
        **(_methods(Path(run), plan, main_metric, cells, results, estimates) if mitigated else {}),
    )


def losing_settings(cells: Sequence[CellResult], main_metric: str) -> list[str]:
    """Settings at which the model alone loses the metric beyond noise."""
    alone = [cell for cell in cells if cell.mitigation == NONE]
    return [cell.codec for cell in alone if (lost := cell.difference.get(main_metric)) is not None and lost.high < 0]


def _unused(counts: Mapping[str, int] | None) -> Iterator[str]:
    """The sentence on what of the data is not used, if anything is not."""
    if counts:
        told = ", ".join(f"{kind} ({count})" for kind, count in sorted(counts.items()))
        yield f"Of the data is not used: {told}."


def _methods(
    run: Path, plan: StudyPlan, main_metric: str, cells: Cells, results: tuple[CellResult, ...], estimates: Estimates
) -> dict[str, Any]:
    """`pairs` and `methods` of a study that has more than none."""
    facts, losing = read_methods(run), losing_settings(results, main_metric)
    costs = {}
    for mitigation in plan.mitigations:
        shares = {c.codec: ((c.recovered or {}).get(main_metric), c.n) for c in results if c.mitigation == mitigation}
        known = facts.get(mitigation, MethodFacts())
        costs[mitigation] = cost_of(mitigation, plan, main_metric, cells, known, shares, estimates, losing)
    pairs = [pair for codec in plan.made_codecs for pair in pairs_of(codec, plan.mitigations, cells, estimates)]
    return {"pairs": tuple(pairs), "methods": costs}


def _cell_result(codec: Codec, mitigation: str, cells: Cells, estimates: Estimates) -> CellResult:
    cell, clean = cells[codec.setting, mitigation], cells[CLEAN, NONE]
    items = common(cell, clean)
    return CellResult(
        codec=codec.setting,
        codec_quality=codec.codec_quality,
        mitigation=mitigation,
        metrics=estimates.measure.summarise(cell.at(items)),
        difference=estimates.differences(cell, clean, items),
        rate_bpp=cell.bits / cell.pixels if cell.pixels else None,
        n=len(items),
        **({} if mitigation == NONE else _beside_none(cell, cells[codec.setting, NONE], clean, estimates)),
    )


def _beside_none(cell: Cell, none: Cell, clean: Cell, estimates: Estimates) -> dict[str, Any]:
    """`versus_none` and `recovered` of a mitigated cell."""
    items = common(cell, none, clean)
    return {
        "versus_none": estimates.differences(cell, none, items),
        "recovered": estimates.shares(cell, none, clean, items),
    }
