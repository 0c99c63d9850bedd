"""What a task network is shown in task-targeted training: regions of unlabeled pictures in many framings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from torch import Tensor

from unlossy.train.data import Pairs, Region, recolour
from unlossy.train.degrade import MARGIN, Mix, Sample

NATIVE_SHARE = 0.6
"""Of views that are cut from a picture as it is: resampled detail is not what a camera's compression meets."""
MOST_NATIVE = 2.5
"""Sides of a picture over those of a view, up to which that is done: a smaller part shows nothing to recognise."""
SMALLEST_ZOOM = 0.75
"""Side of the region over the side of the view, up to the whole picture; below 1 the picture is enlarged."""
ASPECT = (0.85, 1.18)
PASTED_SHARE = 0.25
"""Of views that hold a rectangle of another picture: new mixtures for the network to judge (CutMix, 1905.04899)."""
RECOLOURED_SHARE = 0.3
MIN_SIDE_PX = 32
LARGER = (1.5, 2.0)
"""Sides of views over those of the network's input, beside 1."""
FEWEST_LARGE, FEWEST_LARGE_SHARE = 8, 0.05
"""Pictures, and of all pictures, that must be that large."""


def view(rng: Generator, images: Sequence[np.ndarray], size_hw: tuple[int, int]) -> np.ndarray:
    """A clean view (uint8, h w 3): a random region of a random picture, mirrored or not, perhaps another pasted in.

    Pictures are drawn alike whatever their size: variety is what task-targeted training lacks first.
    """
    image = _framed(rng, images[int(rng.integers(len(images)))], size_hw)
    if rng.random() < PASTED_SHARE:
        image = _pasted(rng, image, _framed(rng, images[int(rng.integers(len(images)))], size_hw))
    return recolour(rng, image) if rng.random() < RECOLOURED_SHARE else image


def _framed(rng: Generator, image: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    whole = min(length / side for length, side in zip(image.shape, size_hw, strict=False))
    if 1.0 <= whole <= MOST_NATIVE and rng.random() < NATIVE_SHARE:
        height, width = size_hw
    else:
        zoom = np.exp(rng.uniform(np.log(SMALLEST_ZOOM), np.log(max(whole, 1.0))))
        aspect = np.sqrt(rng.uniform(*ASPECT))
        height = int(np.clip(size_hw[0] * zoom * aspect, min(MIN_SIDE_PX, image.shape[0]), image.shape[0]))
        width = int(np.clip(size_hw[1] * zoom / aspect, min(MIN_SIDE_PX, image.shape[1]), image.shape[1]))
    top, left = int(rng.integers(image.shape[0] - height + 1)), int(rng.integers(image.shape[1] - width + 1))
    region = image[top : top + height, left : left + width]
    if region.shape[:2] != size_hw:
        region = np.asarray(Image.fromarray(region).resize(size_hw[::-1], Image.Resampling.BICUBIC))
    return np.ascontiguousarray(region[:, ::-1] if rng.random() < 0.5 else region)


def _pasted(rng: Generator, image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The image with a rectangle of the other, a fifth to two thirds of each side."""
    height, width = (int(length * rng.uniform(0.2, 0.67)) for length in image.shape[:2])
    top, left = int(rng.integers(image.shape[0] - height + 1)), int(rng.integers(image.shape[1] - width + 1))
    mixed = image.copy()
    mixed[top : top + height, left : left + width] = other[top : top + height, left : left + width]
    return mixed


@dataclass(frozen=True, slots=True)
class Turn:
    """What a step is for: a network by its number, its pairs in one size, and how many of them."""

    network: int
    pairs: Pairs
    n: int


class ViewsOfEach(Pairs):
    """Pairs for the network whose step it is: the networks take turns, in the size of their input or larger.

    A corrector stands before a network's own resizing. Where enough pictures are larger than the input, some steps have
    views of 1.5 or 2 times its sides, as many as make the same number of pixels. Networks of `any_size` are not shown
    those: they do not resize.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        sizes_hw: Sequence[tuple[int, int]],
        batch_size: int,
        seed: int,
        region: Region,
        mix: Mix,
        any_size: Sequence[bool] = (),
    ) -> None:
        super().__init__(images, sizes_hw[0], seed, region, mix)
        self.batch_size = batch_size
        self.turns = [
            _turns(Pairs(images, size_hw, seed, region, mix), network, batch_size, () if takes_any else LARGER)
            for network, (size_hw, takes_any) in enumerate(
                zip(sizes_hw, any_size or [False] * len(sizes_hw), strict=True)
            )
        ]

    def turn_of(self, step: int) -> Turn:
        """What a step is for."""
        turns = self.turns[step % len(self.turns)]
        return turns[step // len(self.turns) % len(turns)]

    def network_of(self, step: int) -> int:
        """The number of the network that a step is for."""
        return self.turn_of(step).network

    def numbers(self, step: int, batch_size: int) -> range:
        """The pairs of a step, fewer where they are larger."""
        return range(step * batch_size, step * batch_size + min(batch_size, self.turn_of(step).n))

    def sample(self, index: int) -> Sample:
        """The pair of a number."""
        return self.turn_of(index // self.batch_size).pairs.sample(index)

    def clean_of(self, network: int, n: int) -> Tensor:
        """Some clean views in the size of one network (RGB n 3 h w, 0..1), always the same."""
        pairs = self.turns[network][0].pairs
        views = np.stack([pairs.sample(index).clean for index in range(n)])
        return torch.from_numpy(views.transpose(0, 3, 1, 2)).float() / 255.0


def _turns(own_size: Pairs, network: int, batch_size: int, scales: Sequence[float]) -> list[Turn]:
    """The turns of one network, over and over: at its own size, and at larger ones where enough pictures have them."""
    own, images, size_hw = Turn(network, own_size, batch_size), own_size.images, own_size.size_hw
    turns = [own]
    for scale in scales:
        height, width = (-(-round(side * scale) // 16) * 16 for side in size_hw)
        large = [image for image in images if image.shape[0] >= height + MARGIN and image.shape[1] >= width + MARGIN]
        if len(large) >= max(FEWEST_LARGE, FEWEST_LARGE_SHARE * len(images)):
            pairs = Pairs(large, (height, width), own_size.seed, own_size.region, own_size.mix)
            turns += [Turn(network, pairs, max(1, round(batch_size * size_hw[0] * size_hw[1] / (height * width)))), own]
    return turns
