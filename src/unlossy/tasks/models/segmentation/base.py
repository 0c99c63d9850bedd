"""The contract of a semantic segmenter, whatever library it comes from: numpy in, the class of each source pixel out.

A segmenter sees the whole picture resized, never a crop of it, so that every source pixel has an answer. A prepared
picture stays uint8 until it is asked for: a chunk of a study holds hundreds of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8, UInt16

from unlossy.core.errors import ModelError, UsageError
from unlossy.core.pixels import as_rgb
from unlossy.tasks.models.segmentation.upsampling import class_numbers

TOGETHER_PX: Final = 2**20
"""Pixels of the network's input in one call: four of 512 x 512, whose activations fill a gigabyte."""

Resize = Callable[[UInt8[np.ndarray, "h w 3"]], UInt8[np.ndarray, "h2 w2 3"]]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationInput:
    """A picture in the network's geometry, still uint8, and the size in pixels of the picture that it was."""

    resized: UInt8[np.ndarray, "h w 3"]
    source_hw: tuple[int, int]
    normalise: Callable[[UInt8[np.ndarray, "h w 3"]], Any]

    @property
    def pixels(self) -> Any:  # noqa: ANN401 (float32 (3, h, w) of a network, uint8 (h, w, 3) of a callable)
        """The numbers that the model takes."""
        return self.normalise(self.resized)


@runtime_checkable
class Segmenter(Protocol):
    """A frozen segmenter with the preprocessing it was trained with.

    Attributes:
        spec: The SPEC as given.
        digest: SHA-256 of its weights and settings.
        labels: Class names in the order of the outputs, None where they are not known.
        n_classes: How many there are, None where only an answer will tell.
        libraries: Distributions whose versions can change an answer.
        trainable: Gives the torch network behind it (a `differentiable.Trainable`); None where there is none.
    """

    spec: str
    digest: str
    labels: tuple[str, ...] | None
    n_classes: int | None
    libraries: tuple[str, ...]
    trainable: Callable[[], Any] | None

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture in the geometry the model sees, uint8 RGB; grey is repeated. Thread-safe."""
        ...

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Any:  # noqa: ANN401 (the model's own)
        """A resized picture in the numbers the model takes. Thread-safe."""
        ...

    def segment(self, batch: Sequence[SegmentationInput]) -> list[UInt16[np.ndarray, "_ _"] | ModelError]:
        """The number of the likeliest output at each source pixel, in order; a ModelError in the place of NaN."""
        ...


@dataclass(frozen=True, slots=True)
class AssembledSegmenter:
    """The Segmenter contract over three functions, all thread-safe.

    `answer` gives for each prepared picture class values (k, h, w), or output numbers (h, w), of any size.
    `align_corners` says how values are spread over the source's pixels, see `upsampling`.
    """

    spec: str
    digest: str
    labels: tuple[str, ...] | None
    n_classes: int | None
    libraries: tuple[str, ...]
    resize_rgb: Resize
    normalise_rgb: Callable[[UInt8[np.ndarray, "h w 3"]], Any]
    answer: Callable[[Sequence[Any]], Sequence[np.ndarray] | np.ndarray]
    align_corners: bool = False
    trainable: Callable[[], Any] | None = None

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture as the model's own preprocessing resizes it, RGB."""
        return self.resize_rgb(as_rgb(image_hwc))

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Any:  # noqa: ANN401
        """A resized picture in the numbers the model takes."""
        return self.normalise_rgb(image_hwc)

    def segment(self, batch: Sequence[SegmentationInput]) -> list[UInt16[np.ndarray, "_ _"] | ModelError]:
        """The number of the likeliest output at each source pixel."""
        found: list[UInt16[np.ndarray, "_ _"] | ModelError] = []
        for group in _together(batch):
            answers = self.answer([one.pixels for one in group])
            if len(answers) != len(group):
                raise ModelError(f"the model gave {len(answers)} answers to {len(group)} pictures")
            found += [self._numbers(answer, one) for answer, one in zip(answers, group, strict=True)]
        return found

    def _numbers(self, answer: object, one: SegmentationInput) -> UInt16[np.ndarray, "h w"] | ModelError:
        try:
            return class_numbers(answer, one.source_hw, self.n_classes, align_corners=self.align_corners)
        except ModelError as error:
            return error


def _together(batch: Sequence[SegmentationInput]) -> Iterator[list[SegmentationInput]]:
    """The pictures in order, in groups of one shape and at most TOGETHER_PX pixels, or a single one."""
    group: list[SegmentationInput] = []
    for one in batch:
        shape = one.resized.shape
        full = (len(group) + 1) * shape[0] * shape[1] > TOGETHER_PX
        if group and (full or group[0].resized.shape != shape):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def prove_whole(resize: Resize, spec: str) -> None:
    """Nothing; raises UsageError where a geometry cuts off or adds a border: source pixels would be misplaced."""
    ramps = np.linspace(0, 255, 90), np.linspace(0, 255, 120)
    picture = np.zeros((90, 120, 3))
    picture[:, :, 0], picture[:, :, 1] = ramps[0][:, None], ramps[1][None]
    seen = resize(np.rint(picture).astype(np.uint8)).astype(int)
    ends = (seen[0, :, 0], 255 - seen[-1, :, 0], seen[:, 0, 1], 255 - seen[:, -1, 1], seen[0, :, 2])
    if max(int(np.abs(end).max()) for end in ends) > 24:
        raise UsageError(f"{spec}: its preprocessing crops or pads the picture; a segmenter must see it whole")
