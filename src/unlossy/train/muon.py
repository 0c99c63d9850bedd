"""Muon: momentum whose matrices are made orthogonal before each step, for the kernels of convolutions.

Every direction of a kernel then learns at one rate, which takes fewer steps to the same loss than AdamW here (see
docs/corrector-trials.md). Source: K. Jordan and others, "Muon: an optimizer for hidden layers in neural networks"
(2024); the quintic Newton-Schulz iteration and its coefficients are from there.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(Optimizer):
    """The optimizer, for parameters of two dimensions or more; all but the first are flattened.

    Every step also shrinks them by `lr * weight_decay`. Without it orthogonal updates let kernels grow for ever: after
    13 000 steps theirs were twenty times those of a new network, and rare inputs made such a network explode.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(list(groups), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Nothing; the parameters move by `lr`, in units of their update's root mean square times 0.2."""
        if closure is not None:
            raise ValueError("Muon takes no closure: compute the gradients first")
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
                    self._move(parameter, parameter.grad, group["lr"], group["momentum"])

    def _move(self, parameter: nn.Parameter, gradient: Tensor, lr: float, momentum: float) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        average = state["momentum"]
        average.lerp_(gradient, 1.0 - momentum)
        update = orthogonal(gradient.lerp(average, momentum).flatten(1))
        # the root mean square of an orthogonal update of n x m is 1/sqrt(max(n, m)); 0.2 is about AdamW's
        scale = 0.2 * max(update.shape) ** 0.5
        parameter.add_(update.view(parameter.shape), alpha=-lr * scale)


def orthogonal(matrix: Tensor) -> Tensor:
    """Roughly U V^T of the matrix's singular value decomposition: every singular value becomes 0.7 to 1.2.

    Taken in bfloat16, as the source does: the iteration forgives it and takes half the time.
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-12)
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)
