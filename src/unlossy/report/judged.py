"""The methods of a study by what the recommendation's rules ask of them: where each wins and harms, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlossy.metrics import Interval
from unlossy.metrics.stats import widened
from unlossy.report.verdict import FEWEST, n_counted
from unlossy.runs import StudyResult
from unlossy.runs.mitigations import short_names
from unlossy.runs.pairs import Pair
from unlossy.runs.settings import families_of
from unlossy.runs.summary import losing_settings
from unlossy.store import CLEAN, NONE


@dataclass(frozen=True, slots=True)
class Judged:
    """A method under its short name: settings it wins and harms at (best quality first), mean gain (0..1).

    `gain` is that of `MethodCost`; `thin` has the settings at which it gains beyond noise on too few images for a win;
    `n_broken` counts the clean images whose answer it turns wrong.
    """

    mitigation: str
    name: str
    wins: tuple[str, ...]
    harms: tuple[str, ...]
    thin: tuple[str, ...]
    n_broken: int
    gain: Interval | None

    @property
    def mean_gain(self) -> float:
        """The mean of its gain, zero without one."""
        return 0.0 if self.gain is None else self.gain.mean

    @property
    def gains(self) -> bool:
        """Whether its mean gain is beyond noise."""
        return self.gain is not None and self.gain.low > 0

    def wins_among(self, settings: Sequence[str]) -> list[str]:
        """Those of the settings that it wins at."""
        return [setting for setting in settings if setting in self.wins]


def losing_of(result: StudyResult) -> list[str]:
    """Settings at which the model alone loses beyond noise."""
    return losing_settings(result.cells, result.main_metric)


def gains_of(result: StudyResult, mitigation: str) -> dict[str, Interval]:
    """The differences of the main metric to none, by setting; those not scored are left out."""
    cells = [cell for cell in result.cells if cell.mitigation == mitigation]
    return {c.codec: found for c in cells if (found := (c.versus_none or {}).get(result.main_metric)) is not None}


def bounds_of(result: StudyResult, mitigation: str) -> dict[str, Interval]:
    """The gains as sentences bound them: with a width even where every image gained the same."""
    found = gains_of(result, mitigation)
    return {setting: widened(gain, _n(result, setting, mitigation, NONE)) for setting, gain in found.items()}


def judge(result: StudyResult, mitigation: str) -> Judged:
    """The method by the rules."""
    gains = gains_of(result, mitigation)
    ordered = [setting for family in families_of(result.plan.made_codecs) for setting in family.settings]
    clean = result.methods[mitigation].clean_difference.get(result.main_metric)
    harms = [CLEAN] if clean is not None and clean.high < 0 else []
    harms += [setting for setting in ordered if setting in gains and gains[setting].high < 0]
    gaining = [setting for setting in ordered if setting in gains and gains[setting].low > 0]
    wins = [setting for setting in gaining if _n(result, setting, mitigation, NONE) >= FEWEST]
    return Judged(
        mitigation,
        short_names(result.plan.mitigations)[mitigation],
        wins=tuple(wins),
        harms=tuple(harms),
        thin=tuple(setting for setting in gaining if setting not in wins),
        n_broken=result.methods[mitigation].became_wrong,
        gain=result.methods[mitigation].gain,
    )


def pair_of(result: StudyResult, setting: str, a: str, b: str) -> Pair | None:
    """Two methods beside each other, in whichever order the study has them."""
    return next((pair for pair in result.pairs if pair.codec == setting and {pair.a, pair.b} == {a, b}), None)


def difference_of(result: StudyResult, setting: str, a: Judged, b: Judged) -> Interval | None:
    """Method a minus method b in the main metric; None where no image was scored with both."""
    pair = pair_of(result, setting, a.mitigation, b.mitigation)
    found = None if pair is None else pair.difference.get(result.main_metric)
    if pair is None or found is None:
        return None
    return found if pair.a == a.mitigation else Interval(-found.mean, -found.high, -found.low)


def bound_of(result: StudyResult, setting: str, a: Judged, b: Judged) -> Interval | None:
    """The difference as sentences bound it."""
    found = difference_of(result, setting, a, b)
    return None if found is None else widened(found, _n(result, setting, a.mitigation, b.mitigation))


def is_alike(result: StudyResult, best: Judged, other: Judged, losing: Sequence[str]) -> bool:
    """Whether the two were compared at a losing setting, and at none of them the best is better beyond noise."""
    found = [difference_of(result, setting, best, other) for setting in losing]
    compared = [difference for difference in found if difference is not None]
    return bool(compared) and all(difference.low <= 0 for difference in compared)


def _n(result: StudyResult, setting: str, a: str, b: str) -> int:
    """How many images the main metric of two methods is compared over."""
    pair = pair_of(result, setting, a, b)
    return 0 if pair is None else n_counted(result, pair.n)
