"""`timm:NAME[@FILE]`: timm's models with the preprocessing of their pretrained tag; weights from FILE or the hub."""

import difflib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.core.errors import UsageError
from unlossy.core.pixels import from_pil, to_pil
from unlossy.core.tools import require
from unlossy.tasks.models.assembled import AssembledClassifier
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.hub import hub_folder
from unlossy.tasks.models.preprocess import refuse_sliver
from unlossy.tasks.models.safetensors_file import load_strictly, read_weights, split_name
from unlossy.tasks.models.tabulated import tabulated
from unlossy.tasks.models.torch_answer import torch_answer, torch_trainable
from unlossy.tasks.models.torchvision_compat import ensure_torchvision


def load(name: str, *, spec: str, threads: int | None, device: str = "cpu") -> AssembledClassifier:
    """The classifier that timm calls NAME, with the classes its weights have; raises UsageError, MissingDependency."""
    model, file = split_name(name)
    require("torch", "timm", f"the model {spec!r}")
    ensure_torchvision()
    timm = require("timm", "timm", f"the model {spec!r}")
    require("timm.data", "timm", f"the model {spec!r}")
    _check_name(timm, model)
    weights = file if file is not None else _hub_weights(timm, model)
    network = _network(timm, model, weights)
    settings = timm.data.resolve_model_data_config(network)
    resize, normalise = _halves(timm.data.create_transform(**settings, is_training=False))
    return AssembledClassifier(
        spec=spec,
        digest=model_digest([weights], {"timm": model, "data": json.loads(json.dumps(settings, default=str))}),
        labels=None,
        n_classes=int(network.num_classes),
        libraries=("timm", "torch", "torchvision", "Pillow"),
        resize_rgb=resize,
        normalise_rgb=tabulated(normalise),
        answer=torch_answer(network, lambda output: output, threads, device),
        trainable=torch_trainable(network, lambda output: output),
    )


def _check_name(timm: ModuleType, model: str) -> None:
    if timm.is_model(model) and (model.partition(".")[2] == "" or model in timm.list_pretrained(model)):
        return
    known = [*timm.list_models(), *timm.list_pretrained()]
    near = difflib.get_close_matches(model, known, n=4, cutoff=0.5)
    hint = f"Near it: {', '.join(near)}" if near else "timm.list_models() lists them"
    raise UsageError(f"timm has no model {model!r}. {hint}")


def _hub_weights(timm: ModuleType, model: str) -> Path:
    settings = timm.models.get_pretrained_cfg(model)
    repo_id = getattr(settings, "hf_hub_id", None)
    if not repo_id:
        raise UsageError(
            f"timm has no safetensors weights for {model!r}: give your own as timm:{model}@FILE.safetensors"
        )
    # A hub id of "timm/" stands for the repository of the model's full name.
    repo_id = f"timm/{settings.architecture}.{settings.tag}" if repo_id == "timm/" else repo_id
    return hub_folder(repo_id, ["model.safetensors"], "model.safetensors") / "model.safetensors"


def _network(timm: ModuleType, model: str, weights: Path) -> Any:  # noqa: ANN401 (timm is typed loosely)
    tensors = read_weights(weights, "timm")
    settings = timm.models.get_pretrained_cfg(model)
    head = settings.classifier if settings is not None else None
    heads = [head] if isinstance(head, str) else list(head or ())
    sizes = {int(tensors[f"{head}.weight"].shape[0]) for head in heads if f"{head}.weight" in tensors}
    if len(sizes) != 1:
        raise UsageError(f"{weights}: holds no classifier of {model!r} (looked for {', '.join(heads) or 'its head'})")
    network = timm.create_model(model, pretrained=False, num_classes=sizes.pop())
    load_strictly(network, tensors, f"timm's {model!r}")
    return network


def _halves(
    transform: Any,  # noqa: ANN401 (a torchvision Compose)
) -> tuple[
    Callable[[UInt8[np.ndarray, "h w 3"]], UInt8[np.ndarray, "h2 w2 3"]],
    Callable[[UInt8[np.ndarray, "h w 3"]], Float32[np.ndarray, "3 h w"]],
]:
    steps = list(transform.transforms)
    # Geometry ends where Pillow images become tensors.
    border = next(i for i, step in enumerate(steps) if "Tensor" in type(step).__name__)

    def resize(image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        refuse_sliver(image_hwc)
        image = to_pil(image_hwc)
        for step in steps[:border]:
            image = step(image)
        return from_pil(image)

    def normalise(image_hwc: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "3 h w"]:
        values: Any = to_pil(image_hwc)
        for step in steps[border:]:
            values = step(values)
        return np.ascontiguousarray(values.numpy())

    return resize, normalise
