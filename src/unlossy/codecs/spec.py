"""The SPEC grammar of `--codec`: one text, one or many settings.

jpeg                       the codec's own sweep (10, 20, ... 90)
jpeg:30                    one quality
jpeg:10,30,50              several
jpeg:10..90:20             from, to (inclusive), step
jpeg[444,progressive]:50   with options
jpeg:30+jpeg:75            a chain: compressed at 30, then again at 75; lists in a chain are crossed
"""

import itertools
import re

from unlossy.codecs.base import Availability, Codec, CodecFamily
from unlossy.codecs.chain import ChainCodec
from unlossy.codecs.registry import codec_family
from unlossy.core.errors import MissingDependency, UsageError

PART = re.compile(r"(?P<name>[a-z0-9]+)(?:\[(?P<options>[^\]]*)\])?(?::(?P<qualities>[^+]+))?")
RANGE = re.compile(r"(?P<first>\d{1,4})\.\.(?P<last>\d{1,4})(?::(?P<step>\d{1,4}))?")


def parse_codecs(spec: str) -> tuple[Codec, ...]:
    """The settings that a SPEC names, in its order, without repeats; raises UsageError saying what is wrong."""
    parts = [_parse_part(part, spec) for part in spec.strip().split("+")]
    chains = [chain[0] if len(chain) == 1 else ChainCodec(chain) for chain in itertools.product(*parts)]
    return tuple({chain.setting: chain for chain in chains}.values())


def _parse_part(text: str, spec: str) -> list[Codec]:
    match = PART.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"cannot read the codec {spec!r}; write for example jpeg:30, jpeg:10..90:20 or 'jpeg[444]:50'")
    family = codec_family(match["name"])
    _refuse_unavailable(family, family.availability())
    options = _parse_options(family, match["options"])
    qualities = _parse_qualities(family, match["qualities"], spec)
    return [family.make(codec_quality, options) for codec_quality in qualities]


def _refuse_unavailable(family: CodecFamily, found: Availability) -> None:
    if found.available:
        return
    if found.extra is not None:
        raise MissingDependency(found.reason or family.name, found.extra, f"the codec {family.name}")
    raise UsageError(f"the codec {family.name} does not work here: {found.reason}")


def _parse_options(family: CodecFamily, text: str | None) -> tuple[str, ...]:
    asked = [] if text is None else [option.strip() for option in text.split(",")]
    for option in asked:
        if option not in family.options:
            raise UsageError(f"{family.name} has no option {option!r}; there are: {', '.join(family.options)}")
    return tuple(option for option in family.options if option in asked)


def _parse_qualities(family: CodecFamily, text: str | None, spec: str) -> list[int]:
    if text is None:
        return list(family.scale.sweep)
    qualities = [quality for item in text.split(",") for quality in _parse_item(item.strip(), spec)]
    for quality in qualities:
        if quality not in family.scale:
            raise UsageError(
                f"{family.name} takes a quality of {family.scale.lowest} to {family.scale.highest}, not {quality}"
            )
    return qualities


def _parse_item(item: str, spec: str) -> list[int]:
    if re.fullmatch(r"\d{1,4}", item):
        return [int(item)]
    match = RANGE.fullmatch(item)
    if match is None:
        raise UsageError(f"cannot read the quality {item!r} in {spec!r}; write a whole number, or FROM..TO:STEP")
    first, last = int(match["first"]), int(match["last"])
    if match["step"] is None or int(match["step"]) == 0:
        raise UsageError(f"the range {item!r} needs a step of 1 or more: {first}..{last}:10")
    if last < first:
        raise UsageError(f"the range {item!r} runs backwards; write {last}..{first}:{match['step']}")
    return list(range(first, last + 1, int(match["step"])))
