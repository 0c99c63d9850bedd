"""A picture as it comes out of a codec, and of each mitigation after that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from unlossy.codecs import Codec, decode_source, hints_of
from unlossy.core.errors import ItemError
from unlossy.core.pixels import as_rgb
from unlossy.core.types import Decoded, Item
from unlossy.study.mitigation import Mitigation


@dataclass(frozen=True, slots=True)
class Version:
    """A picture with one mitigation, or why there is none; `encoded_bytes` is what it had been compressed to."""

    mitigation: str
    picture: UInt8[np.ndarray, "h w 3"] | ItemError
    encoded_bytes: int


def read_source(item: Item) -> UInt8[np.ndarray, "h w 3"]:
    """The clean picture, a grey one as RGB, for so are they all compressed; raises ItemError."""
    return as_rgb(decode_source(item.blob.all()))


def versions(source: UInt8[np.ndarray, "h w 3"], codec: Codec, mitigations: Sequence[Mitigation]) -> Iterator[Version]:
    """One version after the other, all from the same bytes; raises CodecError."""
    data = codec.encode(source)
    compressed = Decoded(as_rgb(codec.decode(data)), hints_of(data))
    for mitigation in mitigations:
        (made,) = mitigation.apply([compressed])
        yield Version(mitigation.text, made if isinstance(made, ItemError) else as_rgb(made.pixels_hwc), len(data))
