"""Training pairs as a pure function of a number: sample i of a seed is the same in any process, order or run.

So a run resumes exactly from the count of samples it has seen, and any number of worker processes may share the work.
Pictures are decoded once and stay in memory; workers are forked and share them.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image, ImageFilter
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from unlossy.core.errors import UsageError
from unlossy.train.degrade import FIDELITY, MARGIN, Mix, Sample, degrade

LARGE_SIDE_PX = 1024
SHRUNK_SHARE: Final = 0.7
SHRINK: Final = (0.35, 1.0)
SHARPENED_SHARE: Final = 0.3
"""Pictures for training are smoother than those that people compress: these bring their spectra near."""
SPECKED_SHARE: Final = 0.03
SPECKS: Final = (0.001, 0.05)
"""Of the pixels, where there are any: dust, dead pixels, salt and pepper, and what they leave behind in a JPEG."""
MOST_BYTES = 2**32
SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's tensors: pictures uint8 (b 3 h w), tables float (b 2 8 8), known (b), sampling (b 2)."""

    clean: Tensor
    degraded: Tensor
    tables: Tensor
    known: Tensor
    sampling: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on another device; the copy may go on while the host does."""
        return Batch(*(getattr(self, name).to(device, non_blocking=True) for name in self.__slots__))

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self.clean)

    def split(self, n_parts: int) -> "list[Batch]":
        """At most n parts of about the same size, in order."""
        columns = [getattr(self, name).tensor_split(min(n_parts, len(self.clean))) for name in self.__slots__]
        return [Batch(*part) for part in zip(*columns, strict=True)]


def read_images(folders: Sequence[Path], smallest_px: int) -> dict[str, np.ndarray]:
    """Every picture under the folders, uint8 (h, w, 3) by path, in sorted order.

    A file that two folders lead to is one picture. What cannot be read or has a side under `smallest_px` is named on
    stderr and left out, and so is what comes after MOST_BYTES of pixels. Very large pictures are scaled down by a whole
    number, their shorter side to LARGE_SIDE_PX or more.

    Raises:
        UsageError: none is left.
    """
    found = (path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    files = sorted({path.resolve(): path for path in sorted(found)}.values())
    images: dict[str, np.ndarray] = {}
    n_bytes = 0
    for number, path in enumerate(files):
        if n_bytes > MOST_BYTES:
            told = f"{len(images)} pictures take {n_bytes / 2**30:.1f} GiB of memory"
            print(f"{told}: the other {len(files) - number} files, from {path} on, are left out", file=sys.stderr)
            break
        try:
            with Image.open(path) as image:
                pixels = np.asarray(_smaller(_rgb(image)))
        except Exception as error:  # noqa: BLE001 (Pillow raises whatever a damaged file leads it to)
            print(f"{path}: left out, cannot be read: {error}", file=sys.stderr)
            continue
        if min(pixels.shape[:2]) < smallest_px:
            print(f"{path}: left out, {pixels.shape[1]} x {pixels.shape[0]} is under {smallest_px} px", file=sys.stderr)
            continue
        images[str(path)] = pixels
        n_bytes += pixels.nbytes
    if not images:
        raise UsageError(
            f"no picture of {smallest_px} px or more in {', '.join(map(str, folders))}: name other folders"
        )
    return images


def _rgb(image: Image.Image) -> Image.Image:
    """In RGB; 16-bit samples are scaled to 8 bits, where Pillow would clip them (`core.pixels` needs more packages)."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        wide = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        image = Image.fromarray(((wide + 128) // 257).astype(np.uint8))
    return image.convert("RGB")


def _smaller(image: Image.Image) -> Image.Image:
    factor = min(image.size) // LARGE_SIDE_PX
    return image.reduce(factor) if factor > 1 else image


Region = Callable[[Generator, Sequence[np.ndarray], tuple[int, int]], np.ndarray]
"""Draws a clean region (uint8, h w 3) of a given height and width out of some pictures."""


class Pairs(Dataset[dict[str, Tensor]]):
    """Degraded regions of some pictures, each drawn from (seed, index) alone; `size_hw` are multiples of 8."""

    def __init__(
        self, images: Sequence[np.ndarray], size_hw: tuple[int, int], seed: int, region: Region, mix: Mix = FIDELITY
    ) -> None:
        self.images, self.size_hw, self.seed, self.region, self.mix = images, size_hw, seed, region, mix

    def sample(self, index: int) -> Sample:
        """The pair of a number."""
        rng = np.random.default_rng((self.seed, index))
        height, width = self.size_hw
        return degrade(rng, self.region(rng, self.images, (height + MARGIN, width + MARGIN)), self.mix)

    def numbers(self, step: int, batch_size: int) -> range:
        """The pairs of a step: the first of the `batch_size` numbers that are its own, or all of them."""
        return range(step * batch_size, (step + 1) * batch_size)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """The pair of a number as tensors, named as the fields of Batch."""
        sample = self.sample(index)
        return {
            "clean": _planes(sample.clean),
            "degraded": _planes(sample.degraded),
            "tables": torch.from_numpy(sample.tables).float(),
            "known": torch.tensor(float(sample.known)),
            "sampling": torch.tensor(sample.sampling_hv, dtype=torch.float32),
        }


def batches(pairs: Pairs, first_step: int, last_step: int, batch_size: int, workers: int) -> Iterator[Batch]:
    """The batches of steps first_step..last_step - 1, made ahead of time by `workers` processes (0: by this one)."""
    loader = DataLoader(
        pairs,
        batch_sampler=[list(pairs.numbers(step, batch_size)) for step in range(first_step, last_step)],
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # or it draws from the one whose state a checkpoint holds
    )
    for fields in loader:
        yield Batch(**fields)


class CropsByArea:
    """The Region that fidelity is learnt from: squares of pictures drawn by their area, as they are or scaled down."""

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        areas = np.array([image.shape[0] * image.shape[1] for image in images], dtype=float)
        self.cumulative = np.cumsum(areas / areas.sum())

    def __call__(self, rng: Generator, images: Sequence[np.ndarray], size_hw: tuple[int, int]) -> np.ndarray:
        """A square of `size_hw`."""
        chosen = min(int(np.searchsorted(self.cumulative, rng.random())), len(images) - 1)
        return augment(rng, images[chosen], size_hw[0])


def augment(rng: Generator, image: np.ndarray, side_px: int) -> np.ndarray:
    """A random square of a picture (uint8, h w 3): scaled down, sharpened, turned, mirrored, recoloured, specked."""
    shrink = rng.uniform(*SHRINK) if rng.random() < SHRUNK_SHARE else 1.0
    taken = min(int(np.ceil(side_px / shrink)), *image.shape[:2])
    top, left = (int(rng.integers(length - taken + 1)) for length in image.shape[:2])
    square = image[top : top + taken, left : left + taken]
    if taken > side_px:
        square = np.asarray(Image.fromarray(square).resize((side_px, side_px), Image.Resampling.BICUBIC))
    if rng.random() < SHARPENED_SHARE:
        square = sharpened(rng, square)
    square = np.rot90(square, int(rng.integers(4)))
    if rng.random() < 0.5:
        square = square[:, ::-1]
    square = recolour(rng, square) if rng.random() < 0.3 else np.ascontiguousarray(square)
    return specked(rng, square) if rng.random() < SPECKED_SHARE else square


def specked(rng: Generator, square: np.ndarray) -> np.ndarray:
    """The square with some pixels (a share within SPECKS, evenly by its logarithm) black or white."""
    drawn = rng.random(square.shape[:2])
    share = np.exp(rng.uniform(*np.log(SPECKS)))
    found = square.copy()
    found[drawn < share / 2], found[drawn > 1 - share / 2] = 0, 255
    return found


def sharpened(rng: Generator, square: np.ndarray) -> np.ndarray:
    """The square after an unsharp mask of random strength, as cameras and sites that scale pictures apply it."""
    mask = ImageFilter.UnsharpMask(radius=rng.uniform(0.5, 1.5), percent=int(rng.integers(30, 121)), threshold=0)
    return np.asarray(Image.fromarray(square).filter(mask))


def recolour(rng: Generator, square: np.ndarray) -> np.ndarray:
    """The square with contrast and saturation changed by up to a fifth."""
    gain, saturation = rng.uniform(0.8, 1.1), rng.uniform(0.8, 1.2)
    grey = square @ np.array([0.299, 0.587, 0.114])
    coloured = grey[:, :, None] + saturation * (square - grey[:, :, None])
    return np.clip(np.rint(gain * coloured), 0, 255).astype(np.uint8)


def _planes(image_hwc: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image_hwc.transpose(2, 0, 1)))
