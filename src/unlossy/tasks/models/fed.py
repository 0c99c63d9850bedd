"""Torch networks that want their pictures in another way than as any number of b 3 h w."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class ChannelsLast(nn.Module):
    """A module that takes b h w 3, called with b 3 h w."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Any:  # noqa: ANN401 (whatever the network answers)
        """What the network answers."""
        return self.network(images.permute(0, 2, 3, 1))


class FixedBatch(nn.Module):
    """A module that takes `size` pictures at a time, called with any number of them.

    It answers a tensor, or a list or mapping of tensors, all with the batch first; the last picture fills up the last
    call.
    """

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.network, self.size = network, size

    def forward(self, images: Tensor) -> Any:  # noqa: ANN401 (of the shape that the network answers in)
        """The answers to all pictures, joined."""
        n = len(images)
        filled = images[torch.arange(-(-n // self.size) * self.size).clamp(max=n - 1)]
        return _joined([self.network(part) for part in torch.split(filled, self.size)], n)


def _joined(answers: list[Any], n: int) -> Any:  # noqa: ANN401
    first = answers[0]
    if isinstance(first, Tensor):
        return torch.cat(answers)[:n]
    if isinstance(first, Mapping):
        return {name: _joined([answer[name] for answer in answers], n) for name in first}
    return [_joined(list(parts), n) for parts in zip(*answers, strict=True)]
