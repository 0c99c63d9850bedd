"""Correctors aimed at one model and used with another: what each wins back in front of each model, from several RUNs.

A RUN is a study of one model with several correctors; RUNs with settings in common make a matrix. Those of one task
are over the same items, those of different tasks (a classifier's photographs, a detector's scenes) each over their own:
a share of a loss has no unit, and is paired within its RUN. A corrector is known by its digest, so that it is the same
one whatever its file was called.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlossy.metrics.recovered import Share
from unlossy.runs.cells import Cells, collect, common
from unlossy.runs.estimates import Estimates
from unlossy.runs.folder import ROWS, read_made_by
from unlossy.runs.methods import Aim
from unlossy.runs.mitigations import parts_of
from unlossy.runs.summary import StudyResult
from unlossy.store import CLEAN, NONE, RowStore
from unlossy.tasks.registry import yardstick

Place = tuple[str, str, int]
"""A setting, a corrector's digest, and the number of a RUN."""


@dataclass(frozen=True, slots=True)
class AimedCorrector:
    """A corrector by its digest, the mitigation that first named it, and the models it was trained for, if any."""

    digest: str
    mitigation: str
    aimed_at: tuple[Aim, ...]


@dataclass(frozen=True, slots=True)
class Transferred:
    """A corrector in front of a model at a setting, in the RUN's main metric, over `n` items.

    `recovered` is the share of the loss won back; `direct` whether the corrector was aimed at this very model;
    `of_direct` the share of what the first such corrector wins over none, None where there is none and for that one
    itself, which is the `reference`; `loses` whether the model alone loses beyond noise there, without which a share
    says little.
    """

    recovered: Share | None
    of_direct: Share | None
    n: int
    direct: bool
    reference: bool
    loses: bool


@dataclass(frozen=True, slots=True)
class Transfer:
    """The matrix: correctors (rows), RUNs by number (columns), the settings that all of them have, the cells."""

    correctors: tuple[AimedCorrector, ...]
    settings: tuple[str, ...]
    cells: Mapping[Place, Transferred]


def transfer_of(results: Sequence[StudyResult]) -> Transfer | str:
    """The matrix of several RUNs, or the reason why there is none."""
    made_by = [read_made_by(Path(result.run)) for result in results]
    correctors = [_correctors(result, made) for result, made in zip(results, made_by, strict=True)]
    shared = set.intersection(*(set(of_run) for of_run in correctors)) if len(results) > 1 else set()
    if not shared:
        return "No corrector stands in two of these runs."
    items_of: dict[str, set[object]] = {}
    for result, made in zip(results, made_by, strict=True):
        items_of.setdefault(result.plan.task, set()).add(made.get("items"))
    if any(len(items) > 1 for items in items_of.values()):
        return "These runs are over different images of one task, so what a corrector wins in them does not compare."
    settings = [s for s in results[0].plan.codecs if all(s in result.plan.codecs for result in results)]
    if not settings or any(NONE not in result.plan.mitigations for result in results):
        return "These runs have no setting in common that was studied without mitigation, too."
    cells: dict[Place, Transferred] = {}
    for number, (result, made) in enumerate(zip(results, made_by, strict=True)):
        cells |= _column_of(number, result, str(made["model_digest"]), correctors[number], settings)
    first = {digest: entry for of_run in reversed(correctors) for digest, entry in of_run.items()}
    ordered = dict.fromkeys(digest for of_run in correctors for digest in of_run)
    return Transfer(tuple(first[digest] for digest in ordered), tuple(settings), cells)


def _correctors(result: StudyResult, made_by: Mapping[str, Any]) -> dict[str, AimedCorrector]:
    """The correctors of a RUN by digest; those in front of another model than the RUN's are left out."""
    found: dict[str, AimedCorrector] = {}
    known = made_by.get("mitigations") or {}
    for text in result.plan.mitigations:
        made = known.get(text, {})
        if "digest" in made and not parts_of(text).model:
            cost = result.methods.get(text)
            found[made["digest"]] = AimedCorrector(made["digest"], text, cost.facts.aimed_at if cost else ())
    return found


def _column_of(
    number: int,
    result: StudyResult,
    model_digest: str,
    correctors: Mapping[str, AimedCorrector],
    settings: Sequence[str],
) -> dict[Place, Transferred]:
    """The cells of one RUN."""
    with RowStore(Path(result.run) / ROWS, read_only=True) as store:
        cells = collect(store).cells
    estimates = Estimates(yardstick(result.plan.task), result.plan.seed)
    direct = {digest for digest, c in correctors.items() if {aim.digest for aim in c.aimed_at} == {model_digest}}
    first = next((c for digest, c in correctors.items() if digest in direct), None)
    lost = {c.codec: c.difference.get(result.main_metric) for c in result.cells if c.mitigation == NONE}
    found: dict[Place, Transferred] = {}
    for setting in settings:
        alone = lost.get(setting)
        loses = alone is not None and alone.high < 0
        for corrector in correctors.values():
            best = None if first is None or corrector is first else (setting, first.mitigation)
            of_direct, _ = (
                _share(result, cells, (setting, corrector.mitigation), best, estimates) if best else (None, 0)
            )
            recovered, n = _share(result, cells, (setting, corrector.mitigation), (CLEAN, NONE), estimates)
            found[setting, corrector.digest, number] = Transferred(
                recovered, of_direct, n, corrector.digest in direct, corrector is first, loses
            )
    return found


def _share(
    result: StudyResult, cells: Cells, mitigated: tuple[str, str], best: tuple[str, str], estimates: Estimates
) -> tuple[Share | None, int]:
    """What a cell wins over none at its setting, as a share of what the `best` cell has over it, and the items."""
    here, none, there = cells[mitigated], cells[mitigated[0], NONE], cells[best]
    items = common(here, none, there)
    return estimates.share(result.main_metric, here, none, there, items), len(items)
