"""What a training picture is compressed with: codec settings, how often each is drawn, and how many stay clean.

Distributions of JPEG qualities are written as `quality_shares` says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from numpy.random import Generator

from unlossy.codecs import Codec, parse_codecs
from unlossy.core.errors import UsageError
from unlossy.train.quality_shares import VALIDATED, looked_at, quality_shares

CLEAN_SHARE: Final = 0.1
"""Of the pictures of a training on a distribution, so that what is clean stays known."""


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
        usual = [codec for codec in self.codecs if codec.codec_quality in VALIDATED]
        return looked_at(self.codecs, usual)

    @property
    def facts(self) -> dict[str, float]:
        """Share of each setting among all pictures, "clean" included."""
        compressed = 1.0 - self.clean_share
        drawn = {c.setting: round(compressed * s, 6) for c, s in zip(self.codecs, self.shares, strict=True)}
        return {"clean": self.clean_share, **drawn}


def drawn_from(text: str, clean_share: float | None = None) -> Compressions:
    """The JPEG qualities of a distribution (see `quality_shares`); raises UsageError."""
    drawn = quality_shares(text)
    codecs = tuple(codec for quality in drawn.qualities for codec in parse_codecs(f"jpeg:{quality}"))
    return Compressions(codecs, drawn.shares, CLEAN_SHARE if clean_share is None else clean_share)


def each_alike(specs: Sequence[str], clean_share: float | None = None) -> Compressions:
    """The settings of codec SPECs, drawn alike, and no clean pictures unless asked for; raises UsageError."""
    codecs = {codec.setting: codec for spec in specs for codec in parse_codecs(spec)}
    shares = (1.0 / len(codecs),) * len(codecs)
    return Compressions(tuple(codecs.values()), shares, 0.0 if clean_share is None else clean_share)
