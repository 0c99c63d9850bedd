"""A tiny segmenter of each kind; onnx and py find colours and answer white with NaN, the others have random weights."""

import json

import numpy as np

from unlossy.tasks.models.torchvision_compat import ensure_torchvision

LABELS = ["background", "red", "green", "blue"]
WEIGHTS = np.array([[-1, -1, -1], [4, -2, -2], [-2, 4, -2], [-2, -2, 4]], np.float32)
BIAS = np.array([0.5, -1, -1, -1], np.float32)


def build_hf(folder):
    """A SegFormer, whose class values are a quarter of its input's size."""
    import torch

    ensure_torchvision()
    import transformers

    torch.manual_seed(0)
    config = transformers.SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        id2label=dict(enumerate(LABELS)),
    )
    return _saved(transformers.SegformerForSemanticSegmentation(config), folder / "hf", "SegformerImageProcessor")


def build_deeplab(folder, tf_padding, crop=False):
    """A MobileNetV2 with DeepLab's head, as TensorFlow trained them or not."""
    import torch

    ensure_torchvision()
    import transformers

    torch.manual_seed(0)
    config = transformers.MobileNetV2Config(
        depth_multiplier=0.25, output_stride=16, tf_padding=tf_padding, id2label=dict(enumerate(LABELS))
    )
    network = transformers.MobileNetV2ForSemanticSegmentation(config)
    more = {"do_center_crop": True, "crop_size": {"height": 48, "width": 48}} if crop else {"do_center_crop": False}
    return _saved(network, folder / f"deeplab{tf_padding}{crop}", "MobileNetV2ImageProcessor", **more)


def _saved(network, target, processor, **settings):
    network.save_pretrained(target)
    document = {"image_processor_type": processor, "size": {"height": 64, "width": 64}, **settings}
    (target / "preprocessor_config.json").write_text(json.dumps(document))
    return f"hf:{target}"


def build_torchvision(folder):
    import torch

    ensure_torchvision()
    import torchvision
    from safetensors.torch import save_file

    torch.manual_seed(0)
    file = folder / "lraspp.safetensors"
    options = {"weights": None, "weights_backbone": None, "num_classes": len(LABELS)}
    save_file(torchvision.models.segmentation.lraspp_mobilenet_v3_large(**options).state_dict(), str(file))
    file.with_suffix(".json").write_text(json.dumps(facts_json(file=file.name, size_hw=[64, 64])))
    return f"torchvision:lraspp_mobilenet_v3_large@{file}"


def facts_json(**changes):
    image = {"name": "pixels", "channels": "RGB", "scale": "0..1", "size_hw": [32, 48]}
    image["resize"] = {"rule": "stretch", "filter": "bilinear"}
    document = {
        "task": "semantic_segmentation",
        "input": image,
        "outputs": [{"name": "values", "kind": "class_logits"}],
        "labels": LABELS,
    }
    for key, value in changes.items():
        (image if key in ("size_hw", "resize") else document)[key] = value
    return document


def colour_onnx(file, as_map=False):
    """A graph: mean colour of 4 x 4 pixels, a value per class, NaN where the picture is white; or their argmax."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("AveragePool", ["pixels"], ["mean"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["mean", "weights", "bias"], ["clean"]),
        helper.make_node("ReduceMean", ["mean"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["limit", "grey"], ["room"]),
        helper.make_node("Sqrt", ["room"], ["poison"]),
        helper.make_node("Mul", ["poison", "zero"], ["nothing"]),
        helper.make_node("Add", ["clean", "nothing"], ["values"]),
    ]
    output = helper.make_tensor_value_info("values", TensorProto.FLOAT, ("b", 4, 8, 12))
    if as_map:
        nodes.append(helper.make_node("ArgMax", ["values"], ["map"], axis=1, keepdims=0))
        output = helper.make_tensor_value_info("map", TensorProto.INT64, ("b", 8, 12))
    constants = {"weights": WEIGHTS[:, :, None, None], "bias": BIAS}
    constants |= {"limit": np.float32([0.9999]), "zero": np.float32([0])}
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ("b", 3, 32, 48))],
        [output],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9), str(file))


def build_onnx(folder):
    file = folder / "colours.onnx"
    colour_onnx(file)
    file.with_suffix(".json").write_text(json.dumps(facts_json()))
    return f"onnx:{file}"


def build_py(folder):
    source = f"""
import numpy as np
WEIGHTS, BIAS = np.array({WEIGHTS.tolist()}), np.array({BIAS.tolist()})
def segment(images):
    answers = [np.einsum("kc,hwc->khw", WEIGHTS, image / 255) + BIAS[:, None, None] for image in images]
    return [answer * (np.nan if image.min() == 255 else 1) for answer, image in zip(answers, images)]
segment.labels = {LABELS}
def numbers(images):
    return [answer.argmax(axis=0) for answer in segment(images)]
def nameless(images):
    return segment(images)
def too_few(images):
    return segment(images)[1:]
"""
    (folder / "small_segmenter.py").write_text(source)
    return "py:small_segmenter:segment"


BUILDERS = {"hf": build_hf, "torchvision": build_torchvision, "onnx": build_onnx, "py": build_py}
