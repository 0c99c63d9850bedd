"""`flips:SPEC`: one of our networks asked four times, about the picture and its three mirror images.

The mean of the four answers, each mirrored back, is nearer to the original than any of them: what the network gets
wrong in one direction only is averaged away (the self-ensemble of Lim et al. 2017, without its quarter turns, which
gain nothing here and would need the tables turned, too). Four times as slow. For pictures that people look at: before a
task network it blurs what task-targeted weights have learnt to draw.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import UsageError
from unlossy.core.tools import digest_of
from unlossy.correctors.base import Condition, Corrector, Network
from unlossy.correctors.guided import GuidedCorrector

PREFIX: Final = "flips:"
GRID_PX: Final = 32
"""Blocks of chroma sampled 4 times less: with sides that are multiples of it, blocks stay blocks in a mirror image."""
_MIRRORS: Final = ((), (2,), (3,), (2, 3))
"""The axes of (b, 3, h, w) that are reversed."""


@dataclass(frozen=True, slots=True)
class FlippedNetwork:
    """A Network (see `base`) that answers with the mean of another's over four mirror images."""

    network: Network

    @property
    def stride_px(self) -> int:
        """Of the picture's pixels."""
        return math.lcm(self.network.stride_px, GRID_PX)

    @property
    def reach_px(self) -> int:
        """Of the picture's pixels."""
        return self.network.reach_px

    @property
    def bytes_per_pixel(self) -> int:
        """What a run holds at its peak: the sum and the mirror image beside what the network needs."""
        return self.network.bytes_per_pixel + 2 * 3 * 4

    def run(self, ycc: Float32[np.ndarray, "b 3 h w"], condition: Condition) -> Float32[np.ndarray, "b 3 h w"]:
        """The mean of the four answers."""
        total = np.zeros_like(ycc)
        for axes in _MIRRORS:
            answer = self.network.run(np.ascontiguousarray(np.flip(ycc, axes)), condition)
            total += np.flip(answer, axes)
        return total / np.float32(len(_MIRRORS))


def flipped(name: str, inner: Corrector) -> Corrector:
    """The corrector of a SPEC behind `flips:`; raises UsageError for one that is not a network of ours."""
    if not isinstance(inner, GuidedCorrector) or isinstance(inner.network, FlippedNetwork):
        raise UsageError(f"{name}: only a network of ours is asked about mirror images: small, base, or a weights file")
    digest = digest_of({"flips": inner.digest})
    return replace(inner, name=name, digest=digest, network=FlippedNetwork(inner.network))
