"""A torchvision detector with its raw heads, for task-targeted training; imports torch.

One-stage detectors (RetinaNet, FCOS, SSD) give the classes and boxes of every anchor. Of the two-stage ones the first
stage: how sure each anchor is that something is there, and where; the second looks at the same features.
"""

from typing import Any

import torch
from torch import Tensor, nn

from unlossy.tasks.models.differentiable import Trainable
from unlossy.tasks.models.heads import Head

BOXES = Head("values", class_dim=2, weighted_by="classes")


class RawHeads(nn.Module):
    """Pictures (b, 3, h, w; 0..1) to "classes" (b, n, k) and "boxes" (b, n, 4) of every anchor."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """The raw heads, after the network's own resizing and normalising."""
        resized, _ = self.network.transform(list(images))
        features = self.network.backbone(resized.tensors)
        levels = list(features.values()) if isinstance(features, dict) else [features]
        if hasattr(self.network, "rpn"):
            objectness, deltas = self.network.rpn.head(levels)
            return {"classes": _places(objectness, 1).sigmoid(), "boxes": _places(deltas, 4)}
        answer = self.network.head(levels)
        logits = answer["cls_logits"]
        classes = logits if _softmax(self.network) else logits.sigmoid()
        return {"classes": classes, "boxes": answer["bbox_regression"]}


def trainable(network: nn.Module) -> Trainable:
    """The network's raw heads; of SSD's softmax the first class means that there is nothing."""
    classes = Head("logits", class_dim=2, nothing=0) if _softmax(network) else Head("scores", class_dim=2)
    return Trainable(RawHeads(network), lambda answer: answer, {"classes": classes, "boxes": BOXES})


def _softmax(network: nn.Module) -> bool:
    return type(network).__name__ == "SSD"


def _places(levels: list[Tensor], width: int) -> Tensor:
    """Maps (b, anchors * width, h, w) of each level as (b, n, width)."""
    return torch.cat([level.permute(0, 2, 3, 1).reshape(len(level), -1, width) for level in levels], dim=1)
