"""The methods of a study by what the recommendation's rules ask of them: where each wins and harms, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlossy.metrics import Interval
from unlossy.runs import StudyResult
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import families_of
from unlossy.store import CLEAN, NONE


@dataclass(frozen=True, slots=True)
class Judged:
    """A method under its short name: settings it wins and harms at (best quality first), mean gain (0..1).

    `n_broken` counts the clean images whose answer it turns wrong.
    """

    mitigation: str
    name: str
    wins: tuple[str, ...]
    harms: tuple[str, ...]
    n_broken: int
    gain: float

    def wins_among(self, settings: Sequence[str]) -> list[str]:
        """Those of the settings that it wins at."""
        return [setting for setting in settings if setting in self.wins]


def losing_of(result: StudyResult) -> list[str]:
    """Settings at which the model alone loses beyond noise."""
    cells = [cell for cell in result.cells if cell.mitigation == NONE]
    return [c.codec for c in cells if (lost := c.difference.get(result.main_metric)) is not None and lost.high < 0]


def gains_of(result: StudyResult, mitigation: str) -> dict[str, Interval]:
    """The differences of the main metric to none, by setting; those not scored are left out."""
    cells = [cell for cell in result.cells if cell.mitigation == mitigation]
    return {c.codec: found for c in cells if (found := (c.versus_none or {}).get(result.main_metric)) is not None}


def judge(result: StudyResult, mitigation: str, losing: Sequence[str]) -> Judged:
    """The method by the rules; its mean gain is over the losing settings, zero where it was not scored."""
    gains = gains_of(result, mitigation)
    ordered = [setting for family in families_of(result.plan.made_codecs) for setting in family.settings]
    clean = result.methods[mitigation].clean_difference.get(result.main_metric)
    harms = [CLEAN] if clean is not None and clean.high < 0 else []
    harms += [setting for setting in ordered if setting in gains and gains[setting].high < 0]
    at_loss = [gains[setting].mean for setting in losing if setting in gains]
    return Judged(
        mitigation,
        short_names(result.plan.mitigations)[mitigation],
        wins=tuple(setting for setting in ordered if setting in gains and gains[setting].low > 0),
        harms=tuple(harms),
        n_broken=result.methods[mitigation].became_wrong,
        gain=sum(at_loss) / len(losing) if losing else 0.0,
    )


def difference_of(result: StudyResult, setting: str, a: Judged, b: Judged) -> Interval | None:
    """Method a minus method b in the main metric; None where no image was scored with both."""
    for pair in result.pairs:
        found = pair.difference.get(result.main_metric)
        if found is not None and pair.codec == setting and {pair.a, pair.b} == {a.mitigation, b.mitigation}:
            return found if pair.a == a.mitigation else Interval(-found.mean, -found.high, -found.low)
    return None


def is_alike(result: StudyResult, best: Judged, other: Judged, losing: Sequence[str]) -> bool:
    """Whether the two were compared at a losing setting, and at none of them the best is better beyond noise."""
    found = [difference_of(result, setting, best, other) for setting in losing]
    compared = [difference for difference in found if difference is not None]
    return bool(compared) and all(difference.low <= 0 for difference in compared)
