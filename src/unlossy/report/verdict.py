"""The verdict: what compression costs, in sentences that a person who did not run the study can read.

A loss is "within noise" when the 95 % interval of the paired difference includes zero; the sentence then says how
large a loss the interval still allows. Where every image changed by the same, the bootstrap's interval has no width,
and sentences bound it by what images not seen may do (`unlossy.metrics.stats.widened`); tables keep the bootstrap's.
"""

from dataclasses import dataclass
from pathlib import Path

from unlossy.metrics import Interval
from unlossy.metrics.stats import widened
from unlossy.report.chance import is_chance, shuffled_top1
from unlossy.runs import CellResult, StudyResult
from unlossy.runs.settings import Family, at, families_of, spoken
from unlossy.store import NONE
from unlossy.tasks.registry import spoken_metrics, yardstick

METRIC_NAMES = spoken_metrics()

HEADLINE_QUALITY = 30.0
MOST_DECIMALS = 4
MAX_FAMILIES = 3
FEWEST = 20
"""Images below which no method is recommended: not one of 20 changed still allows 17 in 100."""
HARDLY_RIGHT, MANY_LABELLED = 0.02, 20
"""Top-1 below which, with so many labelled images, labels and model are suspected not to fit."""
MAYBE_CHANCE = 0.75
"""Top-1 below which it is compared with chance; with more right only very uneven classes could make it that."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A setting and its change of the main metric in points (0..100), negative for a loss."""

    setting: str
    codec_quality: float | None
    mean: float
    low: float
    high: float

    @property
    def noisy(self) -> bool:
        return self.low <= 0 <= self.high

    @property
    def place(self) -> str:
        """ "At JPEG 30", to begin a sentence with."""
        return at(self.setting)[0].upper() + at(self.setting)[1:]

    @property
    def lost(self) -> str:
        """The loss in points, "15.3"; a gain is below zero."""
        return self._told(-self.mean)

    @property
    def span(self) -> str:
        """The interval of the loss, "10.7 to 20.0"."""
        return f"{self._told(-self.high)} to {self._told(-self.low)}"

    def _told(self, points: float) -> str:
        """One decimal, or as many more as it takes to see that a change beyond noise is none of 0.0."""
        decimals, ends = 1, (self.mean, self.low, self.high)
        while not self.noisy and decimals < MOST_DECIMALS and 0.0 in (round(end, decimals) for end in ends if end):
            decimals += 1
        return f"{points + 0.0:.{decimals}f}"


def verdict(result: StudyResult) -> str:
    """A sentence for each codec family (three at most): its cost near quality 30, the worst, and where noise begins."""
    told = []
    first = result.plan.mitigations[0]
    for family in families_of(result.plan.made_codecs):
        if steps := _steps(result, family):
            told.append(_changes(steps) if _counts_answers(result) else _losses(steps, result.main_metric))
    if not told:
        return "Nothing could be scored: no image went through both clean and compressed."
    rest = len(told) - MAX_FAMILIES
    more = [f"{rest} more {'codec' if rest == 1 else 'codecs'} in the table."] if rest > 0 else []
    return " ".join([*([] if first == NONE else [f"With {first}:"]), *told[:MAX_FAMILIES], *more])


def levels(result: StudyResult) -> str | None:
    """The main metric itself, clean, at the verdict's setting and at the worst; None where nothing could be scored.

    Clean is over the images that the verdict's setting was scored on, so that the levels differ by what it says.
    """
    headline, cells = headline_setting(result), _first_cells(result)
    scored = {
        setting: value for setting, cell in cells.items() if (value := cell.metrics.get(result.main_metric)) is not None
    }
    change = None if headline is None else cells[headline].difference.get(result.main_metric)
    if headline is None or change is None or headline not in scored:
        return None
    clean = scored[headline] - change.mean
    ends = dict.fromkeys((headline, min(scored, key=lambda setting: scored[setting])))
    told = ", ".join(f"{100 * scored[setting]:.1f} % {at(setting)}" for setting in ends)
    name = METRIC_NAMES.get(result.main_metric, result.main_metric)
    return f"{name[0].upper()}{name[1:]}: {100 * clean:.1f} % clean, {told}."


def headline_setting(result: StudyResult) -> str | None:
    """The setting that the verdict leads with; None where nothing could be scored."""
    for family in families_of(result.plan.made_codecs):
        if steps := _steps(result, family):
            return _lead(steps).setting
    return None


def caveats(result: StudyResult, n_done: int | None = None) -> list[str]:
    """What must be known before the verdict is believed: failures, missing labels, an unfinished run."""
    notes = []
    if n_done is not None and n_done < result.n_items:
        notes.append(f"This run is not finished: {n_done} of {result.n_items} images are done.")
    if result.failed:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(result.errors.items()))
        notes.append(
            f"{result.failed} of {result.n_items} items failed ({kinds}) in at least one setting; their rows say why. "
            "Each setting counts what was scored there."
        )
    scored = max((n_counted(result, cell.n) for cell in _first_cells(result).values()), default=0)
    if 0 < scored < FEWEST:
        advice = ", and no method is recommended" if result.clean_mitigated else ""
        notes.append(f"With fewer than {FEWEST} images (here {scored}) intervals tell little of other images{advice}.")
    notes += [remark for remark in result.remarks if remark]  # as they are: some begin with a SPEC
    notes += _on_labels(result)
    if not result.n_labelled:
        kept = "how often the model keeps" if result.plan.task == "classification" else "how far the model keeps to"
        notes.append(f"There are no labels: what is counted is {kept} its own clean answer.")
    elif result.n_labelled < result.n_items and (n_done is None or result.n_labelled < n_done):
        notes.append(f"Only {result.n_labelled} of {result.n_items} images have a label; accuracy is over those.")
    return notes


def _on_labels(result: StudyResult) -> list[str]:
    """Where so few clean images are right that labels and model are suspected not to fit."""
    right = result.clean.get("top1")
    if right is None or result.n_labelled < MANY_LABELLED:
        return []
    if right < HARDLY_RIGHT:
        return [
            f"The model is right on only {100 * right:.1f} % of the clean images: are the labels in its own order of "
            "classes, and is the preprocessing that of these weights?"
        ]
    shuffled = shuffled_top1(Path(result.run)) if right < MAYBE_CHANCE else None
    if shuffled is None or not is_chance(right, shuffled, result.n_labelled):
        return []
    return [
        f"The model is right on {100 * right:.1f} % of the clean images, no more than chance may make it (labels dealt "
        f"at random: {100 * shuffled:.1f} %): check that classes and outputs are in the same order, and that the "
        "preprocessing is that of these weights."
    ]


def within_noise(difference: Interval) -> bool:
    """Whether the interval includes zero."""
    return difference.low <= 0 <= difference.high


def n_counted(result: StudyResult, n: int) -> int:
    """Of n images scored those that the main metric is over: where it takes labels, as many as are labelled at most."""
    return n if result.main_metric == "agreement" else min(n, result.n_labelled)


def _steps(result: StudyResult, family: Family) -> list[_Step]:
    cells = _first_cells(result)
    steps = []
    for setting, quality in zip(family.settings, family.qualities, strict=True):
        found = cells[setting].difference.get(result.main_metric) if setting in cells else None
        if found is not None:
            found = widened(found, n_counted(result, cells[setting].n))
            high = min(found.high, 0.0) if result.main_metric == "agreement" else found.high  # clean, all agree
            steps.append(_Step(setting, quality, 100 * found.mean, 100 * found.low, 100 * high))
    return steps


def _first_cells(result: StudyResult) -> dict[str, CellResult]:
    """The cells by setting: without mitigation, or where the plan has none of those, with its first."""
    return {cell.codec: cell for cell in result.cells if cell.mitigation == result.plan.mitigations[0]}


def _near(steps: list[_Step]) -> _Step:
    return min(steps, key=lambda step: abs((step.codec_quality or 0) - HEADLINE_QUALITY))


def _lead(steps: list[_Step]) -> _Step:
    """The step nearest quality 30 if it is beyond noise, else the one that moves most."""
    near = _near(steps)
    return near if not near.noisy else max((s for s in steps if not s.noisy), key=lambda s: abs(s.mean), default=near)


def _losses(steps: list[_Step], main_metric: str) -> str:
    metric = METRIC_NAMES.get(main_metric, main_metric)
    lead, worst = _lead(steps), min(steps, key=lambda step: step.mean)
    if lead.noisy and len(steps) == 1:
        return f"{lead.place} the change of {metric} is within noise ({_allowed(steps)})."
    if lead.noisy:
        span = f"From {spoken(steps[0].setting)} down to {spoken(steps[-1].setting)}"
        return f"{span} no change of {metric} is beyond noise ({_allowed(steps)})."
    text = f"{lead.place} this model {_moves(lead, metric)}"
    if worst is not lead and not worst.noisy and worst.mean < 0:
        text += f", {at(worst.setting)} it loses {worst.lost}"
    return f"{text}{_where_noise_begins(steps, lead)}."


def _where_noise_begins(steps: list[_Step], lead: _Step) -> str:
    """The clause on the mildest settings: within noise down to which one, or not even at the mildest."""
    mild = steps[: next(index for index, step in enumerate(steps) if not step.noisy)]
    if mild:
        upto = f"down to {spoken(mild[-1].setting)}" if len(mild) > 1 else at(mild[0].setting)
        return f"; {upto} the loss is within noise ({_allowed(mild)})"
    if steps[0] is lead or steps[0].mean > 0:
        return ""
    return f"; even {at(steps[0].setting)}, the mildest tested, it loses {steps[0].lost} ({steps[0].span})"


def _counts_answers(result: StudyResult) -> bool:
    """Whether the study counts answers that stay the same: a classifier's, without labels."""
    return result.main_metric == "agreement" and yardstick(result.plan.task).targets == "class"


def _changes(steps: list[_Step]) -> str:
    """The sentence without labels: on how many images the answer changes."""
    near, worst = _near(steps), min(steps, key=lambda step: step.mean)
    changed = f"changes its answer on {-near.mean + 0.0:.1f} % of the images (95 %: {near.span})"
    ends = {step.setting: step for step in (worst, steps[0]) if step is not near}
    others = [f"{at(step.setting)} on {-step.mean + 0.0:.1f} %" for step in ends.values()]
    return f"{', '.join([f'{near.place} this model {changed}', *others])}."


def _moves(step: _Step, metric: str) -> str:
    if step.mean > 0:
        gain = _Step(step.setting, step.codec_quality, -step.mean, -step.high, -step.low)
        return f"gains {gain.lost} points of {metric} (95 %: {gain.span})"
    return f"loses {step.lost} points of {metric} (95 %: {step.span})"


def _allowed(steps: list[_Step]) -> str:
    return f"95 %: at most {max(0.0, -min(step.low for step in steps)):.1f} points lost"
