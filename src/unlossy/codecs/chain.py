"""Several compressions in a row, as an upload that was saved before and is saved again."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from unlossy.codecs.base import Codec


@dataclass(frozen=True, slots=True)
class ChainCodec:
    """Two or more codecs applied one after the other; the bytes and the rate are the last one's."""

    parts: tuple[Codec, ...]

    @property
    def setting(self) -> str:
        """The parts' settings joined by `+`, first compression first."""
        return "+".join(part.setting for part in self.parts)

    @property
    def codec_quality(self) -> None:
        """None: no one number says it."""
        return

    @property
    def encoder(self) -> str:
        """Each encoder once, in order."""
        return "; ".join(dict.fromkeys(part.encoder for part in self.parts))

    def encode(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> bytes:
        """The bytes of the last compression; raises CodecError."""
        for part in self.parts[:-1]:
            image_hwc = part.decode(part.encode(image_hwc))
        return self.parts[-1].encode(image_hwc)

    def decode(self, data: bytes) -> UInt8[np.ndarray, "h w c"]:
        """The pixels after the last compression; raises CodecError."""
        return self.parts[-1].decode(data)
