"""The contracts: a Codec is ONE setting of one lossy codec, a CodecFamily makes them from a quality and options."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True, slots=True)
class QualityScale:
    """The whole numbers a codec takes as quality, worst to best, and the sweep meant when none is named."""

    lowest: int
    highest: int
    sweep: tuple[int, ...]

    def __contains__(self, codec_quality: int) -> bool:
        return self.lowest <= codec_quality <= self.highest


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a codec works here: the version of what encodes, or why not and which extra would bring it."""

    available: bool
    version: str | None = None
    reason: str | None = None
    extra: str | None = None


@runtime_checkable
class Codec(Protocol):
    """One setting of one lossy codec: a pure pair of functions, safe to call from several threads at once."""

    @property
    def setting(self) -> str:
        """The canonical text, key of rows and caches: "jpeg:30", "jpeg[444]:30", "jpeg:30+jpeg:75"."""
        ...

    @property
    def codec_quality(self) -> float | None:
        """The quality on the family's own scale; None where one number cannot say it (chains)."""
        ...

    @property
    def encoder(self) -> str:
        """Library and version that encode; equal input gives equal bytes only under an equal encoder."""
        ...

    def encode(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> bytes:
        """The compressed bytes of an image with c in {1, 3}; raises CodecError."""
        ...

    def decode(self, data: bytes) -> UInt8[np.ndarray, "h w c"]:
        """The pixels of bytes that this codec made, same height and width, c in {1, 3}; raises CodecError."""
        ...


@runtime_checkable
class CodecFamily(Protocol):
    """What the registry holds: everything needed to turn `NAME[options]:QUALITY` into a Codec."""

    @property
    def name(self) -> str:
        """The NAME of the SPEC grammar."""
        ...

    @property
    def scale(self) -> QualityScale:
        """The qualities that `make` takes."""
        ...

    @property
    def options(self) -> Mapping[str, str]:
        """Option to one line of help; the order is the canonical one."""
        ...

    def availability(self) -> Availability:
        """Whether it works on this machine."""
        ...

    def make(self, codec_quality: int, options: tuple[str, ...] = ()) -> Codec:
        """The codec at one quality; raises UsageError on options that contradict each other."""
        ...


def setting_text(name: str, options: tuple[str, ...], codec_quality: int) -> str:
    """The canonical setting: `name:quality`, or `name[option,option]:quality`."""
    return f"{name}[{','.join(options)}]:{codec_quality}" if options else f"{name}:{codec_quality}"
