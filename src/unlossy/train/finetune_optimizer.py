"""Stochastic gradient descent with momentum, and which layers of batch norm keep their statistics."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import SGD, Optimizer

FOLDED = 0.01
"""How far the statistics of a folded batch norm may lie from mean 0 and variance 1."""


def sgd_for(network: nn.Module, lr: float, momentum: float, weight_decay: float) -> list[Optimizer]:
    """SGD with momentum over the network's parameters; biases and scales do not decay."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay, "rate_share": 1.0},
        {"params": vectors, "weight_decay": 0.0, "rate_share": 1.0},
    ]
    return [SGD([group for group in groups if group["params"]], lr=lr, momentum=momentum)]


def norms_folded(network: nn.Module) -> bool:
    """Whether every batch norm has mean 0 and variance 1: its statistics were folded into the convolutions.

    Normalising by a batch's own statistics would then undo what those convolutions hold.
    """
    norms = [norm for norm in network.modules() if isinstance(norm, _BatchNorm)]
    return bool(norms) and all(_is_identity(norm) for norm in norms)


def _is_identity(norm: _BatchNorm) -> bool:
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        return False
    return bool(mean.abs().max() < FOLDED) and bool((variance - 1.0).abs().max() < FOLDED)


def prepare_norms(network: nn.Module, *, frozen: bool) -> None:
    """Nothing; the network is in training mode, but for `frozen` batch norms, of which scale and bias learn."""
    network.train()
    for module in network.modules():
        if frozen and isinstance(module, _BatchNorm):
            module.eval()


@torch.no_grad()
def share_statistics(source: nn.Module, target: nn.Module) -> None:
    """Nothing; the target has the source's buffers (running statistics), which an average of parameters leaves out."""
    for ours, theirs in zip(source.buffers(), target.buffers(), strict=True):
        theirs.copy_(ours)
