"""Labelled pictures as a network sees them in training: compressed as they are, perhaps corrected, cropped, resized.

    item ─► decode ─► codec (at the source's size, as in a study) ─► corrector ─► crop, flip ─► the model's own resize

View i of a seed is a function of (seed, i) alone: any process may make it, and a resumed run sees what it would have
seen. Each epoch shows every picture once. Pictures are decoded when they are wanted, so that a set of any size will do.
"""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from unlossy.codecs import Codec, decode_source
from unlossy.core.errors import ItemError, UsageError
from unlossy.core.pixels import as_rgb
from unlossy.core.types import Item
from unlossy.tasks.models.base import Classifier
from unlossy.train.finetune_corrections import Corrections
from unlossy.train.finetune_draw import Compressions

AREA: Final = (0.5, 1.0)
"""Share of a picture's area that a training crop shows."""
ASPECT: Final = 4.0 / 3.0
READERS: Final = 4
LONGEST_SURE_PX: Final = 16_000
"""A side that every codec takes: WebP's longest is 16 383."""
NAMED: Final = 20
"""Broken pictures named on stderr; more are counted."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One step's prepared views (b 3 h w, as the network takes them) and their classes (b)."""

    images: Tensor
    classes: Tensor

    def to(self, device: torch.device) -> "Labelled":
        """The same on another device."""
        return Labelled(self.images.to(device, non_blocking=True), self.classes.to(device, non_blocking=True))

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self.classes)

    def split(self, n: int) -> list["Labelled"]:
        """The batch in n parts, or in single pictures where it has fewer."""
        parts = zip(self.images.tensor_split(n), self.classes.tensor_split(n), strict=True)
        return [Labelled(images, classes) for images, classes in parts if len(classes)]


@dataclass(frozen=True, slots=True)
class Sight:
    """How pictures come before the network: compressed, corrected, resized."""

    classifier: Classifier
    corrections: Corrections | None = None

    def source(self, item: Item, codec: Codec | None) -> UInt8[np.ndarray, "h w 3"]:
        """The picture at its own size after the codec (None: as it is) and the corrector; raises ItemError."""
        data = item.blob.all()
        pixels = as_rgb(decode_source(data))
        if codec is not None:
            data = codec.encode(pixels)
            pixels = as_rgb(codec.decode(data))
        return pixels if self.corrections is None else self.corrections.of(data, pixels)

    def whole(self, item: Item, codec: Codec | None) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture as a study shows it, before its values are scaled; raises ItemError."""
        return self.classifier.resize(self.source(item, codec))

    def prepared(self, views: Sequence[UInt8[np.ndarray, "h w 3"]]) -> Tensor:
        """Resized views as a batch for the network."""
        return torch.from_numpy(np.stack([np.asarray(self.classifier.normalise(view)) for view in views]))


class Views(Dataset[tuple[Tensor, int]]):
    """Training views and their classes, numbered without end."""

    def __init__(self, items: Sequence[Item], sight: Sight, compressions: Compressions, seed: int) -> None:
        self.items, self.sight, self.compressions, self.seed = items, sight, compressions, seed

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """The view of a number."""
        epoch, place = divmod(index, len(self.items))
        item = self.items[_order(len(self.items), self.seed, epoch)[place]]
        rng = np.random.default_rng((self.seed, index))
        picture = self.sight.source(item, self.compressions.draw(rng))
        view = self.sight.classifier.resize(cropped(rng, picture))
        return self.sight.prepared([view])[0], class_of(item)


@lru_cache(maxsize=2)
def _order(n: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, n, epoch, 1)).permutation(n)


def batches(views: Views, first_step: int, last_step: int, batch_size: int, workers: int) -> Iterator[Labelled]:
    """The batches of steps first_step..last_step - 1, made ahead of time by `workers` processes (0: by this one)."""
    loader = DataLoader(
        views,
        batch_size,
        sampler=range(first_step * batch_size, last_step * batch_size),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # or it draws from the one whose state a checkpoint holds
    )
    for images, classes in loader:
        yield Labelled(images, classes)


def cropped(rng: Generator, image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """A random region of half the picture's area or more, near its shape, mirrored or not."""
    height, width = image.shape[:2]
    side, aspect = np.sqrt(rng.uniform(*AREA)), np.sqrt(ASPECT ** rng.uniform(-1.0, 1.0))
    taken_h, taken_w = (max(1, min(n, round(n * side * a))) for n, a in ((height, aspect), (width, 1.0 / aspect)))
    top, left = int(rng.integers(height - taken_h + 1)), int(rng.integers(width - taken_w + 1))
    region = image[top : top + taken_h, left : left + taken_w]
    return np.ascontiguousarray(region[:, ::-1] if rng.random() < 0.5 else region)


def class_of(item: Item) -> int:
    """The class index of a labelled item."""
    assert item.class_index is not None  # noqa: S101 (`labelled` lets no other through)
    return item.class_index


def labelled(items: Sequence[Item], n_classes: int, where: str) -> None:
    """Nothing; raises UsageError on the first item without a class, or with one that the model does not have."""
    for item in items:
        if item.class_index is None:
            raise UsageError(
                f"{item.key}: no class. Fine-tuning is supervised: put the pictures of {where} in a folder per class, "
                "or add a labels.csv (file,class_index). `unlossy train ttac` needs no labels"
            )
        if item.class_index >= n_classes:
            raise UsageError(
                f"{item.key}: class {item.class_index} is outside the model's {n_classes} classes. Give a "
                "labels.csv with the model's own indices, or --new-head for a new last layer"
            )


def sound(items: Sequence[Item], sight: Sight, codecs: Sequence[Codec] = ()) -> list[Item]:
    """The items whose pictures can be read, resized and, very long ones, coded, in order; others are named on stderr.

    Raises:
        UsageError: the model's resizing leaves pictures in different sizes, so that they form no batch.
    """

    def look(item: Item) -> tuple[int, ...] | ItemError:
        try:
            pixels = as_rgb(decode_source(item.blob.all()))
            if max(pixels.shape) > LONGEST_SURE_PX:
                for codec in codecs:
                    codec.encode(np.zeros_like(pixels))
            return sight.classifier.resize(pixels).shape
        except ItemError as error:
            return error

    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(look, items))
    broken = [(item, outcome) for item, outcome in zip(items, found, strict=True) if isinstance(outcome, ItemError)]
    for item, error in broken[:NAMED]:
        print(f"{item.key}: left out: {error}", file=sys.stderr)
    if len(broken) > NAMED:
        print(f"and {len(broken) - NAMED} more were left out", file=sys.stderr)
    if len({shape for shape in found if not isinstance(shape, ItemError)}) > 1:
        raise UsageError(
            f"{sight.classifier.spec}: its preprocessing leaves pictures in different sizes, which form no batch. Give "
            "the model a fixed input size (a centre crop in its processor's file)"
        )
    return [item for item, outcome in zip(items, found, strict=True) if not isinstance(outcome, ItemError)]
