"""Which method to use, in words that the numbers give by rule.

1. A method wins at a setting where the 95 % interval of its gain over none lies above zero, over 20 images or more, and
   harms where it lies below; an interval that holds zero is neither. Clean images count as a setting for harm.
2. Only a method that wins at a setting at which the model loses beyond noise, and whose mean gain over those settings
   is above zero beyond noise, too, can be recommended (`runs.gains`: the level leaves 5 % to all methods together, so
   that many settings and methods find no winner by chance); a setting at which it has no score counts as no gain. The
   best is the one with the largest mean gain.
3. Of it and those others that are compared with it there, and that no paired interval tells apart from it, the
   cheapest is recommended: the one that harms at the fewest settings; of equals the one that turns the fewest clean
   answers wrong; of equals the one with the larger mean gain.
4. Where there is no such method, none is.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from unlossy.metrics import Interval
from unlossy.metrics.recovered import Share
from unlossy.metrics.stats import widened
from unlossy.report.judged import Judged, bound_of, bounds_of, is_alike, judge, losing_of, pair_of
from unlossy.report.tabular import signed
from unlossy.report.told import millions, milliseconds, points_told, share_told, spans
from unlossy.report.verdict import FEWEST, METRIC_NAMES, n_counted, within_noise
from unlossy.runs import CellResult, StudyResult
from unlossy.runs.costs import MethodCost
from unlossy.runs.gains import shared_level
from unlossy.runs.mitigations import parts_of
from unlossy.runs.pairs import HALF_WIDTH, images_needed
from unlossy.runs.settings import at
from unlossy.store import NONE


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The method to use, None for none, and the sentences that say so: the first leads."""

    method: Judged | None
    sentences: tuple[str, ...]

    @property
    def python(self) -> str | None:
        """The line of Python that opens the corrector that is to stand in front of the model; None without one."""
        spec = "" if self.method is None else parts_of(self.method.mitigation).corrector
        return f"correct = unlossy.load_corrector({json.dumps(spec, ensure_ascii=False)})" if spec else None


def recommend(result: StudyResult) -> Recommendation | None:
    """What the rules say of a study; None where it has nothing to compare (no none, no method, hardly a score)."""
    if NONE not in result.plan.mitigations or not result.clean_mitigated:
        return None
    losing = losing_of(result)
    judged = [judge(result, mitigation) for mitigation in result.clean_mitigated]
    metric = METRIC_NAMES.get(result.main_metric, result.main_metric)
    scored = [cell.n for cell in result.cells if (cell.versus_none or {}).get(result.main_metric) is not None]
    if n_counted(result, max(scored, default=0)) < FEWEST:
        return None
    if not losing:
        return Recommendation(None, _nothing_lost(result, metric))
    winners = [method for method in judged if method.wins_among(losing) and method.gains]
    if not winners:
        return Recommendation(None, _none_sentences(result, judged, losing, metric))
    best = max(winners, key=lambda method: method.mean_gain)
    alike = [method for method in winners if method is best or is_alike(result, best, method, losing)]
    chosen = min(alike, key=lambda method: (len(method.harms), method.n_broken, -method.mean_gain))
    rest = [method for method in judged if method is not chosen]
    return Recommendation(chosen, _sentences(result, chosen, rest, losing, metric))


def _nothing_lost(result: StudyResult, metric: str) -> tuple[str, ...]:
    lost = [
        (-widened(found, n_counted(result, cell.n)).low, found, cell.n)
        for cell in result.cells
        if cell.mitigation == NONE and (found := _main(result, cell)) is not None
    ]
    most = max(lost, key=lambda x: x[0], default=None)
    told = (f"Use none: at no setting does this model lose {metric} beyond noise, so there is nothing to win.",)
    if most is None or most[0] <= HALF_WIDTH:
        return told
    more = _more_needed("; {} images would tell it to 5 points", images_needed(most[1], most[2]), most[2])
    return (*told, f"The intervals still allow a loss of {100 * most[0]:.1f} points{more}.")


def _none_sentences(
    result: StudyResult, judged: Sequence[Judged], losing: Sequence[str], metric: str
) -> tuple[str, ...]:
    lost = f"at {spans(result, losing)}, where this model loses {metric}"
    if winning := [method for method in judged if method.wins_among(losing)]:
        told = [
            f"{method.name} wins at {spans(result, method.wins_among(losing))} alone; its mean gain is "
            f"{_gain_told(method, len(judged))}."
            for method in winning
        ]
        gains = "gains beyond noise" if any(method.mean_gain > 0 for method in winning) else "gains"
        return (f"Use none: no method {gains} on the mean {lost}.", *told)
    bounds = [bounds_of(result, method.mitigation) for method in judged]
    most = max([0.0, *(bound[setting].high for bound in bounds for setting in losing if setting in bound)])
    return (
        f"Use none: no method beats it beyond noise {lost}.",
        f"The intervals still allow a gain of {100 * most:.1f} points{_needed(result, losing)}.",
        *(sentence for method in judged for sentence in _thin(result, method)),
    )


def _gain_told(method: Judged, n_methods: int) -> str:
    """ "+2.1 points (98.3 %: −0.4 to +4.6)"; a mean below zero without what it might be."""
    told = f"{signed(100 * method.mean_gain)} points"
    if method.gain is None or method.mean_gain <= 0:
        return told
    low, high = (signed(100 * end) for end in (method.gain.low, method.gain.high))
    return f"{told} ({100 * shared_level(n_methods):.3g} %: {low} to {high})"


def _thin(result: StudyResult, method: Judged) -> list[str]:
    """Where it gains on too few images."""
    where = spans(result, method.thin) if method.thin else ""
    return [f"{method.name} gains at {where} on fewer than {FEWEST} images, too few to tell."] if where else []


def _needed(result: StudyResult, losing: Sequence[str]) -> str:
    """How many images would do for the widest gain, if more are needed than it has."""
    pairs = [pair for pair in result.pairs if pair.codec in losing and pair.b == NONE]
    found = [(needed, p.n) for p in pairs if (needed := p.images_needed.get(result.main_metric)) is not None]
    return _more_needed("; {} images would tell gains to 5 points", *max(found, default=(0, 0)))


def _more_needed(said: str, needed: int | None, n: int) -> str:
    """The clause on the images that would do; none where those that there are tell it already."""
    return said.format(needed) if needed is not None and needed > n else ""


def _sentences(
    result: StudyResult, chosen: Judged, rest: Sequence[Judged], losing: Sequence[str], metric: str
) -> tuple[str, ...]:
    told = [_win(result, chosen, losing, metric), _cost(result, chosen)]
    told += _when_none(result, chosen, losing)
    told += [_behind(result, chosen, other, losing) for other in rest]
    return tuple(told)


def _win(result: StudyResult, chosen: Judged, losing: Sequence[str], metric: str) -> str:
    cells = {cell.codec: cell for cell in result.cells if cell.mitigation == chosen.mitigation}
    where = _worst(result, chosen.wins_among(losing))
    share = _recovered(cells[where], result.main_metric)
    told = share_told(share, _n_lost(result, where)) if share else ""
    won = f"wins back {told} of the {metric} lost" if told else f"wins {metric}"
    if result.main_metric == "agreement" and told and _is_of_classes(result):
        won = f"wins back {told} of the answers that changed"
    return f"Use {chosen.name}: {at(where)} it {won}; it beats none beyond noise at {spans(result, chosen.wins)}."


def _is_of_classes(result: StudyResult) -> bool:
    """Whether an answer is right or wrong, and nothing between."""
    return result.plan.task == "classification"


def _worst(result: StudyResult, settings: Sequence[str]) -> str:
    """Of the settings the one at which the model alone loses most."""
    lost = {c.codec: found.mean for c in result.cells if c.mitigation == NONE and (found := _main(result, c))}
    return min(settings, key=lambda setting: lost.get(setting, 0.0))


def _n_lost(result: StudyResult, setting: str) -> int:
    """How many images the model's loss at a setting amounts to, at least one."""
    (alone,) = (cell for cell in result.cells if (cell.codec, cell.mitigation) == (setting, NONE))
    lost = _main(result, alone)
    return 1 if lost is None else max(1, round(-lost.mean * n_counted(result, alone.n)))


def _main(result: StudyResult, cell: CellResult) -> Interval | None:
    return cell.difference.get(result.main_metric)


def _recovered(cell: CellResult, metric: str) -> Share | None:
    return (cell.recovered or {}).get(metric)


def _cost(result: StudyResult, chosen: Judged) -> str:
    """What it costs on clean images, in time and in size."""
    cost = result.methods[chosen.mitigation]
    took = [] if cost.correction_s is None else [f"the correction takes {milliseconds(cost.correction_s)} an image"]
    size = cost.facts.corrector_parameters
    size_told = [] if size is None else [f"the corrector has {millions(size)} parameters"]
    return "; ".join([_cost_clean(result, cost), *took, *size_told]) + "."


def _cost_clean(result: StudyResult, cost: MethodCost) -> str:
    """What becomes of clean images: whether answers change, and whether they turn right or wrong."""
    change, agreement = (cost.clean_difference.get(metric) for metric in (result.main_metric, "agreement"))
    of_classes = _is_of_classes(result)
    if change is None:
        return "What it costs on clean images is not known"
    if cost.became_wrong == cost.became_right == 0 and (of_classes or not (change.mean or change.has_width)):
        if not of_classes:
            return f"It changes no score on {cost.n_judged} clean images"
        if agreement is not None and agreement.mean == 0:
            return f"It changes no answer on {cost.n_clean} clean images"
        others = "" if agreement is None else f", though it changes {-100 * agreement.mean:.1f} % of the answers"
        return f"It turns no answer right or wrong on {cost.n_judged} clean images{others}"
    judged = "within noise" if within_noise(change) else "beyond noise"
    words = ("became wrong", "right") if of_classes else ("got worse", "better")
    flips = f"{cost.became_wrong} {words[0]}, {cost.became_right} {words[1]} of {cost.n_judged}"
    return f"On clean images it makes {points_told(widened(change, cost.n_judged))}, {judged}: {flips}"


def _when_none(result: StudyResult, chosen: Judged, losing: Sequence[str]) -> list[str]:
    """When to leave it out: where it harms, and where it wins nothing that can be told."""
    told = [f"It harms beyond noise at {spans(result, chosen.harms)}: use none there."] if chosen.harms else []
    gains = bounds_of(result, chosen.mitigation)
    told += _thin(result, chosen)
    idle = [setting for setting in gains if setting not in (*chosen.wins, *chosen.harms, *chosen.thin)]
    for settings, said in (
        ([setting for setting in idle if setting not in losing], "None will do at {}, where no loss is beyond noise"),
        (
            [setting for setting in idle if setting in losing],
            "Nothing beyond noise is won at {}, though the model loses there",
        ),
    ):
        if settings:
            most = max(0.0, *(100 * gains[setting].high for setting in settings))
            told.append(f"{said.format(spans(result, settings))} (95 %: a gain of at most {most:.1f} points).")
    return told


def _behind(result: StudyResult, chosen: Judged, other: Judged, losing: Sequence[str]) -> str:
    """How another method stands to the chosen one."""
    changes = {s: found for s in losing if (found := bound_of(result, s, other, chosen)) is not None}
    missing = [setting for setting in losing if setting not in changes]
    unknown = f"not compared with it at {spans(result, missing)}, where no image is scored with both" if missing else ""
    harms = f"; it harms at {spans(result, other.harms)}" if other.harms else ""
    if not changes:
        return f"{other.name}: {unknown}{harms}."
    where = _worst(result, list(changes))
    better = [setting for setting, change in changes.items() if change.low > 0]
    worse = [setting for setting, change in changes.items() if change.high < 0]
    standing = f"{other.name} {at(where)}: {points_told(changes[where])} against it"
    if better:
        standing += f", better beyond noise at {spans(result, better)}"
    if worse:
        standing += f", worse beyond noise at {spans(result, worse)}"
    if not better and not worse:
        standing += f"; no setting tells them apart{_needed_apart(result, where, other, chosen)}"
    return f"{standing}{'; ' if unknown else ''}{unknown}{harms}."


def _needed_apart(result: StudyResult, setting: str, a: Judged, b: Judged) -> str:
    pair = pair_of(result, setting, a.mitigation, b.mitigation)
    needed = None if pair is None else pair.images_needed.get(result.main_metric)
    return _more_needed(" ({} images would, to 5 points)", needed, 0 if pair is None else pair.n)
