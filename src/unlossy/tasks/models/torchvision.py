"""`torchvision:NAME@FILE`: torchvision's architectures with weights from a local safetensors file.

torchvision's own weights are pickles, which are never opened here; most of them stand on the hub as safetensors under
`timm:NAME.tv_in1k`. The preprocessing is that of the architecture's default weights, unless a JSON file of the weights'
name stands beside them and names them as its "file" (the format of onnx models, layout aside).
"""

from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.tasks.models.assembled import AssembledClassifier
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.facts import read_facts, stated_file
from unlossy.tasks.models.preprocess import Preprocess
from unlossy.tasks.models.safetensors_file import load_strictly, read_weights
from unlossy.tasks.models.tabulated import tabulated
from unlossy.tasks.models.torch_answer import torch_answer, torch_trainable
from unlossy.tasks.models.torchvision_files import architecture


def load(name: str, *, spec: str, threads: int | None, device: str = "cpu") -> AssembledClassifier:
    """The classifier that torchvision calls NAME; as many classes as FILE has. Raises UsageError, MissingDependency."""
    found = architecture(
        name,
        spec=spec,
        what="classifier",
        known=lambda models: models.list_models(module=models),
        advice="Use timm:{name}.tv_in1k where timm has it, or convert them",
    )
    models, model, file = found.models, found.name, found.weights
    network, n_classes = _network(models, model, file)
    preprocess, labels = _preprocess(models, model, file)
    return AssembledClassifier(
        spec=spec,
        digest=model_digest([file], {"torchvision": model, "preprocess": asdict(preprocess)}),
        labels=labels if labels is not None and len(labels) == n_classes else None,
        n_classes=n_classes,
        libraries=("torchvision", "torch", "Pillow"),
        resize_rgb=preprocess.resize,
        normalise_rgb=tabulated(preprocess.normalise),
        answer=torch_answer(network, lambda output: output, threads, device),
        trainable=torch_trainable(network, lambda output: output),
    )


def _network(models: ModuleType, model: str, file: Path) -> tuple[Any, int]:
    tensors = read_weights(file, "torchvision")
    n_classes = _n_classes(models, model, tensors, file)
    network = models.get_model(model, weights=None, num_classes=n_classes, **options(model))
    load_strictly(network, tensors, f"torchvision's {model!r}")
    return network, n_classes


def options(model: str) -> dict[str, Any]:
    """What two architectures need: no slow random start, and the input scaling that their pretrained weights expect."""
    return {"init_weights": False, "transform_input": True} if model in ("googlenet", "inception_v3") else {}


def _n_classes(models: ModuleType, model: str, tensors: dict[str, Any], file: Path) -> int:
    # The head is what changes its shape with the number of classes; "meta" tensors hold no memory.
    torch = require("torch", "torchvision", f"torchvision's {model!r}")
    with torch.device("meta"):
        small, large = (
            models.get_model(model, weights=None, num_classes=n, **options(model)).state_dict() for n in (2, 3)
        )
    head = [key for key in small if small[key].shape != large[key].shape]
    sizes = {int(tensors[key].shape[0]) for key in head if key in tensors}
    if len(sizes) != 1:
        raise UsageError(f"{file}: holds no classifier of {model!r} (looked for {', '.join(head)})")
    return sizes.pop()


def _preprocess(models: ModuleType, model: str, file: Path) -> tuple[Preprocess, tuple[str, ...] | None]:
    beside = file.with_suffix(".json")
    if stated_file(beside) == file.name:
        facts = read_facts(beside)
        return facts.preprocess, facts.labels
    weights = models.get_model_weights(model).DEFAULT
    preset = weights.transforms()
    crop, edge = int(preset.crop_size[0]), int(preset.resize_size[0])
    preprocess = Preprocess(
        size_hw=(crop, crop),
        edge=edge,
        filter=preset.interpolation.value,
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )
    return preprocess, tuple(weights.meta.get("categories", ())) or None
