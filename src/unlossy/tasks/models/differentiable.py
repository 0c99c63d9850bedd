"""Task networks that gradients go through: RGB in 0..1 in, raw outputs by name out, preprocessing included.

    open_differentiable("hf:my-model")                  the network behind a model SPEC, its preprocessing as arithmetic
    open_differentiable("onnx:det.onnx", "detection")   of any task; its heads before decoding, see `heads`

A model's arithmetic (scale, mean, deviation, order of channels) is asked of it with a few pictures and must be
affine in the pixel; its geometry is the input size that it resizes everything to. Pictures of that size go in as they
are, others are resized with antialiasing, which is near to Pillow's but not equal to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name)
from jaxtyping import UInt8
from torch import Tensor, nn

from unlossy.core.errors import UsageError
from unlossy.tasks.base import Prepared
from unlossy.tasks.models.base import Classifier
from unlossy.tasks.models.fed import ChannelsLast
from unlossy.tasks.models.heads import LOGITS, Head
from unlossy.tasks.models.registry import load_classifier
from unlossy.tasks.registry import load_task

TOLERANCE = 1e-4
"""Of the largest value: how far from affine a model's arithmetic may lie."""

PROBE_SIZES_HW = ((320, 400), (500, 360), (224, 224))


@runtime_checkable
class Differentiable(Protocol):
    """A frozen task network that task-targeted training can go through.

    `spec` is the SPEC as given, `digest` that of its weights and settings, `input_hw` the size it resizes pictures to
    (None where it takes any), `network` the module, whose inner layers may be looked at, `heads` what its outputs are.
    """

    spec: str
    digest: str
    input_hw: tuple[int, int] | None
    network: nn.Module
    heads: Mapping[str, Head]

    def outputs(self, images: Tensor) -> Mapping[str, Tensor]:
        """Raw outputs by name (logits (b k), say) of RGB images (b 3 h w, 0..1); differentiable in the images."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Trainable:
    """What an adapter tells of its torch network: the module, how its answer becomes raw outputs, and what those are.

    `pick` may give one tensor where `heads` has one name.
    """

    network: nn.Module
    pick: Callable[[Any], Tensor | Mapping[str, Tensor]]
    heads: Mapping[str, Head] = field(default_factory=lambda: dict(LOGITS))


@runtime_checkable
class Preprocessing(Protocol):
    """The part of a classifier's and of a task's contract that is asked for the geometry and the arithmetic."""

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The image in the network's geometry."""
        ...

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Prepared:
        """The numbers that the network takes: float (3, h, w), or an object that has them as `pixels`."""
        ...


def fed_as(network: nn.Module, *, channels_last: bool, probabilities: bool) -> Trainable:
    """The Trainable of a module that takes b h w 3 (`channels_last`) and answers logits or `probabilities`."""

    def pick(answer: Tensor) -> Tensor:
        flat = answer.flatten(1)
        return flat.clamp(min=torch.finfo(flat.dtype).tiny).log() if probabilities else flat

    return Trainable(ChannelsLast(network) if channels_last else network, pick)


@dataclass(slots=True)
class TorchNetwork:
    """A Differentiable around a torch module; `matrix` (3 3) and `shift` (3) are its arithmetic."""

    spec: str
    digest: str
    input_hw: tuple[int, int] | None
    network: nn.Module
    pick: Callable[[Any], Tensor | Mapping[str, Tensor]]
    matrix: Tensor
    shift: Tensor
    heads: Mapping[str, Head] = field(default_factory=lambda: dict(LOGITS))
    task: str = "classification"

    def outputs(self, images: Tensor) -> Mapping[str, Tensor]:
        """The raw outputs by the names of `heads`; of a classifier the logits (b k) under "logits"."""
        if self.input_hw is not None and tuple(images.shape[-2:]) != self.input_hw:
            images = F.interpolate(images, self.input_hw, mode="bilinear", antialias=True)
        matrix, shift = self.matrix.to(images), self.shift.to(images)
        prepared = torch.einsum("oc,bchw->bohw", matrix, images) + shift[:, None, None]
        answer = self.pick(self.network(prepared.contiguous(memory_format=torch.channels_last)))
        return dict.fromkeys(self.heads, answer) if isinstance(answer, Tensor) else answer

    def to(self, device: torch.device) -> "TorchNetwork":
        """Itself, with the network on another device."""
        self.network.to(device)
        return self


@dataclass(slots=True)
class TorchClassifier(TorchNetwork):
    """A TorchNetwork that knows the classifier it belongs to: the labels, and the geometry as it is."""

    classifier: Classifier | None = None


def open_differentiable(spec: str, task: str = "classification", *, threads: int | None = None) -> TorchNetwork:
    """The frozen network of the model that a SPEC names, for a task.

    Raises:
        UsageError: a model without a torch network, or whose preprocessing is not affine in the pixel.
        MissingDependency: what that kind of model needs is not installed.
    """
    if task == "classification":
        return open_classifier(spec, threads=threads)
    model = load_task(task, spec, threads=threads)
    found = _trainable(model, spec)
    if not isinstance(found, Trainable):
        raise _no_gradients(spec)
    arithmetic = arithmetic_of(model, spec)
    network = _frozen(found.network)
    return TorchNetwork(
        spec, model.model_digest, input_size(model), network, found.pick, *arithmetic, found.heads, task
    )


def open_classifier(spec: str, *, threads: int | None = None) -> TorchClassifier:
    """The frozen network of a classifier; raises as `open_differentiable` does."""
    classifier = load_classifier(spec, threads=threads)
    found = _trainable(classifier, spec)
    if isinstance(found, nn.Module):  # a py: callable's own, which does its preprocessing itself
        own, plain, none = _frozen(found), torch.eye(3), torch.zeros(3)
        return TorchClassifier(spec, classifier.digest, None, own, _logits, plain, none, classifier=classifier)
    if not isinstance(found, Trainable):
        raise _no_gradients(spec)
    arithmetic = arithmetic_of(classifier, spec)
    network = _frozen(found.network)
    size = input_size(classifier)
    return TorchClassifier(spec, classifier.digest, size, network, found.pick, *arithmetic, classifier=classifier)


def _trainable(model: Preprocessing, spec: str) -> Trainable | nn.Module | None:
    """What the adapter tells of its torch network, None where it has none."""
    trainable = getattr(model, "trainable", None)
    try:
        found: Trainable | nn.Module | None = None if trainable is None else trainable()
    except NotImplementedError as error:
        raise _no_gradients(spec) from error
    return found


def _no_gradients(spec: str) -> UsageError:
    return UsageError(
        f"{spec}: gradients cannot go through this model. Task-targeted training wants a torch network: hf:, "
        "timm:, torchvision:, an onnx: graph that onnx2torch converts, or a py: callable with a `trainable` module"
    )


def _frozen(network: nn.Module) -> nn.Module:
    network.eval().requires_grad_(requires_grad=False)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _logits(answer: Tensor) -> Tensor:
    return answer.flatten(1)


def input_size(model: Preprocessing) -> tuple[int, int] | None:
    """The height and width that a model resizes pictures of several shapes to, None where they stay different."""
    sizes = {model.resize(np.zeros((*size, 3), np.uint8)).shape[:2] for size in PROBE_SIZES_HW}
    if len(sizes) > 1:
        return None
    ((height, width),) = sizes
    return height, width


def arithmetic_of(model: Preprocessing, spec: str = "the model") -> tuple[Tensor, Tensor]:
    """The matrix (3 3) and the shift (3) that take RGB in 0..1 to what the network wants, float32.

    Those of no change for a model that takes pictures as they are, a py: callable: its network sees RGB in 0..1.

    Raises:
        UsageError: the model's `normalise` is no affine function of a pixel.
    """
    height, width = input_size(model) or PROBE_SIZES_HW[-1]
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    wanted = _numbers(model.normalise(picture))
    if np.array_equal(wanted, picture):
        return torch.eye(3), torch.zeros(3)

    def answer(colour: tuple[int, int, int]) -> np.ndarray:
        flat = np.full((height, width, 3), colour, np.uint8)
        return _numbers(model.normalise(flat))[:, 0, 0]

    shift = answer((0, 0, 0))
    columns = [answer(colour) - shift for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    matrix = np.stack(columns, axis=1)
    found = np.einsum("oc,hwc->ohw", matrix, picture / 255.0) + shift[:, None, None]
    if wanted.shape != found.shape or np.abs(wanted - found).max() > TOLERANCE * np.abs(wanted).max():
        raise UsageError(f"{spec}: its preprocessing is not affine in the pixel, so gradients cannot follow it")
    return torch.from_numpy(matrix).float(), torch.from_numpy(shift).float()


def _numbers(prepared: Prepared) -> np.ndarray:
    return np.asarray(getattr(prepared, "pixels", prepared), np.float64)
