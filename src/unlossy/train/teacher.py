"""A trained network's answers about mirror images, as part of what another (or the same, trained on) learns.

What a degraded picture has lost makes most of the error that a loss measures, and no network can learn it: it is noise
in every gradient. A teacher's answer holds none of it. Asked about mirror images of the picture it is wrong in another
way each time, so the student learns the mean over them (as `correctors.flipped` answers), in one pass.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from unlossy.correctors.nets.colour import rgb_from_ycc
from unlossy.train.data import Batch

SHARE: Final = 0.75
MIRRORS: Final = ((1,), (2,), (1, 2))
"""The axes of (3, h, w) that are reversed; asked about the picture as it is, a teacher tells its own copy nothing."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """A network that is not trained, and its share (0..1) of what is aimed at; the rest is the clean picture.

    Crops have sides that are multiples of 16, so that a mirror image of an aligned one is aligned, with its chroma.
    """

    network: nn.Module
    share: float

    @torch.no_grad()
    def target(self, clean_rgb: Tensor, ycc: Tensor, batch: Batch) -> Tensor:
        """What is aimed at (b 3 h w, RGB), of clean pictures and degraded ones in Y, Cb, Cr, all in 0..1."""
        asked = mirrored(ycc).contiguous(memory_format=torch.channels_last)
        answers = self.network(asked, batch.tables, batch.known, batch.sampling)
        with torch.autocast(clean_rgb.device.type, enabled=False):
            return torch.lerp(clean_rgb, rgb_from_ycc(mirrored(answers.float())), self.share)


def mirrored(pictures: Tensor) -> Tensor:
    """Each picture (of b 3 h w) in one mirror image, by its place, which says nothing about it; twice: as it was."""
    return torch.stack([picture.flip(MIRRORS[place % len(MIRRORS)]) for place, picture in enumerate(pictures)])
