"""`torchvision:NAME@FILE`: torchvision's segmentation architectures with weights from a local safetensors file.

The preprocessing is that of the architecture's default weights (short edge 520, ImageNet's mean and deviation), and so
are the class names where their number fits, unless a JSON file of the weights' name stands beside them and names them
as its "file" (the format of onnx models, layout and outputs aside).
"""

from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.facts import stated_file
from unlossy.tasks.models.preprocess import Preprocess
from unlossy.tasks.models.safetensors_file import load_strictly, read_weights
from unlossy.tasks.models.segmentation.base import AssembledSegmenter, prove_whole
from unlossy.tasks.models.segmentation.facts import read_segmenter_facts
from unlossy.tasks.models.segmentation.torch_network import torch_trainable, torch_values
from unlossy.tasks.models.tabulated import tabulated
from unlossy.tasks.models.torchvision_files import architecture

HEAD = "classifier."
AUXILIARY = "aux_classifier."


def load(name: str, *, spec: str, threads: int | None, device: str = "cpu") -> AssembledSegmenter:
    """The segmenter that torchvision calls NAME; as many classes as FILE has. Raises UsageError, MissingDependency."""
    found = architecture(
        name, spec=spec, what="semantic segmenter", known=lambda models: models.list_models(module=models.segmentation)
    )
    models, model, file = found.models, found.name, found.weights
    network, n_classes = _network(models, model, file)
    preprocess, labels = _preprocess(models, model, file)
    prove_whole(preprocess.resize, spec)
    return AssembledSegmenter(
        spec=spec,
        digest=model_digest([file], {"torchvision": model, "preprocess": asdict(preprocess)}),
        labels=labels if labels is not None and len(labels) == n_classes else None,
        n_classes=n_classes,
        libraries=("torchvision", "torch", "Pillow"),
        resize_rgb=preprocess.resize,
        normalise_rgb=tabulated(preprocess.normalise),
        answer=torch_values(network, _logits, threads, device),
        trainable=torch_trainable(network, _logits),
    )


def _logits(output: Any) -> Any:  # noqa: ANN401 (torchvision is not typed)
    return output["out"]


def _network(models: ModuleType, model: str, file: Path) -> tuple[Any, int]:
    tensors = read_weights(file, "torchvision")
    torch = require("torch", "torchvision", f"torchvision's {model!r}")
    auxiliary = {"aux_loss": any(key.startswith(AUXILIARY) for key in tensors)}
    options = {"weights": None, "weights_backbone": None, **auxiliary}
    with torch.device("meta"):  # the head is what changes its shape with the number of classes
        two, three = (models.get_model(model, num_classes=n, **options).state_dict() for n in (2, 3))
    head = [key for key in two if key.startswith(HEAD) and two[key].shape != three[key].shape]
    sizes = {int(tensors[key].shape[0]) for key in head if key in tensors}
    if len(sizes) != 1:
        raise UsageError(f"{file}: holds no segmenter of {model!r} (looked for {', '.join(head)})")
    n_classes = sizes.pop()
    network = models.get_model(model, num_classes=n_classes, **options)
    load_strictly(network, tensors, f"torchvision's {model!r}")
    return network, n_classes


def _preprocess(models: ModuleType, model: str, file: Path) -> tuple[Preprocess, tuple[str, ...] | None]:
    beside = file.with_suffix(".json")
    if stated_file(beside) == file.name:
        facts = read_segmenter_facts(beside)
        return facts.preprocess, facts.labels
    weights = models.get_model_weights(model).DEFAULT
    preset = weights.transforms()
    preprocess = Preprocess(
        size_hw=None,
        edge=int(preset.resize_size[0]),
        center_crop=False,
        filter=preset.interpolation.value,
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )
    return preprocess, tuple(weights.meta.get("categories", ())) or None
