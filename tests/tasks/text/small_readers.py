"""Readers whose right answer is known: the grey of a pixel column says its character."""

import json
from pathlib import Path

import numpy as np

ALPHABET = "ABCDEFG"
STEP = 30
"""Grey levels from one character to the next; 0 is the blank, white (255) is what makes the network answer NaN."""
HEIGHT = 8


def picture_of(text: str, height: int = HEIGHT, gap: int = 2) -> np.ndarray:
    """Each character as three columns of its grey, with black columns between."""
    columns = [0] * 2
    for character in text:
        columns += [STEP * (ALPHABET.index(character) + 1)] * 3 + [0] * gap
    grey = np.tile(np.array(columns, np.uint8), (height, 1))
    return np.repeat(grey[:, :, None], 3, axis=2)


def facts_json(**overrides) -> dict:
    """The JSON of the network below; `overrides` go into "input", but for the top level's own."""
    image = {"channels": "L", "scale": "0..255", "size_hw": [HEIGHT, None]}
    image["resize"] = {"rule": "height", "filter": "nearest"}
    document = {"task": "text", "input": image, "outputs": [{"kind": "logits", "axes": "tbk"}]}
    document |= {"decoder": {"name": "ctc", "blank": 0}, "alphabet": ALPHABET}
    for key, value in overrides.items():
        (document if key in document else image)[key] = value
    return document


def column_reader(file: Path, batch: int | str = "b", width: int | str = "w", steps_first: bool = True) -> None:
    """An ONNX graph: -(mean of a column - a character's grey)^2 / 100, NaN in a picture with white columns."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    n_classes = len(ALPHABET) + 1
    levels = (STEP * np.arange(n_classes)).astype(np.float32)
    order, axes = ((1, 0, 2), (width, batch)) if steps_first else ((0, 1, 2), (batch, width))
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["means", "last"], ["columns"]),
        helper.make_node("Sub", ["columns", "levels"], ["off"]),
        helper.make_node("Mul", ["off", "off"], ["squared"]),
        helper.make_node("Mul", ["squared", "scale"], ["answer"]),
        helper.make_node("Sub", ["bound", "columns"], ["room"]),
        helper.make_node("Sqrt", ["room"], ["root"]),
        helper.make_node("Mul", ["root", "zero"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["sum"]),
        helper.make_node("Transpose", ["sum"], ["logits"], perm=order),
    ]
    constants = {
        "last": np.array([2], np.int64),
        "levels": levels,
        "scale": np.array(-0.01, np.float32),
        "bound": np.array(250, np.float32),
        "zero": np.array(0, np.float32),
    }
    graph = helper.make_graph(
        nodes,
        "column_reader",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, (batch, 1, HEIGHT, width))],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, (*axes, n_classes))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def build_onnx(folder: Path) -> str:
    file = folder / "columns.onnx"
    column_reader(file)
    file.with_suffix(".json").write_text(json.dumps(facts_json()))
    return f"onnx:{file}"


SOURCE = f"""
import numpy as np
def read(images):
    return [_read(image) for image in images]
def _read(image):
    grey = image[:, :, 0].mean(axis=0)
    if (grey > 250).any():
        raise ValueError("too white")
    numbers = np.rint(grey / {STEP}).astype(int)
    first = np.concatenate([[True], numbers[1:] != numbers[:-1]])
    return "".join({ALPHABET!r}[number - 1] for number in numbers[first] if 0 < number <= {len(ALPHABET)}), 0.5
"""


def build_py(folder: Path) -> str:
    (folder / "column_reader.py").write_text(SOURCE)
    return "py:column_reader:read"


BUILDERS = {"onnx": build_onnx, "py": build_py, "tesseract": lambda folder: "tesseract:eng"}
