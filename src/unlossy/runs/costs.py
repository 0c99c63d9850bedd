"""What a method costs where nothing was lost: on clean images, at the mildest setting, in time and in size."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

from unlossy.metrics import Interval
from unlossy.metrics.recovered import Share
from unlossy.runs.cells import Cell, Cells, column, common
from unlossy.runs.estimates import Estimates
from unlossy.runs.gains import mean_gain, shared_level
from unlossy.runs.methods import MethodFacts
from unlossy.runs.pairs import images_needed
from unlossy.runs.plan import StudyPlan
from unlossy.store import CLEAN, NONE


@dataclass(frozen=True, slots=True)
class Mildest:
    """The setting of the highest quality, and the differences to no mitigation there."""

    codec: str
    codec_quality: float
    versus_none: Mapping[str, Interval | None]


@dataclass(frozen=True, slots=True)
class MethodCost:
    """One method against none.

    Attributes:
        gain: over none in the main metric, on the mean over the settings at which the model loses beyond noise, its
            interval at the level of `gains.shared_level` for the number of methods; None without such a setting.
        clean_difference: on clean images, in each metric.
        n_clean: clean images scored with both.
        n_judged: of these, those that have the main metric, or that by which items are told apart: the labelled ones.
        became_wrong: of the judged, those whose score fell in it.
        became_right: those whose score rose.
        mean_abs_p_true: how far the probability of the true class moved on clean images, either way.
        mildest: None where no setting has a quality, or the plan no `none`.
        elapsed_s: time per compressed image in the workers (compression, correction, preparation), the median.
        correction_s: what of it the correction takes, the median of differences to none; None without a corrector.
        facts: sizes, aim and the model's time, as the study wrote them.
        images_needed: by setting, how many would tell the recovered share (main metric) to 5 points on each side.
    """

    gain: Interval | None
    clean_difference: Mapping[str, Interval | None]
    n_clean: int
    n_judged: int
    became_wrong: int
    became_right: int
    mean_abs_p_true: float | None
    mildest: Mildest | None
    elapsed_s: float | None
    correction_s: float | None
    facts: MethodFacts
    images_needed: Mapping[str, int | None]

    def to_json(self) -> dict[str, Any]:
        """The method in `study --json`."""
        told = asdict(self)
        facts = told.pop("facts")
        facts.pop("training")  # curves for a picture; the logs have them whole
        return told | facts


def cost_of(
    mitigation: str,
    plan: StudyPlan,
    main_metric: str,
    cells: Cells,
    facts: MethodFacts,
    recovered: Mapping[str, tuple[Share | None, int]],
    estimates: Estimates,
    losing: Sequence[str] = (),
) -> MethodCost:
    """What a method of the plan costs; `recovered` has the share and the number of items by setting.

    `losing` are the settings at which the model loses beyond noise.
    """
    with_it, without = cells[CLEAN, mitigation], cells[CLEAN, NONE]
    items = common(with_it, without)
    told_by = estimates.measure.item_metric if main_metric == estimates.measure.main_metric else main_metric
    changes = [
        _changes(*(column(cell.at(items), metric) for cell in (with_it, without))) for metric in (told_by, "p_true")
    ]
    settings = [codec.setting for codec in plan.made_codecs]
    beside = [(cells[setting, mitigation], cells[setting, NONE]) for setting in losing]
    n_methods = sum(method != NONE for method in plan.mitigations)
    return MethodCost(
        gain=mean_gain(beside, main_metric, estimates, shared_level(n_methods)) if mitigation != NONE else None,
        clean_difference=estimates.differences(with_it, without, items),
        n_clean=len(items),
        n_judged=len(changes[0]),
        became_wrong=sum(change < 0 for change in changes[0]),
        became_right=sum(change > 0 for change in changes[0]),
        mean_abs_p_true=fmean(map(abs, changes[1])) if changes[1] else None,
        mildest=_mildest(mitigation, plan, cells, estimates),
        elapsed_s=_median([s for setting in settings for s in cells[setting, mitigation].elapsed_s.values()]),
        correction_s=_correction_s(mitigation, settings, cells),
        facts=facts,
        images_needed={setting: images_needed(share, n) for setting, (share, n) in recovered.items()},
    )


def _mildest(mitigation: str, plan: StudyPlan, cells: Cells, estimates: Estimates) -> Mildest | None:
    qualities = {codec.setting: codec.codec_quality for codec in plan.made_codecs if codec.codec_quality is not None}
    if not qualities or NONE not in plan.mitigations:
        return None
    setting = max(qualities, key=lambda name: qualities[name])
    here, there = cells[setting, mitigation], cells[setting, NONE]
    return Mildest(setting, qualities[setting], estimates.differences(here, there, common(here, there)))


def _changes(values: list[float | None], reference: list[float | None]) -> list[float]:
    return [a - b for a, b in zip(values, reference, strict=True) if a is not None and b is not None]


def _correction_s(mitigation: str, settings: list[str], cells: Cells) -> float | None:
    """The median of what the same item took more than without; None where nothing is corrected or nothing compared."""
    if not mitigation.startswith("correct="):
        return None
    taken = [s for setting in settings for s in _more_s(cells[setting, mitigation], cells[setting, NONE])]
    found = _median(taken)
    return None if found is None else max(0.0, found)


def _more_s(cell: Cell, none: Cell) -> list[float]:
    return [elapsed_s - none.elapsed_s[index] for index, elapsed_s in cell.elapsed_s.items() if index in none.elapsed_s]


def _median(values: list[float]) -> float | None:
    return median(values) if values else None
