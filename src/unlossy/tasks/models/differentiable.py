"""Task networks that gradients go through: RGB in 0..1 in, raw outputs by name out, preprocessing included.

    open_differentiable("hf:my-model")    the network behind a model SPEC, its own preprocessing as tensor arithmetic

A classifier's arithmetic (scale, mean, deviation, order of channels) is asked of it with a few pictures and must be
affine in the pixel; its geometry is the input size that it resizes everything to. Pictures of that size go in as they
are, others are resized with antialiasing, which is near to Pillow's but not equal to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name)
from torch import Tensor, nn

from unlossy.core.errors import UsageError
from unlossy.tasks.models.base import Classifier
from unlossy.tasks.models.registry import load_classifier

TOLERANCE = 1e-4
"""Of the largest value: how far from affine a model's arithmetic may lie."""

PROBE_SIZES_HW = ((320, 400), (500, 360), (224, 224))


@runtime_checkable
class Differentiable(Protocol):
    """A frozen task network that task-targeted training can go through.

    `spec` is the SPEC as given, `digest` that of its weights and settings, `input_hw` the size it resizes pictures to
    (None where it takes any), `network` the module, whose inner layers may be looked at.
    """

    spec: str
    digest: str
    input_hw: tuple[int, int] | None
    network: nn.Module

    def outputs(self, images: Tensor) -> Mapping[str, Tensor]:
        """Raw outputs by name (logits (b k), say) of RGB images (b 3 h w, 0..1); differentiable in the images."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Trainable:
    """What an adapter tells of its torch network: the module, and how its answer becomes logits."""

    network: nn.Module
    pick: Callable[[Any], Tensor]


class _Fed(nn.Module):
    """A module that wants its pictures with the channels last."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """What the network answers to b 3 h w."""
        answer: Tensor = self.network(images.permute(0, 2, 3, 1))
        return answer


def fed_as(network: nn.Module, *, channels_last: bool, probabilities: bool) -> Trainable:
    """The Trainable of a module that takes b h w 3 (`channels_last`) and answers logits or `probabilities`."""

    def pick(answer: Tensor) -> Tensor:
        flat = answer.flatten(1)
        return flat.clamp(min=torch.finfo(flat.dtype).tiny).log() if probabilities else flat

    return Trainable(_Fed(network) if channels_last else network, pick)


@dataclass(slots=True)
class TorchClassifier:
    """A Differentiable around a classifier's torch module; `matrix` (3 3) and `shift` (3) are its arithmetic."""

    spec: str
    digest: str
    input_hw: tuple[int, int] | None
    network: nn.Module
    pick: Callable[[Any], Tensor]
    matrix: Tensor
    shift: Tensor
    classifier: Classifier | None = None
    """Whose network it is: the labels, and the geometry as it is."""

    def outputs(self, images: Tensor) -> Mapping[str, Tensor]:
        """The logits (b k) under "logits"."""
        if self.input_hw is not None and tuple(images.shape[-2:]) != self.input_hw:
            images = F.interpolate(images, self.input_hw, mode="bilinear", antialias=True)
        matrix, shift = self.matrix.to(images), self.shift.to(images)
        prepared = torch.einsum("oc,bchw->bohw", matrix, images) + shift[:, None, None]
        return {"logits": self.pick(self.network(prepared.contiguous(memory_format=torch.channels_last)))}

    def to(self, device: torch.device) -> "TorchClassifier":
        """Itself, with the network on another device."""
        self.network.to(device)
        return self


def open_differentiable(spec: str, *, threads: int | None = None) -> TorchClassifier:
    """The frozen network of a classifier that a model SPEC names.

    Raises:
        UsageError: a model without a torch network, or whose preprocessing is not affine in the pixel.
        MissingDependency: what that kind of model needs is not installed.
    """
    classifier = load_classifier(spec, threads=threads)
    trainable = getattr(classifier, "trainable", None)
    found = None if trainable is None else trainable()
    if isinstance(found, nn.Module):  # a py: callable's own, which does its preprocessing itself
        own, plain, none = _frozen(found), torch.eye(3), torch.zeros(3)
        return TorchClassifier(spec, classifier.digest, None, own, _logits, plain, none, classifier)
    if not isinstance(found, Trainable):
        raise UsageError(
            f"{spec}: gradients cannot go through this model. Task-targeted training wants a torch network: hf:, "
            "timm:, torchvision:, an onnx: graph that onnx2torch converts, or a py: callable with a `trainable` module"
        )
    matrix, shift = arithmetic_of(classifier)
    network = _frozen(found.network)
    size = input_size(classifier)
    return TorchClassifier(spec, classifier.digest, size, network, found.pick, matrix, shift, classifier)


def _frozen(network: nn.Module) -> nn.Module:
    network.eval().requires_grad_(requires_grad=False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _logits(answer: Tensor) -> Tensor:
    return answer.flatten(1)


def input_size(classifier: Classifier) -> tuple[int, int] | None:
    """The height and width that a classifier resizes pictures of several shapes to, None where they stay different."""
    sizes = {classifier.resize(np.zeros((*size, 3), np.uint8)).shape[:2] for size in PROBE_SIZES_HW}
    if len(sizes) > 1:
        return None
    ((height, width),) = sizes
    return height, width


def arithmetic_of(classifier: Classifier) -> tuple[Tensor, Tensor]:
    """The matrix (3 3) and the shift (3) that take RGB in 0..1 to what the network wants, float32.

    Raises:
        UsageError: the classifier's `normalise` is no affine function of a pixel.
    """
    height, width = input_size(classifier) or PROBE_SIZES_HW[-1]

    def answer(colour: tuple[int, int, int]) -> np.ndarray:
        flat = np.full((height, width, 3), colour, np.uint8)
        return np.asarray(classifier.normalise(flat), np.float64)[:, 0, 0]

    shift = answer((0, 0, 0))
    columns = [answer(colour) - shift for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    matrix = np.stack(columns, axis=1)
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    wanted = np.asarray(classifier.normalise(picture), np.float64)
    found = np.einsum("oc,hwc->ohw", matrix, picture / 255.0) + shift[:, None, None]
    if wanted.shape != found.shape or np.abs(wanted - found).max() > TOLERANCE * np.abs(wanted).max():
        raise UsageError(
            f"{classifier.spec}: its preprocessing is not affine in the pixel, so gradients cannot follow it"
        )
    return torch.from_numpy(matrix).float(), torch.from_numpy(shift).float()
