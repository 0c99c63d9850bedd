"""What the demo's detector and segmenter learn by, and the short loop that they share.

The detector's loss is NanoDet's, the generalised focal loss of Li et al. 2020 (arXiv 2006.04388): the score of the
right class is taught the overlap of the cell's own box, each side is a distribution over eight distances. The cells
around an object's centre answer for it, as in FCOS (arXiv 1904.01355).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from unlossy.train.demo_dense_files import REG_MAX, STRIDE
from unlossy.train.demo_dense_network import DemoDetector, DemoSegmenter, boxes_of, centres
from unlossy.train.demo_dense_scenes import NO_OBJECT, DenseScenes
from unlossy.train.demo_network import normalise

_REACH = 1.5
"""How far from an object's centre, in strides, cells answer for it."""
_BOX_WEIGHT, _SIDES_WEIGHT = 2.0, 0.25
_BATCH, _PEAK_RATE = 16, 3e-3

Network = DemoDetector | DemoSegmenter
Loss = Callable[[Any, DenseScenes], Tensor]
"""Of a network's answer to the scenes' pictures."""


def fit(
    network: Network,
    loss_of: Loss,
    scenes: DenseScenes,
    *,
    steps: int,
    seed: int,
    report: Callable[[int, float], None],
) -> None:
    """Nothing; the network learns on clean scenes, mirrored by chance, and is left in evaluation mode.

    Convolutions are in bfloat16. `report` is told the step and the mean loss since last time. The same seed, machine
    and number of threads give the same weights.
    """
    chance = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_PEAK_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK_RATE, total_steps=steps, pct_start=0.2)
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    losses: list[float] = []
    for step in range(steps):
        drawn = scenes.draw(chance, _BATCH)
        images = torch.from_numpy(normalise(drawn.images)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            answer = network(images)
        loss = loss_of(answer, drawn)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % 50 == 49 or step + 1 == steps:
            report(step + 1, float(np.mean(losses)))
            losses.clear()
    network.eval()


def segmentation_loss(logits: Float[Tensor, "b k h w"], scenes: DenseScenes) -> Tensor:
    """Cross-entropy at every pixel, the logits laid over the picture as a segmenter's user does it."""
    full = functional.interpolate(
        logits.float(), size=scenes.label_maps.shape[1:], mode="bilinear", align_corners=False
    )
    return functional.cross_entropy(full, torch.from_numpy(scenes.label_maps).long())


def detection_loss(answer: tuple[Tensor, Tensor], scenes: DenseScenes) -> Tensor:
    """The scores', the boxes' and the sides' losses, weighted as NanoDet weighs them, per responsible cell."""
    logits, sides = answer[0].float(), answer[1].float()
    side_px = scenes.images.shape[1]
    boxes, classes = torch.from_numpy(scenes.boxes_xyxy), torch.from_numpy(scenes.classes)
    image, cell, which = responsible(boxes, classes, side_px)
    wanted = boxes[image, which]
    overlap, giou = overlaps(boxes_of(sides, side_px)[image, cell], wanted)
    quality = torch.zeros_like(logits)
    quality[image, cell, classes[image, which]] = overlap.detach()
    n = max(1, len(image))
    focal = (quality - logits.sigmoid()).square()
    scores = (focal * functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")).sum() / n
    return (
        scores
        + _BOX_WEIGHT * (1.0 - giou).sum() / n
        + _SIDES_WEIGHT * _sides_loss(sides[image, cell], wanted, cell, side_px)
    )


def responsible(
    boxes: Float[Tensor, "b m 4"], classes: Int64[Tensor, "b m"], side_px: int
) -> tuple[Int64[Tensor, " p"], Int64[Tensor, " p"], Int64[Tensor, " p"]]:
    """Which cells answer for which objects: image, cell and object; of two objects the smaller has the cell."""
    points = centres(side_px)[None, :, None]
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2
    near = ((points - middle[:, None]).abs() < _REACH * STRIDE).all(3)
    inside = (points > boxes[:, None, :, :2]).all(3) & (points < boxes[:, None, :, 2:]).all(3)
    area = (boxes[..., 2:] - boxes[..., :2]).prod(2)[:, None]
    cost = torch.where(near & inside & (classes != NO_OBJECT)[:, None], area, torch.inf)
    least, which = cost.min(2)
    image, cell = torch.nonzero(least < torch.inf, as_tuple=True)
    return image, cell, which[image, cell]


def overlaps(
    found: Float[Tensor, "p 4"], wanted: Float[Tensor, "p 4"]
) -> tuple[Float[Tensor, " p"], Float[Tensor, " p"]]:
    """Intersection over union of each pair, and its generalised form (Rezatofighi et al. 2019)."""
    union_of = (found[:, 2:] - found[:, :2]).prod(1) + (wanted[:, 2:] - wanted[:, :2]).prod(1)
    shared = (
        (torch.minimum(found[:, 2:], wanted[:, 2:]) - torch.maximum(found[:, :2], wanted[:, :2])).clamp(min=0).prod(1)
    )
    hull = (torch.maximum(found[:, 2:], wanted[:, 2:]) - torch.minimum(found[:, :2], wanted[:, :2])).prod(1)
    union = (union_of - shared).clamp(min=1e-6)
    return shared / union, shared / union - (hull - union) / hull.clamp(min=1e-6)


def _sides_loss(
    sides: Float[Tensor, "p 32"], wanted: Float[Tensor, "p 4"], cell: Int64[Tensor, " p"], side_px: int
) -> Tensor:
    """Cross-entropy of each side's distribution with the two bins that the true distance lies between."""
    at = centres(side_px)[cell]
    distances = torch.cat((at - wanted[:, :2], wanted[:, 2:] - at), 1).flatten() / STRIDE
    distances = distances.clamp(0.0, REG_MAX - 0.01)
    below = distances.long()
    logs = -sides.reshape(-1, REG_MAX + 1).log_softmax(1)
    share = distances - below
    both = logs.gather(1, below[:, None])[:, 0] * (1 - share) + logs.gather(1, below[:, None] + 1)[:, 0] * share
    return both.mean() if len(both) else both.sum()
