"""`torchvision:NAME@FILE`: torchvision's detectors and Mask R-CNN with weights from a local safetensors file.

Resizing and normalising are the network's own and happen inside it; it answers in pixels of the picture it is given. A
JSON of the weights' name beside them, which names them as its "file", may give "labels" and "category_ids"; without
one, weights with as many classes as torchvision's own have those names (COCO's).
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.tasks.detections import Detections
from unlossy.tasks.models.detection.base import AssembledDetector
from unlossy.tasks.models.detection.boxes import detections
from unlossy.tasks.models.detection.facts import category_ids_in
from unlossy.tasks.models.detection.mask_parts import run_lengths
from unlossy.tasks.models.detection.torch_batches import nan_error, torch_answer
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.facts import labels_in, read_described, stated_file
from unlossy.tasks.models.safetensors_file import load_strictly, read_weights
from unlossy.tasks.models.torchvision_files import architecture

NO_EPSILON = ("fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn", "retinanet_resnet50_fpn")
"""Architectures whose frozen batch norms divide by the bare deviation, as their COCO weights were trained."""

COUNTER = ".num_batches_tracked"

LABELS = '{"file": "weights.safetensors", "labels": ["", "cat", "dog"]}'


def load(name: str, *, spec: str, threads: int | None, device: str = "cpu") -> AssembledDetector:
    """The detector that torchvision calls NAME; as many classes as FILE has. Raises UsageError, MissingDependency."""
    found = architecture(name, spec=spec, what="detector", known=_detectors)
    models, model, file = found.models, found.name, found.weights
    network, n_classes = _network(models, model, file)
    labels, ids = _names(models, model, file, n_classes)
    return AssembledDetector(
        spec=spec,
        digest=model_digest([file], {"torchvision": model, "labels": labels, "category_ids": ids}),
        labels=labels,
        category_ids=ids,
        libraries=("torchvision", "torch"),
        resize_rgb=lambda image_hwc: image_hwc,
        normalise_rgb=_scaled,
        answer=torch_answer(network, detecting(network), threads, device),
        gives_masks=model.startswith("maskrcnn"),
        trainable=lambda: import_module("unlossy.tasks.models.detection.torchvision_heads").trainable(network),
    )


def detecting(network: Any) -> Callable[[Any, list[tuple[int, int]]], list[Detections]]:  # noqa: ANN401 (a torch module)
    """A function from pictures of one size (b, 3, h, w; 0..1) to what a torchvision detector finds in each.

    It raises ModelError where the network's raw heads hold NaN, which its selection by score would drop in silence.
    """
    watched = [network.rpn.head, network.roi_heads.box_predictor] if hasattr(network, "rpn") else [network.head]
    for head in watched:
        head.register_forward_hook(lambda _module, _inputs, answer: _refuse_nan(answer))

    def run(images: Any, _sizes: list[tuple[int, int]]) -> list[Detections]:  # noqa: ANN401
        return [_found({key: value.cpu().numpy() for key, value in one.items()}) for one in network(list(images))]

    return run


def _found(one: Mapping[str, np.ndarray]) -> Detections:
    masks = one.get("masks")
    return detections(
        one["boxes"],
        one["scores"],
        one["labels"],
        masks=None if masks is None else lambda place: run_lengths(masks[place, 0] > 0.5),
    )


def _refuse_nan(answer: Any) -> None:  # noqa: ANN401 (tensors in tuples, lists, mappings)
    if isinstance(answer, tuple | list | Mapping):
        for part in answer.values() if isinstance(answer, Mapping) else answer:
            _refuse_nan(part)
    elif not answer.isfinite().all():
        raise nan_error(int((~answer.isfinite()).sum()))


def _scaled(image_hwc: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "3 h w"]:
    return np.ascontiguousarray(image_hwc.transpose(2, 0, 1), np.float32) / np.float32(255)


def _detectors(models: ModuleType) -> list[str]:
    return [name for name in models.list_models(module=models.detection) if not name.startswith("keypoint")]


def _network(models: ModuleType, model: str, file: Path) -> tuple[Any, int]:
    tensors = read_weights(file, "torchvision")
    n_classes = _n_classes(models, model, tensors, file)
    network = models.get_model(model, weights=None, weights_backbone=None, num_classes=n_classes)
    expected = network.state_dict()
    absent = [key for key in expected if key.endswith(COUNTER) and key not in tensors]
    load_strictly(network, tensors | {key: expected[key] for key in absent}, f"torchvision's {model!r}")
    if absent and model in NO_EPSILON:
        _drop_epsilons(network, absent)
    return network, n_classes


def _drop_epsilons(network: Any, counters: list[str]) -> None:  # noqa: ANN401
    # A frozen batch norm counts no batches: its file lacks the counters, and an unfrozen one stands for it here.
    for key in counters:
        network.get_submodule(key.removesuffix(COUNTER)).eps = 0.0


def _n_classes(models: ModuleType, model: str, tensors: Mapping[str, Any], file: Path) -> int:
    widths = _widths(models, model)
    sizes = {int(tensors[key].shape[0]) / width for key, width in widths.items() if key in tensors}
    if len(sizes) != 1 or not (size := sizes.pop()).is_integer():
        raise UsageError(f"{file}: holds no detector of {model!r} (looked for {', '.join(list(widths)[:4])})")
    return int(size)


@cache
def _widths(models: ModuleType, model: str) -> Mapping[str, int]:
    """By tensor how long it is for each class: a head's length is a multiple of the number of classes."""
    torch = require("torch", "torchvision", f"torchvision's {model!r}")
    with torch.device("meta"):  # tensors that hold no memory
        small, large = (
            models.get_model(model, weights=None, weights_backbone=None, num_classes=n).state_dict() for n in (2, 3)
        )
    return {key: large[key].shape[0] - small[key].shape[0] for key in small if small[key].shape != large[key].shape}


def _names(
    models: ModuleType, model: str, file: Path, n_classes: int
) -> tuple[tuple[str, ...] | None, tuple[int, ...] | None]:
    """The labels and the category ids in the order of the outputs; "" where an output is no class."""
    beside = file.with_suffix(".json")
    if stated_file(beside) == file.name:
        labels, ids = read_described(beside, lambda document: (labels_in(document), category_ids_in(document)), LABELS)
        for name, found in (("labels", labels), ("category_ids", ids)):
            if found is not None and len(found) != n_classes:
                raise UsageError(f'{beside}: "{name}" are {len(found)}, the weights have {n_classes} classes')
        return labels, ids
    names = models.get_model_weights(model).DEFAULT.meta.get("categories", ())
    if len(names) != n_classes:
        return None, None
    return tuple("" if name in ("__background__", "N/A") else name for name in names), None
