"""How far a task network's answers on corrected pictures lie from those on the clean ones; no labels anywhere.

prediction-l1   mean |f(corrected) - f(clean)| over the raw outputs        Ehrlich et al. 2021 (2011.08932)
soft-mse        mean squared difference of the softmax outputs             Liu et al. 2019 (1910.09185), unsupervised
features        1 - cosine of the feature maps, place by place             after Johnson et al. 2016 (1603.08155)
features-l1     mean |difference| of the feature maps over their mean size
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name)
from torch import Tensor, nn

from unlossy.core.errors import UsageError
from unlossy.tasks.models.differentiable import Differentiable

Answers = Mapping[str, Tensor]
"""Outputs and watched features by name."""


def prediction_l1(corrected: Answers, clean: Answers) -> Tensor:
    """The mean absolute difference, in the outputs' own unit."""
    return _mean((corrected[name] - clean[name]).abs().mean() for name in clean)


def soft_mse(corrected: Answers, clean: Answers) -> Tensor:
    """The squared difference of the class probabilities, summed over the classes, mean over the pictures."""
    return _mean(
        (corrected[name].softmax(dim=1) - clean[name].softmax(dim=1)).square().sum(dim=1).mean() for name in clean
    )


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


OUTPUT_LOSSES: Final[dict[str, Callable[[Answers, Answers], Tensor]]] = {
    "prediction-l1": prediction_l1,
    "soft-mse": soft_mse,
}
FEATURE_LOSSES: Final[dict[str, Callable[[Answers, Answers], Tensor]]] = {
    "features": features_cosine,
    "features-l1": features_l1,
}
LOSSES: Final = (*OUTPUT_LOSSES, *FEATURE_LOSSES)


@dataclass
class Watched:
    """A task network, and the answers of some of its inner layers as they pass.

    With no `layers` only the outputs are answered. A layer is a name of `network.named_modules()`.
    """

    task: Differentiable
    layers: tuple[str, ...] = ()
    seen: dict[str, Tensor] = field(default_factory=dict)

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
        return {name: tensor.float() for name, tensor in (self.seen if self.layers else outputs).items()}

    def _keep(self, layer: str) -> Callable[[nn.Module, object, object], None]:
        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            found = output if isinstance(output, Tensor) else getattr(output, "last_hidden_state", None)
            if isinstance(found, Tensor):
                self.seen[layer] = found

        return keep
