"""Why a mitigation works: the network's loss gradients and where it looks, on clean, compressed and repaired pictures.

The reference study found that compression hurts through gradients that point elsewhere. Here the loss is the cross
entropy to the network's own clean answer, so no labels are needed; its gradient in all weights (and in the pixels) on a
picture is compared with the one on the clean picture by their cosine. Where the network looks is Grad-CAM (Selvaraju et
al., 1610.02391) of the clean answer's class at the last feature map. For classifiers that gradients can go through.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (torch's own name)
from jaxtyping import UInt8
from torch import Tensor

from unlossy.codecs import Codec, parse_codecs
from unlossy.codecs.source import decode_hinted, hints_of
from unlossy.core.errors import ItemError, UsageError
from unlossy.core.pixels import as_rgb
from unlossy.core.types import Decoded, Item
from unlossy.correctors.base import Corrector
from unlossy.correctors.registry import open_corrector
from unlossy.datasets import open_dataset
from unlossy.metrics.stats import Interval, paired_difference
from unlossy.runs.explained import CLEAN, ExplainedItem, Explanation, GradientPoint, Panel
from unlossy.runs.mitigations import in_order, parts_of
from unlossy.store import NONE
from unlossy.study.damage_shown import shown_at
from unlossy.tasks.models.differentiable import TorchClassifier, open_classifier
from unlossy.tasks.models.feature_maps import default_layer

SPREAD = 24
"""Items looked at where no limit is given: key order goes class by class in folders, so the first ones are of one."""
BRIGHTEST = 99.5
"""Percentile of a gradient picture that becomes white."""


@dataclass(frozen=True, slots=True)
class ExplainPlan:
    """What to look at; `codecs` are SPECs, `mitigations` texts as in a study, of which `model=` ones are refused.

    `limit` takes the first N items in key order; None takes `SPREAD`, evenly over all of them.
    """

    model: str
    data: str
    codecs: tuple[str, ...] = ("jpeg",)
    mitigations: tuple[str, ...] = (NONE,)
    limit: int | None = None
    pictures: int = 6
    seed: int = 0


def explain(plan: ExplainPlan, on_progress: Callable[[int, int], None] = lambda _done, _total: None) -> Explanation:
    """The gradients of the plan's items in every cell, and the pictures of the first few that change their answer.

    Raises:
        UsageError: no data, no such model, one that gradients cannot go through, an unknown codec or mitigation.
    """
    task = open_classifier(plan.model)
    correctors = {text: _corrector(text) for text in in_order(plan.mitigations)}
    codecs = tuple({codec.setting: codec for spec in plan.codecs for codec in parse_codecs(spec)}.values())
    items = list(islice(open_dataset(plan.data), plan.limit))
    items = items if plan.limit is not None else spread(items, SPREAD)
    look = Look(task, default_layer(task, torch.rand(1, 3, *(task.input_hw or (224, 224)))))
    shown = shown_at(codecs).setting
    cosines: dict[tuple[str, str], list[tuple[float, float]]] = {}
    pictures: list[ExplainedItem] = []
    failed: list[tuple[str, str]] = []
    for done, item in enumerate(items, start=1):
        try:
            found = _explained(item, look, codecs, correctors, shown)
        except ItemError as error:
            failed.append((item.key, str(error)))
        else:
            for cell, pair in found.cosines.items():
                cosines.setdefault(cell, []).append(pair)
            pictures.append(found.shown)
        on_progress(done, len(items))
    points = tuple(_point(codec, text, cosines.get((codec.setting, text), []), plan.seed)
                   for codec in codecs for text in correctors)  # fmt: skip
    chosen = sorted(pictures, key=_changed_first)[: plan.pictures]
    return Explanation(plan.model, plan.data, look.layer, len(items), tuple(failed), points, tuple(chosen))


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` of the items, at even distances over all of them."""
    if len(items) <= count:
        return list(items)
    return [items[(2 * place + 1) * len(items) // (2 * count)] for place in range(count)]


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture through the network: its gradients (flat, float32), where it looks, what it answers."""

    weights: Tensor
    pixels: Tensor
    activation: Tensor
    class_index: int
    probability: float


@dataclass(slots=True)
class Look:
    """A network that is asked for its gradients; `layer` is where Grad-CAM is taken."""

    task: TorchClassifier
    layer: str
    maps: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        modules = dict(self.task.network.named_modules())
        modules[self.layer].register_forward_hook(lambda _module, _inputs, output: self.maps.append(output))
        self.task.network.requires_grad_(requires_grad=True)

    def resized(self, pixels_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture as the network is shown it."""
        return as_rgb(pixels_hwc) if self.task.classifier is None else self.task.classifier.resize(pixels_hwc)

    def answer(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> int:
        """The class of a picture in the network's geometry."""
        with torch.inference_mode():
            logits = self.task.outputs(_batch(image_hwc))["logits"]
        self.maps.clear()
        return int(logits.argmax())

    def seen(self, image_hwc: UInt8[np.ndarray, "h w 3"], class_index: int) -> Seen:
        """What the network makes of a picture (in its geometry), the loss being that of answering `class_index`."""
        self.maps.clear()
        image = _batch(image_hwc).requires_grad_()
        logits = self.task.outputs(image)["logits"]
        loss = F.cross_entropy(logits, torch.tensor([class_index]))
        weights = [w for w in self.task.network.parameters() if w.requires_grad]
        gradients = torch.autograd.grad(loss, [image, *weights], retain_graph=True, allow_unused=True)
        (slope,) = torch.autograd.grad(logits[0, class_index], self.maps[-1])
        heat = (slope.mean(dim=(2, 3), keepdim=True) * self.maps[-1]).sum(dim=1, keepdim=True).relu()
        probabilities = logits.detach()[0].softmax(dim=0)
        answered = int(probabilities.argmax())
        return Seen(
            weights=torch.cat([g.flatten() for g in gradients[1:] if g is not None]),
            pixels=gradients[0][0],
            activation=F.interpolate(heat.detach(), image_hwc.shape[:2], mode="bilinear", align_corners=False)[0, 0],
            class_index=answered,
            probability=float(probabilities[answered]),
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """One item: cosines (weights, pixels) by cell, and its pictures."""

    cosines: dict[tuple[str, str], tuple[float, float]]
    shown: ExplainedItem


def _explained(
    item: Item, look: Look, codecs: Sequence[Codec], correctors: dict[str, Corrector | None], shown: str
) -> _Found:
    source = as_rgb(decode_hinted(item.blob.all()).pixels_hwc)
    image = look.resized(source)
    reference = look.answer(image)
    clean = look.seen(image, reference)
    panels, cosines = [_panel(CLEAN, image, clean, look, reference)], {}
    for codec, text, picture in _versions(source, codecs, correctors):
        version = look.resized(picture)
        seen = look.seen(version, reference)
        cosines[codec.setting, text] = (_cosine(seen.weights, clean.weights), _cosine(seen.pixels, clean.pixels))
        if codec.setting == shown:
            panels.append(_panel(text, version, seen, look, reference))
    return _Found(cosines, ExplainedItem(item.key, shown, tuple(panels)))


def _versions(
    source: UInt8[np.ndarray, "h w 3"], codecs: Sequence[Codec], correctors: dict[str, Corrector | None]
) -> Iterator[tuple[Codec, str, UInt8[np.ndarray, "h w c"]]]:
    for codec in codecs:
        data = codec.encode(source)
        picture = Decoded(codec.decode(data), hints_of(data))
        for text, corrector in correctors.items():
            yield codec, text, picture.pixels_hwc if corrector is None else corrector.correct([picture])[0]


def _corrector(text: str) -> Corrector | None:
    if text == NONE:
        return None
    parts = parts_of(text)
    if parts.model:
        raise UsageError(f"{text}: another model has other weights, whose gradients cannot be compared")
    return open_corrector(parts.corrector)


def _point(codec: Codec, text: str, pairs: list[tuple[float, float]], seed: int) -> GradientPoint:
    def interval(values: list[float]) -> Interval | None:
        return paired_difference(values, [0.0] * len(values), seed) if values else None

    weights, pixels = ([pair[part] for pair in pairs] for part in (0, 1))
    return GradientPoint(codec.setting, codec.codec_quality, text, interval(weights), interval(pixels), len(pairs))


def _panel(name: str, image: UInt8[np.ndarray, "h w 3"], seen: Seen, look: Look, reference: int) -> Panel:
    labels = None if look.task.classifier is None else look.task.classifier.labels
    answer = str(seen.class_index) if labels is None else labels[seen.class_index]
    size = seen.pixels.abs().amax(dim=0)
    bright = max(float(np.percentile(size.numpy(), BRIGHTEST)), 1e-12)
    return Panel(
        name=name,
        picture=image,
        gradient=_grey(size / bright),
        activation=_grey(seen.activation / max(float(seen.activation.max()), 1e-12)),
        answer=answer,
        probability=seen.probability,
        right=seen.class_index == reference,
    )


def _changed_first(item: ExplainedItem) -> tuple[int, float]:
    """Items that compression changes and a mitigation brings back come first; of equals the surest clean answer."""
    clean, rest = item.panels[0], item.panels[1:]
    changed = any(panel.name == NONE and not panel.right for panel in rest)
    brought_back = any(panel.name != NONE and panel.right for panel in rest)
    return -2 * changed - brought_back, -clean.probability


def _cosine(one: Tensor, other: Tensor) -> float:
    return float(F.cosine_similarity(one.flatten(), other.flatten(), dim=0, eps=1e-20))


def _grey(values: Tensor) -> UInt8[np.ndarray, "h w"]:
    return np.asarray((values.clamp(0, 1) * 255).round().to(torch.uint8).numpy())


def _batch(image_hwc: UInt8[np.ndarray, "h w 3"]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image_hwc.transpose(2, 0, 1)))[None].float() / 255.0
