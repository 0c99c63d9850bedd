"""The contracts: a Corrector repairs pictures, a Network is what most of them have inside. Numpy in, numpy out.

Decoded ──► Corrector.correct ──► uint8 picture of the same size        routing, tiling, guards, rounding
                 └── Network.run: Y, Cb, Cr and the tables in, Y, Cb, Cr out        ONNX Runtime, torch, or another
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.core.types import CompressionHints, Decoded


@runtime_checkable
class Corrector(Protocol):
    """Repairs decoded pictures.

    `name` is the SPEC that was asked for, `digest` the SHA-256 of all that decides its output, `libraries` the
    distributions whose versions can change it ("onnxruntime", "torch").
    """

    @property
    def name(self) -> str:
        """The SPEC."""
        ...

    @property
    def digest(self) -> str:
        """In hex."""
        ...

    @property
    def libraries(self) -> tuple[str, ...]:
        """Names of distributions."""
        ...

    def correct(self, batch: Sequence[Decoded]) -> list[UInt8[np.ndarray, "h w c"]]:
        """The repaired pictures in order, each in its own size; grey stays grey. Raises ModelError on NaN."""
        ...

    def touches(self, picture: Decoded) -> bool:
        """Whether `correct` would work on the picture; one that it would not comes back as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Condition:
    """What a network is told of a batch of b pictures; see `nets.unet.UNet.forward`.

    `tables` are the luma and chroma steps (1 where there is none), `known` 1.0 where they are the file's own,
    `sampling` the luma sampling factors.
    """

    tables: Float32[np.ndarray, "b 2 8 8"]
    known: Float32[np.ndarray, " b"]
    sampling: Float32[np.ndarray, "b 2"]

    @classmethod
    def of(cls, hints: Sequence[CompressionHints | None]) -> "Condition":
        """The condition of a batch; None is a picture without tables."""
        tables = np.ones((len(hints), 2, 8, 8), np.float32)
        sampling = np.ones((len(hints), 2), np.float32)
        for i, hint in enumerate(hints):
            if hint is not None:
                tables[i, 0] = hint.table_luma
                tables[i, 1] = 1 if hint.table_chroma is None else hint.table_chroma
                sampling[i] = hint.sampling_hv
        return cls(tables, np.array([hint is not None for hint in hints], np.float32), sampling)


@runtime_checkable
class Network(Protocol):
    """A corrector network in some runtime.

    `stride_px` is what height and width must be multiples of, `reach_px` how far a pixel's answer looks (its receptive
    field's radius), `bytes_per_pixel` what a run holds at its peak.
    """

    @property
    def stride_px(self) -> int:
        """Of the picture's pixels."""
        ...

    @property
    def reach_px(self) -> int:
        """Of the picture's pixels."""
        ...

    @property
    def bytes_per_pixel(self) -> int:
        """Of one picture."""
        ...

    def run(self, ycc: Float32[np.ndarray, "b 3 h w"], condition: Condition) -> Float32[np.ndarray, "b 3 h w"]:
        """The corrected Y, Cb, Cr of a batch, 0..1 with neutral chroma at 0.5, not clipped."""
        ...
