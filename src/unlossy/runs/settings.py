"""Codec settings as people say them, and grouped into families: what is swept together along one quality."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from unlossy.codecs import Codec
from unlossy.store import CLEAN

NAMES = {
    "jpeg": "JPEG",
    "webp": "WebP",
    "jpeg2000": "JPEG 2000",
    "heif": "HEIF",
    "avif": "AVIF",
    "jxl": "JPEG XL",
    "bpg": "BPG",
}

LOOKED_AT = (50.0, 30.0, 10.0)
"""The qualities that pictures and classes are shown at, or the nearest there are."""


@dataclass(frozen=True, slots=True)
class Family:
    """Settings that differ in quality alone, best first; a setting without a quality (a chain) stands alone."""

    name: str
    settings: tuple[str, ...]
    qualities: tuple[float | None, ...]

    @property
    def swept(self) -> bool:
        """Whether the settings have qualities, so that they make a curve."""
        return None not in self.qualities

    def nearest(self, codec_quality: float) -> str:
        """The setting whose quality is nearest, of equals the lower; the only one where there is no quality."""
        by_distance = {
            setting: (abs(q - codec_quality), q)
            for setting, q in zip(self.settings, self.qualities, strict=True)
            if q is not None
        }
        return min(by_distance, key=lambda setting: by_distance[setting]) if by_distance else self.settings[0]

    def looked_at(self) -> tuple[str, ...]:
        """At most three settings, best first, near the qualities 50, 30 and 10."""
        wanted = {self.nearest(quality) for quality in LOOKED_AT}
        return tuple(setting for setting in self.settings if setting in wanted)


def families_of(codecs: Sequence[Codec]) -> tuple[Family, ...]:
    """The codecs' families in the order of their first settings."""
    grouped: dict[str, list[Codec]] = {}
    for codec in codecs:
        name = codec.setting if codec.codec_quality is None else codec.setting.rpartition(":")[0]
        grouped.setdefault(name, []).append(codec)
    return tuple(_family(name, group) for name, group in grouped.items())


def _family(name: str, group: list[Codec]) -> Family:
    best_first = sorted(group, key=lambda codec: -(codec.codec_quality or 0))
    return Family(name, tuple(c.setting for c in best_first), tuple(c.codec_quality for c in best_first))


def spoken(setting: str) -> str:
    """A setting or a family as people say it: "JPEG 30", "JPEG [444] 30", "JPEG 30 then JPEG 75", "clean"."""
    return setting if setting == CLEAN else " then ".join(_spoken_part(part) for part in setting.split("+"))


def at(setting: str) -> str:
    """The setting with its preposition: "at JPEG 30", "after JPEG 30 then JPEG 75"."""
    return f"{'after' if '+' in setting else 'at'} {spoken(setting)}"


def _spoken_part(part: str) -> str:
    match = re.fullmatch(r"([a-z0-9]+)(\[[^\]]*\])?(?::(.*))?", part)
    if match is None:
        return part
    name, options, quality = match.groups()
    return " ".join(text for text in (NAMES.get(name, name.upper()), options, quality) if text)
