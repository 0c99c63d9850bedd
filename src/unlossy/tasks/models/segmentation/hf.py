"""`hf:PATH_OR_ID`: semantic segmenters of transformers (SegFormer, MobileNetV2 with DeepLab's head, ...).

The geometry is the processor's own but for a centre crop, which is left out: these networks take any size, and what is
cropped off would have no answer. Class values are upsampled as `post_process_semantic_segmentation` does it, by
centres; those of weights from TensorFlow (`tf_padding` in their config) with corners aligned, as TensorFlow's DeepLab
does it, on which they were trained.
"""

from typing import Any

from unlossy.core.errors import UsageError
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
from unlossy.tasks.models.segmentation.base import AssembledSegmenter, prove_whole
from unlossy.tasks.models.segmentation.torch_network import torch_trainable, torch_values
from unlossy.tasks.models.tabulated import tabulated


def load(name: str, *, spec: str, threads: int | None, device: str = "cpu") -> AssembledSegmenter:
    """The segmenter in a folder written by save_pretrained, or of a hub id; raises UsageError, MissingDependency."""
    folder = model_folder(name)
    transformers = transformers_for(spec)
    with quiet(transformers), as_usage_error(spec, "a semantic segmenter"):
        processor = load_processor(transformers, folder)
        if getattr(processor, "do_center_crop", False):
            processor.do_center_crop = False
        network = load_weights(transformers.AutoModelForSemanticSegmentation, folder, "semantic segmenter")
        if not hasattr(network.config, "num_labels"):
            raise UsageError("its config does not say how many classes it has")
        resize, normalise = halves(processor)
    prove_whole(resize, spec)
    return AssembledSegmenter(
        spec=spec,
        digest=folder_digest(folder),
        labels=_labels(network.config),
        n_classes=int(network.config.num_labels),
        libraries=("transformers", "torch", "torchvision", "Pillow"),
        resize_rgb=resize,
        normalise_rgb=tabulated(normalise),
        answer=torch_values(network, _logits, threads, device),
        align_corners=bool(getattr(network.config, "tf_padding", False)),
        trainable=torch_trainable(network, _logits),
    )


def _logits(output: Any) -> Any:  # noqa: ANN401 (transformers is typed loosely)
    return output.logits


def _labels(config: Any) -> tuple[str, ...] | None:  # noqa: ANN401
    names = [config.id2label.get(number) for number in range(config.num_labels)]
    if all(name in (None, f"LABEL_{number}") for number, name in enumerate(names)):
        return None
    return tuple(str(name) for name in names)
