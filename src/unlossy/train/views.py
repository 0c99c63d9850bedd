"""What a task network is shown in task-targeted training: regions of unlabeled pictures in many framings."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from torch import Tensor

from unlossy.train.data import Pairs, Region, recolour
from unlossy.train.degrade import Mix, Sample

NATIVE_SHARE = 0.6
"""Of views that are cut from a picture as it is: resampled detail is not what a camera's compression meets."""
SMALLEST_ZOOM = 0.75
"""Side of the region over the side of the view, up to the whole picture; below 1 the picture is enlarged."""
ASPECT = (0.85, 1.18)
PASTED_SHARE = 0.25
"""Of views that hold a rectangle of another picture: new mixtures for the network to judge (CutMix, 1905.04899)."""
RECOLOURED_SHARE = 0.3
MIN_SIDE_PX = 32


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
    if whole >= 1.0 and rng.random() < NATIVE_SHARE:
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


class ViewsOfEach(Pairs):
    """Pairs in the size of the network whose step it is: the networks take turns, a step of `batch_size` pairs each."""

    def __init__(
        self,
        images: Sequence[np.ndarray],
        sizes_hw: Sequence[tuple[int, int]],
        batch_size: int,
        seed: int,
        region: Region,
        mix: Mix,
    ) -> None:
        super().__init__(images, sizes_hw[0], seed, region, mix)
        self.batch_size = batch_size
        self.each = [Pairs(images, size_hw, seed, region, mix) for size_hw in sizes_hw]

    def network_of(self, step: int) -> int:
        """The number of the network that a step is for."""
        return step % len(self.each)

    def sample(self, index: int) -> Sample:
        """The pair of a number."""
        return self.each[self.network_of(index // self.batch_size)].sample(index)

    def clean_of(self, network: int, n: int) -> Tensor:
        """Some clean views in the size of one network (RGB n 3 h w, 0..1), always the same."""
        views = np.stack([self.each[network].sample(index).clean for index in range(n)])
        return torch.from_numpy(views.transpose(0, 3, 1, 2)).float() / 255.0
