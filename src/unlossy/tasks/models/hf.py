"""`hf:PATH_OR_ID`: image classifiers of transformers, with the image processor saved beside the weights."""

from typing import Any

from unlossy.tasks.models.assembled import AssembledClassifier
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
from unlossy.tasks.models.torch_answer import torch_answer, torch_trainable


def load(name: str, *, spec: str, threads: int | None, device: str = "cpu") -> AssembledClassifier:
    """The classifier in a folder written by save_pretrained, or of a hub id; raises UsageError, MissingDependency."""
    folder = model_folder(name)
    transformers = transformers_for(spec)
    with quiet(transformers), as_usage_error(spec, "an image classifier"):
        processor = load_processor(transformers, folder)
        network = load_weights(transformers.AutoModelForImageClassification, folder, "classifier")
    resize, normalise = halves(processor)
    return AssembledClassifier(
        spec=spec,
        digest=folder_digest(folder),
        labels=labels_of(network.config),
        n_classes=int(network.config.num_labels),
        libraries=("transformers", "torch", "torchvision", "Pillow"),
        resize_rgb=resize,
        normalise_rgb=tabulated(normalise),
        answer=torch_answer(network, lambda output: output.logits, threads, device),
        trainable=torch_trainable(network, lambda output: output.logits),
    )


def labels_of(config: Any) -> tuple[str, ...] | None:  # noqa: ANN401 (transformers is typed loosely)
    """The class names in the order of the outputs; None where the config has only placeholders."""
    names = [config.id2label.get(index) for index in range(config.num_labels)]
    if all(name in (None, f"LABEL_{index}") for index, name in enumerate(names)):
        return None
    return tuple(str(name) for name in names)
