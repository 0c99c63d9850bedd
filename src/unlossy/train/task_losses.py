"""How far a task network's answers on corrected pictures lie from those on the clean ones; no labels anywhere.

prediction-l1   mean |f(corrected) - f(clean)| over the raw outputs        Ehrlich et al. 2021 (2011.08932)
soft-mse        mean squared difference of the class probabilities         Liu et al. 2019 (1910.09185), unsupervised
distillation    how much less likely the answer is        KL divergence, as Hinton et al. 2015 (1503.02531) at T = 1
features        1 - cosine of the feature maps, place by place             after Johnson et al. 2016 (1603.08155)
features-l1     mean |difference| of the feature maps over their mean size

A network whose one head is logits is measured in their own unit. Of any other, each head is measured in units of its
spread over clean pictures and all heads count alike, however many cells they have; boxes count where the clean answer
sees something (`tasks.models.heads`). Soft-mse and distillation look at heads that hold classes, and at no others.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name)
from torch import Tensor, nn

from unlossy.core.errors import UsageError
from unlossy.tasks.models.differentiable import Differentiable
from unlossy.tasks.models.feature_maps import channel_dim
from unlossy.tasks.models.heads import LOGITS, Head

Answers = Mapping[str, Tensor]
"""Outputs and watched features by name."""

Heads = Mapping[str, Head]
Units = Mapping[str, float]
"""By the name of a head what its differences are divided by; 1 for those not named."""

AS_THEY_ARE: Final[Units] = {}
_LEAST_SCORE: Final = 1e-4
"""Scores nearer to 0 or 1 are taken for this near: no answer is infinitely unlikely."""


def prediction_l1(corrected: Answers, clean: Answers, heads: Heads = LOGITS, units: Units = AS_THEY_ARE) -> Tensor:
    """The mean absolute difference of each head over its unit, mean over the heads."""
    return _mean(
        _weighted(clean, heads, name, (corrected[name] - clean[name]).abs()).mean() / units.get(name, 1.0)
        for name in heads
    )


def soft_mse(corrected: Answers, clean: Answers, heads: Heads = LOGITS, units: Units = AS_THEY_ARE) -> Tensor:
    """The squared difference of the class probabilities, summed over the classes, mean over pictures and places.

    Of scores the mean over the classes, too, over the head's unit: nearly all of them are zero.
    """

    def of(name: str, head: Head) -> Tensor | None:
        ours, theirs = head.probabilities(corrected[name]), head.probabilities(clean[name])
        if ours is None or theirs is None:
            return None
        squares = (ours - theirs).square()
        if head.kind == "scores":
            return squares.mean() / units.get(name, 1.0)
        return squares.sum(dim=head.class_dim).mean()

    return _mean(found for name, head in heads.items() if (found := of(name, head)) is not None)


def distillation(corrected: Answers, clean: Answers, heads: Heads = LOGITS, units: Units = AS_THEY_ARE) -> Tensor:
    """The Kullback-Leibler divergence of the class distributions from the clean ones: nats, mean over pictures, places.

    Of scores, each class its own distribution of yes and no, the mean over the classes, too, over the head's unit.
    """

    def of(name: str, head: Head) -> Tensor | None:
        ours, theirs = corrected[name], clean[name]
        if head.kind == "logits":
            log_p, log_q = (t.log_softmax(dim=head.class_dim) for t in (theirs, ours))
            return (log_p.exp() * (log_p - log_q)).sum(dim=head.class_dim).mean()
        if head.kind == "scores":
            p, q = (t.clamp(_LEAST_SCORE, 1.0 - _LEAST_SCORE) for t in (theirs, ours))
            divergence = p * (p / q).log() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).log()
            return divergence.mean() / units.get(name, 1.0)
        return None

    return _mean(found for name, head in heads.items() if (found := of(name, head)) is not None)


def features_cosine(corrected: Answers, clean: Answers) -> Tensor:
    """One minus the cosine of the channels of each place, 0..2, mean over places and layers."""
    return _mean((1.0 - F.cosine_similarity(corrected[name], clean[name], dim=1)).mean() for name in clean)


def features_l1(corrected: Answers, clean: Answers) -> Tensor:
    """The mean absolute difference over the mean size of the clean features, mean over layers."""
    return _mean(
        (corrected[name] - clean[name]).abs().mean() / clean[name].abs().mean().clamp(min=1e-6) for name in clean
    )


def _mean(parts: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(parts)).mean()


OUTPUT_LOSSES: Final[dict[str, Callable[[Answers, Answers, Heads, Units], Tensor]]] = {
    "prediction-l1": prediction_l1,
    "soft-mse": soft_mse,
    "distillation": distillation,
}
OF_CLASSES: Final = {"soft-mse", "distillation"}
"""Losses that look at heads of classes alone."""

FEATURE_LOSSES: Final[dict[str, Callable[[Answers, Answers], Tensor]]] = {
    "features": features_cosine,
    "features-l1": features_l1,
}
LOSSES: Final = (*OUTPUT_LOSSES, *FEATURE_LOSSES)


def _weighted(clean: Answers, heads: Heads, name: str, differences: Tensor) -> Tensor:
    """The differences, those of each place times how sure the clean answer is that something is there."""
    source = heads[name].weighted_by
    sure = None if source is None else heads[source].something(clean[source])
    return differences if sure is None else differences * sure.reshape(*sure.shape, *[1] * (differences.ndim - 2))


@torch.no_grad()
def units_of(task: Differentiable, images: Tensor) -> dict[str, float]:
    """The spread of each head over clean pictures (RGB b 3 h w, 0..1): the mean absolute deviation from their mean.

    Weighted as the loss is; empty for a network whose one head is logits, which keep their own unit.

    Raises:
        UsageError: a head that always answers the same, or with what is no finite number.
    """
    if [head.kind for head in task.heads.values()] == ["logits"]:
        return {}
    parts = [task.outputs(image[None]) for image in images]
    clean = {name: torch.cat([part[name].float() for part in parts]) for name in task.heads}
    spreads = {n: float(_weighted(clean, task.heads, n, (a - a.mean(dim=0)).abs()).mean()) for n, a in clean.items()}
    for name, spread in spreads.items():
        if not 0.0 < spread < float("inf"):
            raise UsageError(
                f"{task.spec}: the spread of its output {name!r} over {len(images)} pictures is {spread}, so nothing "
                "can be learnt from it. Aim at a network whose outputs change with the picture"
            )
    return spreads


@dataclass
class Watched:
    """A task network, its heads' units, and the answers of some of its inner layers as they pass.

    With no `layers` only the outputs are answered. A layer is a name of `network.named_modules()`.
    """

    task: Differentiable
    layers: tuple[str, ...] = ()
    units: Units = field(default_factory=dict)
    seen: dict[str, list[Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        modules = dict(self.task.network.named_modules())
        for layer in self.layers:
            if layer not in modules:
                near = [name for name in modules if layer.split(".")[-1] in name][-5:] or list(modules)[-5:]
                raise UsageError(f"{self.task.spec} has no layer {layer!r}; it has, for example: {', '.join(near)}")
            modules[layer].register_forward_hook(self._keep(layer))

    def __call__(self, images: Tensor) -> Answers:
        """The outputs, or the watched layers where there are any, in float32 (RGB b 3 h w in 0..1)."""
        self.seen.clear()
        outputs = self.task.outputs(images)
        if not self.layers:
            return {name: outputs[name].float() for name in self.task.heads}
        return {layer: self._features(layer, images) for layer in self.layers}

    def _features(self, layer: str, images: Tensor) -> Tensor:
        """What the layer answered, its channels in dimension 1; raises UsageError."""
        if layer not in self.seen:
            raise UsageError(
                f"{self.task.spec}: its layer {layer!r} answers with no tensor, or was not asked for one; name another"
            )
        found = _together(self.seen[layer], len(images)).float()
        dim = channel_dim(found.shape, images.shape[2:])
        if dim is None:
            raise UsageError(
                f"{self.task.spec}: its layer {layer!r} answers with {tuple(found.shape)}, which is no feature map of "
                f"{images.shape[2]} x {images.shape[3]} px; name another"
            )
        return found.movedim(dim, 1)

    def loss(self, name: str, corrected: Answers, clean: Answers) -> Tensor:
        """One of LOSSES by its name, of two of this network's answers."""
        if name in FEATURE_LOSSES:
            return FEATURE_LOSSES[name](corrected, clean)
        return OUTPUT_LOSSES[name](corrected, clean, self.task.heads, self.units)

    def _keep(self, layer: str) -> Callable[[nn.Module, object, object], None]:
        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            first = output[0] if isinstance(output, tuple) and output else output
            found = first if isinstance(first, Tensor) else getattr(output, "last_hidden_state", None)
            if isinstance(found, Tensor):
                self.seen.setdefault(layer, []).append(found)

        return keep


def _together(parts: list[Tensor], n_images: int) -> Tensor:
    """What a layer answered to all pictures: a graph with a fixed batch answers a few at a time."""
    one_by_one = sum(len(part) for part in parts) == n_images and len(parts) > 1
    return torch.cat(parts) if one_by_one else parts[-1]
