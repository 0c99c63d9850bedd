"""`hf:PATH_OR_ID`: detectors of transformers (DETR, RT-DETR, D-FINE, YOLOS ...), Mask2Former and MaskFormer for masks.

Boxes are the image processor's own reading of the network's answer, in pixels of the source.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from PIL import Image

from unlossy.core.errors import ModelError, UsageError
from unlossy.core.tools import require
from unlossy.tasks.detections import Detections
from unlossy.tasks.models.detection.base import MIN_SCORE, AssembledDetector
from unlossy.tasks.models.detection.boxes import detections
from unlossy.tasks.models.detection.mask_parts import run_lengths, tight_box
from unlossy.tasks.models.detection.torch_batches import n_not_finite, nan_error, on_processor, torch_answer
from unlossy.tasks.models.hf import labels_of
from unlossy.tasks.models.hf_parts import (
    as_usage_error,
    folder_digest,
    halves,
    load_processor,
    load_weights,
    model_folder,
    quiet,
    transformers_for,
)
from unlossy.tasks.models.tabulated import tabulated

MASKED = ("mask2former", "maskformer")
"""Model types whose instances are masks; all others answer with boxes."""

Read = Callable[[Any, list[tuple[int, int]]], list[Detections | ModelError]]


def load(name: str, *, spec: str, threads: int | None, device: str = "cpu") -> AssembledDetector:
    """The detector in a folder written by save_pretrained, or of a hub id; raises UsageError, MissingDependency."""
    folder = model_folder(name)
    transformers = transformers_for(spec)
    with quiet(transformers), as_usage_error(spec, "a detector"):
        processor = load_processor(transformers, folder)
        masked = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True).model_type in MASKED
        if masked:  # their loss, which is made with them, matches by an assignment of scipy's
            require("scipy", "detection", f"the model {spec!r}")
        kind = "AutoModelForUniversalSegmentation" if masked else "AutoModelForObjectDetection"
        network = load_weights(getattr(transformers, kind), folder, "detector")
        read = _masks(processor) if masked else _boxes(processor)
        _refuse_padding(processor)
    resize, normalise = halves(processor)
    return AssembledDetector(
        spec=spec,
        digest=folder_digest(folder),
        labels=_labels(network.config),
        category_ids=None,
        libraries=("transformers", "torch", "torchvision", "Pillow"),
        resize_rgb=resize,
        normalise_rgb=tabulated(normalise),
        answer=torch_answer(
            network, lambda images, sizes: read(on_processor(network(pixel_values=images)), sizes), threads, device
        ),
        gives_masks=masked,
        trainable=None if masked else lambda: _trainable(network),
    )


def _boxes(processor: Any) -> Read:  # noqa: ANN401 (transformers is typed loosely)
    """What the processor makes of logits and boxes."""
    if not hasattr(processor, "post_process_object_detection"):
        raise UsageError(f"the image processor {type(processor).__name__} cannot read boxes from a network's answer")

    def read(output: Any, sizes: list[tuple[int, int]]) -> list[Detections | ModelError]:  # noqa: ANN401
        found = processor.post_process_object_detection(output, threshold=MIN_SCORE, target_sizes=sizes)
        answers: list[Detections | ModelError] = []
        for place, one in enumerate(found):
            bad = n_not_finite((output.logits, output.pred_boxes), place)
            boxes, scores, labels = (one[key].numpy() for key in ("boxes", "scores", "labels"))
            answers.append(nan_error(bad) if bad else detections(boxes, scores, labels))
        return answers

    return read


def _masks(processor: Any) -> Read:  # noqa: ANN401
    """What the processor makes of queries: an instance's box is the smallest that holds its mask."""

    def read(output: Any, sizes: list[tuple[int, int]]) -> list[Detections | ModelError]:  # noqa: ANN401
        found = processor.post_process_instance_segmentation(
            output, threshold=MIN_SCORE, target_sizes=sizes, return_binary_maps=True
        )
        answers: list[Detections | ModelError] = []
        for place, one in enumerate(found):
            bad = n_not_finite((output.class_queries_logits, output.masks_queries_logits), place)
            answers.append(nan_error(bad) if bad else _instances(one["segmentation"], one["segments_info"]))
        return answers

    return read


def _instances(maps: Any, told: list[dict[str, Any]]) -> Detections:  # noqa: ANN401 (a tensor, or None)
    masks = maps.numpy().astype(bool) if told else np.zeros((0, 1, 1), bool)
    masks = masks[None] if masks.ndim == 2 else masks
    return detections(
        np.array([tight_box(mask) for mask in masks], np.float32).reshape(-1, 4),
        np.array([one["score"] for one in told], np.float32),
        np.array([one["label_id"] for one in told], np.int64),
        masks=lambda place: run_lengths(masks[place]),
    )


def _refuse_padding(processor: Any) -> None:  # noqa: ANN401
    """Raises UsageError where even a picture alone is padded: its boxes would be relative to the padded one."""
    probe = Image.fromarray(np.zeros((37, 61, 3), np.uint8))
    mask = processor(images=probe, return_tensors="np").get("pixel_mask")
    if mask is not None and not np.asarray(mask).all():
        raise UsageError(f"the image processor {type(processor).__name__} pads every picture; switch pad_size off")


def _labels(config: Any) -> tuple[str, ...] | None:  # noqa: ANN401
    """The class names; "" stands for outputs that are no class ("N/A" in the checkpoints trained on COCO)."""
    labels = labels_of(config)
    return None if labels is None else tuple("" if name in ("N/A", "None") else name for name in labels)


def _trainable(network: Any) -> Any:  # noqa: ANN401 (a differentiable.Trainable; torch is not imported to be named)
    return import_module("unlossy.tasks.models.detection.hf_heads").trainable(network)
