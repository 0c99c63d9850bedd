"""How often each JPEG quality is drawn in a training, as one writes it.

uniform:5-95             each quality from 5 to 95 alike
shares:10=3,20=2,80=1    these qualities in these proportions
shares:5-25=9,26-94=1    nine of ten from 5 to 25, alike among themselves, one from 26 to 94
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from numpy.random import Generator

from unlossy.core.errors import UsageError

VALIDATED: Final = (10, 20, 40, 80)
"""Qualities looked at in validation, where the training has them."""
MOST_VALIDATED: Final = 4

_RANGE: Final = r"\d{1,3}(?:-\d{1,3})?"
_UNIFORM: Final = re.compile(r"uniform:(?P<range>\d{1,3}-\d{1,3})")
_SHARES: Final = re.compile(rf"shares:(?P<pairs>{_RANGE}=[\d.]+(?:,{_RANGE}=[\d.]+)*)")
_FORMS: Final = "write uniform:5-95, or shares:10=3,20=2,80=1, or shares:5-25=9,26-94=1"


Setting = TypeVar("Setting")


@dataclass(frozen=True, slots=True)
class QualityShares:
    """IJG qualities, and the shares (that add up to 1) in which they are drawn."""

    qualities: tuple[int, ...]
    shares: tuple[float, ...]

    def draw(self, rng: Generator) -> int:
        """An IJG quality."""
        return self.qualities[int(rng.choice(len(self.qualities), p=self.shares))]


def quality_shares(text: str) -> QualityShares:
    """The shares of the qualities that a text gives (forms above), 1..100; raises UsageError."""
    if uniform := _UNIFORM.fullmatch(text):
        found = dict.fromkeys(_range(uniform["range"], text), 1.0)
    elif listed := _SHARES.fullmatch(text):
        found = {}
        for pair in listed["pairs"].split(","):
            where, _, weight = pair.partition("=")
            qualities = _range(where, text)
            for quality in qualities:
                found[quality] = found.get(quality, 0.0) + _number(weight, text) / len(qualities)
    else:
        raise UsageError(f"cannot read the qualities {text!r}; {_FORMS}")
    total = sum(found.values())
    if total <= 0.0:
        raise UsageError("the shares of the qualities add up to nothing; give at least one above 0")
    drawn = {quality: weight / total for quality, weight in found.items() if weight > 0.0}
    return QualityShares(tuple(drawn), tuple(drawn.values()))


def looked_at(drawn: Sequence[Setting], usual: Sequence[Setting]) -> tuple[Setting, ...]:
    """What validation looks at: all of a few, else the usual ones where all four are drawn, else some spread evenly."""
    if len(usual) == len(VALIDATED):
        return tuple(usual)
    if len(drawn) <= MOST_VALIDATED:
        return tuple(drawn)
    last = len(drawn) - 1
    return tuple(drawn[round(i * last / (MOST_VALIDATED - 1))] for i in range(MOST_VALIDATED))


def _range(text: str, whole: str) -> range:
    lowest, _, highest = text.partition("-")
    found = range(int(lowest), int(highest or lowest) + 1)
    if not found or found[0] < 1 or found[-1] > 100:
        raise UsageError(f"cannot read the qualities {whole!r}: {text} is no range within 1-100; {_FORMS}")
    return found


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"cannot read the qualities {whole!r}: {error}; {_FORMS}") from error
