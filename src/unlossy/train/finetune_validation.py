"""Accuracy on held-out pictures, clean and at a few settings, by which the best weights of a run are chosen."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name)
from jaxtyping import UInt8
from torch import Tensor, nn

from unlossy.core.errors import RunError, UsageError
from unlossy.core.types import Item
from unlossy.train.finetune_data import Sight, class_of
from unlossy.train.finetune_draw import Compressions
from unlossy.train.loop import is_out_of_memory

MOST: Final = 256
"""Pictures looked at; more cost time at every validation, and memory."""
TOGETHER: Final = 32
TIE: Final = 1e-5
"""Of cross-entropy beside top-1: less than one picture in ten settings is worth."""


def held_out(items: Sequence[Item], share: float) -> tuple[list[Item], list[Item]]:
    """The items to train on and those to validate on: every so many in the order of class and key.

    Raises:
        UsageError: the share leaves nothing to one of them.
    """
    if not 0.0 < share < 1.0:
        raise UsageError(f"the held-out share is {share}; it lies between 0 and 1")
    ordered = sorted(items, key=lambda item: (class_of(item), item.key))
    numbers = np.arange(len(ordered))
    chosen = np.floor((numbers + 0.5) * share) > np.floor((numbers - 0.5) * share)
    validating = [item for item, out in zip(ordered, chosen, strict=True) if out]
    training = [item for item, out in zip(ordered, chosen, strict=True) if not out]
    if not validating or not training:
        raise UsageError(
            f"holding out {share:g} of {len(items)} pictures leaves {len(training)} to train on and {len(validating)} "
            "to validate on: give more pictures, another --held-out, or --validation DIR"
        )
    return training, validating


class Validation:
    """Held-out pictures as the network sees them, clean and at each validated setting; made once."""

    def __init__(
        self, items: Sequence[Item], sight: Sight, compressions: Compressions, pick: Callable[[Any], Tensor]
    ) -> None:
        step = max(1, -(-len(items) // MOST))
        ordered = sorted(items, key=lambda item: (class_of(item), item.key))[::step]
        settings = {"clean": None, **{codec.setting: codec for codec in compressions.validated}}
        self.sight, self.pick, self.counts_clean = sight, pick, compressions.clean_share > 0.0
        self.classes = torch.tensor([class_of(item) for item in ordered])
        self.views = {name: [sight.whole(item, codec) for item in ordered] for name, codec in settings.items()}

    def measures(self, network: nn.Module) -> dict[str, float]:
        """Top-1 (0..1) per setting, and over those that the training has: `score`, the mean, and `cross_entropy`.

        Raises:
            RunError: an answer is not finite.
        """
        found = {name: self._measured(network, views) for name, views in self.views.items()}
        counted = [pair for name, pair in found.items() if name != "clean" or self.counts_clean]
        return {
            "score": float(np.mean([top1 for top1, _ in counted])),
            "cross_entropy": float(np.mean([entropy for _, entropy in counted])),
            **{f"top1_{name}": top1 for name, (top1, _) in found.items()},
        }

    @torch.inference_mode()
    def _measured(self, network: nn.Module, views: Sequence[UInt8[np.ndarray, "h w 3"]]) -> tuple[float, float]:
        logits = torch.cat(
            [
                logits
                for i in range(0, len(views), TOGETHER)
                for logits in self._logits(network, self.sight.prepared(views[i : i + TOGETHER]))
            ]
        )
        if not bool(torch.isfinite(logits).all()):
            raise RunError(
                "the network's answers are not finite any more. The best weights so far are kept; begin anew in "
                "another folder with a lower --lr"
            )
        top1 = (logits.argmax(dim=1) == self.classes).float().mean()
        return float(top1), float(F.cross_entropy(logits, self.classes))

    def _logits(self, network: nn.Module, group: Tensor) -> list[Tensor]:
        """The answers to a group of prepared views, in as many parts as the memory wants."""
        try:
            return [self.pick(network(group.to(next(network.parameters()).device))).float().cpu()]
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or len(group) == 1:
                raise
        return [logits for half in group.tensor_split(2) for logits in self._logits(network, half)]


def score_of(measures: Mapping[str, float]) -> float:
    """What the best weights are the best by: mean top-1, and between equals the lower cross-entropy."""
    return measures["score"] - TIE * min(measures["cross_entropy"], 10.0)
