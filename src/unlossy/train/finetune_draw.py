"""What a training picture is compressed with: codec settings, how often each is drawn, and how many stay clean.

uniform:5-95             JPEG, each quality from 5 to 95 alike
shares:10=3,20=2,80=1    JPEG, these qualities in these proportions
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from numpy.random import Generator

from unlossy.codecs import Codec, parse_codecs
from unlossy.core.errors import UsageError

CLEAN_SHARE: Final = 0.1
"""Of the pictures of a training on a distribution, so that what is clean stays known."""

VALIDATED: Final = (10, 20, 40, 80)
"""Qualities looked at in validation, where the training has them."""

MOST_VALIDATED: Final = 4

UNIFORM: Final = re.compile(r"uniform:(?P<lowest>\d{1,3})-(?P<highest>\d{1,3})")
SHARES: Final = re.compile(r"shares:(?P<pairs>\d{1,3}=[\d.]+(?:,\d{1,3}=[\d.]+)*)")


@dataclass(frozen=True, slots=True)
class Compressions:
    """Settings and the shares (that add up to 1) in which they are drawn for the pictures that are not left clean."""

    codecs: tuple[Codec, ...]
    shares: tuple[float, ...]
    clean_share: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.clean_share <= 1.0:
            raise UsageError(f"the share of clean pictures is {self.clean_share}; it lies between 0 and 1")

    def draw(self, rng: Generator) -> Codec | None:
        """A setting, or None for a picture that stays clean."""
        if rng.random() < self.clean_share:
            return None
        return self.codecs[int(rng.choice(len(self.codecs), p=self.shares))]

    @property
    def validated(self) -> tuple[Codec, ...]:
        """The settings that validation looks at: all of a few, else the usual qualities, else some spread evenly."""
        if self.clean_share == 1.0:
            return ()
        usual = tuple(codec for codec in self.codecs if codec.codec_quality in VALIDATED)
        if len(self.codecs) <= MOST_VALIDATED or len(usual) == len(VALIDATED):
            return usual if len(usual) == len(VALIDATED) else self.codecs
        last = len(self.codecs) - 1
        return tuple(self.codecs[round(i * last / (MOST_VALIDATED - 1))] for i in range(MOST_VALIDATED))

    @property
    def facts(self) -> dict[str, float]:
        """Share of each setting among all pictures, "clean" included."""
        compressed = 1.0 - self.clean_share
        drawn = {c.setting: round(compressed * s, 6) for c, s in zip(self.codecs, self.shares, strict=True)}
        return {"clean": self.clean_share, **drawn}


def drawn_from(text: str, clean_share: float | None = None) -> Compressions:
    """The JPEG qualities of a distribution (forms above); raises UsageError."""
    share = CLEAN_SHARE if clean_share is None else clean_share
    if uniform := UNIFORM.fullmatch(text):
        lowest, highest = int(uniform["lowest"]), int(uniform["highest"])
        if lowest <= highest:
            return _weighted(dict.fromkeys(range(lowest, highest + 1), 1.0), share)
    elif listed := SHARES.fullmatch(text):
        pairs = [pair.split("=") for pair in listed["pairs"].split(",")]
        try:
            return _weighted({int(quality): float(weight) for quality, weight in pairs}, share)
        except ValueError as error:
            raise UsageError(f"cannot read the qualities {text!r}: {error}") from error
    raise UsageError(f"cannot read the qualities {text!r}; write uniform:5-95, or shares:10=3,20=2,80=1")


def each_alike(specs: Sequence[str], clean_share: float | None = None) -> Compressions:
    """The settings of codec SPECs, drawn alike, and no clean pictures unless asked for; raises UsageError."""
    codecs = {codec.setting: codec for spec in specs for codec in parse_codecs(spec)}
    shares = (1.0 / len(codecs),) * len(codecs)
    return Compressions(tuple(codecs.values()), shares, 0.0 if clean_share is None else clean_share)


def _weighted(weights: dict[int, float], clean_share: float) -> Compressions:
    total = sum(weights.values())
    if total <= 0.0:
        raise UsageError("the shares of the qualities add up to nothing; give at least one above 0")
    codecs = tuple(codec for quality in weights for codec in parse_codecs(f"jpeg:{quality}"))
    return Compressions(codecs, tuple(weight / total for weight in weights.values()), clean_share)
