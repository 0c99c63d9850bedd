"""A tiny model of each kind, built from a seed and saved in a folder as a user would have saved it."""

import json
from pathlib import Path

import numpy as np

from unlossy.tasks.models.torchvision_compat import ensure_torchvision

N_CLASSES = 7


def build_hf(folder: Path, seed: int) -> str:
    import torch

    ensure_torchvision()
    import transformers

    torch.manual_seed(seed)
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=N_CLASSES
    )
    network = transformers.ResNetForImageClassification(config)
    target = folder / f"hf{seed}"
    network.save_pretrained(target)
    processor = {
        "image_processor_type": "MobileNetV2ImageProcessor",
        "size": {"shortest_edge": 40},
        "crop_size": {"height": 32, "width": 32},
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.2, 0.25, 0.3],
    }
    (target / "preprocessor_config.json").write_text(json.dumps(processor))
    return f"hf:{target}"


def build_timm(folder: Path, seed: int) -> str:
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    file = folder / f"timm{seed}.safetensors"
    save_file(timm.create_model("test_resnet", num_classes=N_CLASSES).state_dict(), str(file))
    return f"timm:test_resnet@{file}"


def build_torchvision(folder: Path, seed: int) -> str:
    import torch
    import torchvision
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    file = folder / f"torchvision{seed}.safetensors"
    save_file(torchvision.models.squeezenet1_1(num_classes=N_CLASSES).state_dict(), str(file))
    return f"torchvision:squeezenet1_1@{file}"


def facts_json(**overrides) -> dict:
    """The JSON of the ONNX model below; `overrides` go into "input", but for "outputs" and "labels"."""
    image = {"name": "pixels", "layout": "NCHW", "channels": "RGB", "scale": "0..1", "size_hw": [16, 16]}
    image["resize"] = {"rule": "shortest_edge", "edge": 20, "filter": "bilinear", "then": "center_crop"}
    document = {"task": "classification", "input": image, "outputs": [{"name": "scores", "kind": "logits"}]}
    for key, value in overrides.items():
        (document if key in ("outputs", "labels", "task") else image)[key] = value
    return document


def mean_colour_onnx(
    file: Path, weights: np.ndarray, shape: tuple = ("batch", 3, 16, 16), axes: tuple = (2, 3), softmax: bool = False
) -> None:
    """An ONNX graph: mean over the picture, times `weights` (3, k), perhaps a softmax."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    last = "product" if softmax else "scores"
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], [last]),
    ]
    if softmax:
        nodes.append(helper.make_node("Softmax", [last], ["scores"], axis=-1))
    graph = helper.make_graph(
        nodes,
        "mean_colour",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, (shape[0], weights.shape[1]))],
        [
            numpy_helper.from_array(weights.astype(np.float32), "weights"),
            numpy_helper.from_array(np.array(axes, np.int64), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def build_onnx(folder: Path, seed: int) -> str:
    file = folder / f"onnx{seed}.onnx"
    mean_colour_onnx(file, np.random.default_rng(seed).normal(size=(3, N_CLASSES)))
    file.with_suffix(".json").write_text(json.dumps(facts_json()))
    return f"onnx:{file}"


def build_py(folder: Path, seed: int) -> str:
    source = f"""
import numpy as np
WEIGHTS = np.random.default_rng({seed}).normal(size=(3, {N_CLASSES}))
def classify(images):
    return np.stack([image.mean(axis=(0, 1)) / 255 @ WEIGHTS for image in images])
"""
    (folder / f"small_model_{seed}.py").write_text(source)
    return f"py:small_model_{seed}:classify"


BUILDERS = {"hf": build_hf, "timm": build_timm, "torchvision": build_torchvision, "onnx": build_onnx, "py": build_py}
