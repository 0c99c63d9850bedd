"""A tiny detector of each kind. Those for onnx and py find the bright rectangle on a dark picture, and answer with NaN
to an all-white one; the others have random weights.
"""

import json
from pathlib import Path

import numpy as np

from unlossy.tasks.models.torchvision_compat import ensure_torchvision

LABELS = ["box", "big box"]


def rectangle(height=60, width=90, box=(20, 10, 50, 40)):
    """A dark picture with a bright rectangle at x1, y1, x2, y2."""
    image = np.full((height, width, 3), 20, np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = 240
    return image


def facts_json(**overrides) -> dict:
    image = {"name": "pixels", "channels": "RGB", "scale": "0..1", "size_hw": [120, 180]}
    image["resize"] = {"rule": "stretch", "filter": "nearest"}
    document = {
        "task": "detection",
        "input": image,
        "outputs": [{"name": name, "kind": name} for name in ("boxes", "scores", "labels")],
        "decoder": {"name": "detections", "score_threshold": 0.3},
        "labels": LABELS,
    }
    for key, value in overrides.items():
        (image if key in image or key in ("layout",) else document)[key] = value
    return document


def rectangle_onnx(file: Path, size_hw=(120, 180), batch="batch") -> None:
    """A graph that gives the box of what is brighter than half, its brightness as score (0/0 where all is white)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node
    nodes = [
        node("ReduceMax", ["pixels", "channel"], ["bright"], keepdims=0),
        node("Greater", ["bright", "half"], ["on"]),
        node("Cast", ["on"], ["is"], to=TensorProto.FLOAT),
        node("ReduceMax", ["is", "across"], ["rows"], keepdims=0),
        node("ReduceMax", ["is", "down"], ["columns"], keepdims=0),
    ]
    for axis, name in (("columns", "x"), ("rows", "y")):
        nodes += [
            node("ArgMax", [axis], [f"{name}1i"], axis=1, keepdims=1),
            node("ArgMax", [axis], [f"{name}2i"], axis=1, keepdims=1, select_last_index=1),
            node("Cast", [f"{name}1i"], [f"{name}1"], to=TensorProto.FLOAT),
            node("Cast", [f"{name}2i"], [f"{name}2last"], to=TensorProto.FLOAT),
            node("Add", [f"{name}2last", "one"], [f"{name}2"]),
        ]
    nodes += [
        node("Concat", ["x1", "y1", "x2", "y2"], ["flat"], axis=1),
        node("Unsqueeze", ["flat", "channel"], ["boxes"]),
        node("ReduceMax", ["bright", "picture"], ["peak"], keepdims=0),
        node("ReduceMean", ["pixels", "all"], ["mean"], keepdims=0),
        node("Sub", ["one", "mean"], ["dark"]),
        node("Div", ["dark", "dark"], ["one_or_nan"]),
        node("Mul", ["peak", "one_or_nan"], ["flat_scores"]),
        node("Unsqueeze", ["flat_scores", "channel"], ["scores"]),
        node("Mul", ["x1i", "none"], ["labels"]),
    ]
    axes = {"channel": [1], "across": [2], "down": [1], "picture": [1, 2], "all": [1, 2, 3], "none": [0]}
    constants = [numpy_helper.from_array(np.array(values, np.int64), name) for name, values in axes.items()]
    constants += [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in (("half", 0.5), ("one", 1.0))]
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, (batch, 1, 4)),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, (batch, 1)),
        helper.make_tensor_value_info("labels", TensorProto.INT64, (batch, 1)),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, (batch, 3, *size_hw))
    graph = helper.make_graph(nodes, "rectangle", [pixels], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def build_onnx(folder: Path) -> str:
    file = folder / "rectangle.onnx"
    rectangle_onnx(file)
    file.with_suffix(".json").write_text(json.dumps(facts_json()))
    return f"onnx:{file}"


PY_SOURCE = f"""
import numpy as np

def detect(images):
    return [one(image) for image in images]

def one(image):
    on = image.max(axis=2) > 127
    if not on.any():
        return np.zeros((0, 4)), [], [], np.zeros((0, *on.shape), bool)
    ys, xs = np.flatnonzero(on.any(axis=1)), np.flatnonzero(on.any(axis=0))
    with np.errstate(invalid="ignore"):
        score = np.float32(image.max() / 255) * np.float32(255 - image.mean()) / np.float32(255 - image.mean())
    return {{"boxes_xyxy": [[xs[0], ys[0], xs[-1] + 1, ys[-1] + 1]], "scores": [score], "labels": [0], "masks": [on]}}

detect.labels = {LABELS!r}
detect.gives_masks = True
"""


def build_py(folder: Path) -> str:
    (folder / "rectangle_finder.py").write_text(PY_SOURCE)
    return "py:rectangle_finder:detect"


def build_hf(folder: Path, kind: str = "yolos") -> str:
    import torch

    ensure_torchvision()
    import transformers as t

    torch.manual_seed(3)
    size = {"height": 64, "width": 64}
    small = {"d_model": 16, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "decoder_layers": 1}
    resnet = t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {name: n for n, name in enumerate(LABELS)}}
    if kind == "yolos":
        config = t.YolosConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=[64, 64],
            num_detection_tokens=9,
            **names,
        )
        network, processor = t.YolosForObjectDetection(config), t.YolosImageProcessorPil(size=size)
    elif kind == "detr":
        config = t.DetrConfig(
            use_timm_backbone=False,
            use_pretrained_backbone=False,
            backbone=None,
            backbone_config=resnet,
            num_queries=9,
            encoder_layers=1,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            **small,
            **names,
        )
        network = t.DetrForObjectDetection(config)
        processor = t.DetrImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96})
    elif kind == "mask2former":
        swin = t.SwinConfig(embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=2, image_size=64)
        swin.out_features = ["stage1", "stage2", "stage3", "stage4"]
        config = t.Mask2FormerConfig(
            backbone_config=swin,
            feature_size=32,
            mask_feature_size=32,
            hidden_dim=32,
            encoder_feedforward_dim=16,
            dim_feedforward=16,
            encoder_layers=1,
            decoder_layers=2,
            num_attention_heads=2,
            num_queries=9,
            **names,
        )
        network = t.Mask2FormerForUniversalSegmentation(config)
        processor = t.Mask2FormerImageProcessorPil(size=size)
    else:
        backbone = t.RTDetrResNetConfig(
            embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1] * 4, layer_type="basic", out_indices=[2, 3, 4]
        )
        hybrid = {
            "encoder_hidden_dim": 16,
            "encoder_in_channels": [8, 16, 16],
            "decoder_in_channels": [16, 16, 16],
            "encoder_ffn_dim": 32,
            "decoder_ffn_dim": 32,
            "num_queries": 9,
            "num_denoising": 0,
            "encoder_attention_heads": 2,
        }
        shared = {
            "d_model": 16,
            "decoder_attention_heads": 2,
            "decoder_layers": 2,
            "eval_size": None,
            "depth_mult": 1.0,
        }
        if kind == "rt_detr":
            shared.pop("depth_mult")
            config = t.RTDetrConfig(backbone_config=backbone, **hybrid, **shared, **names)
            network = t.RTDetrForObjectDetection(config)
        else:
            config = t.DFineConfig(backbone_config=backbone, **hybrid, **shared, **names)
            network = t.DFineForObjectDetection(config)
        processor = t.RTDetrImageProcessorPil(size=size)
    target = folder / f"hf_{kind}"
    network.save_pretrained(target)
    processor.save_pretrained(target)
    return f"hf:{target}"


def build_torchvision(folder: Path, model: str = "ssdlite320_mobilenet_v3_large") -> str:
    import torch
    from safetensors.torch import save_file

    ensure_torchvision()
    import torchvision

    torch.manual_seed(3)
    network = torchvision.models.get_model(model, weights=None, weights_backbone=None, num_classes=3)
    file = folder / f"{model}.safetensors"
    save_file(network.state_dict(), str(file))
    file.with_suffix(".json").write_text(json.dumps({"file": file.name, "labels": ["", *LABELS]}))
    return f"torchvision:{model}@{file}"


BUILDERS = {"hf": build_hf, "torchvision": build_torchvision, "onnx": build_onnx, "py": build_py}
