"""From a weights file to an ONNX graph: one that refers to the weights (ours ship so), or one that holds them.

Inputs `ycc` (b 3 h w, 0..1, sides multiples of 8), `tables` (b 2 8 8), `known` (b), `sampling` (b 2), output
`corrected`, as in `nets.unet.UNet.forward`. Weights stay in half precision in the file and are widened by a Cast when
it is loaded.
"""

import argparse
import hashlib
import json
import struct
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import torch

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.correctors.card import card
from unlossy.correctors.limits import ARCHITECTURE
from unlossy.correctors.nets.sizes import load_network
from unlossy.correctors.nets.unet import STRIDE, UNet
from unlossy.correctors.nets.weights_file import load_weights
from unlossy.correctors.onnx_runtime import INPUTS, OUTPUT
from unlossy.correctors.torch_runtime import bytes_per_pixel, reach_px
from unlossy.correctors.weights_place import FOLDER

OPSET: Final = 17
_ONNX_FLOAT, _ONNX_FLOAT16, _EXTERNAL = 1, 10, 1


def export_onnx(weights: Path, output: Path, *, self_contained: bool = True) -> None:
    """Nothing; `output` holds the graph of a weights file.

    Args:
        weights: a safetensors file of ours.
        output: the ONNX file; where it is not self-contained it must lie beside the weights.
        self_contained: with the weights inside, or referring to them.

    Raises:
        UsageError: the weights are not ours, or `output` is elsewhere or cannot be written.
        MissingDependency: onnx is not installed.
    """
    onnx = require("onnx", "train", "exporting an ONNX file")
    if not self_contained and output.resolve().parent != weights.resolve().parent:
        raise UsageError(f"{output}: a graph that refers to its weights must lie beside {weights}")
    network = load_network(weights)
    model = onnx.load_model_from_string(_traced(network))
    data = weights.read_bytes()
    location = "" if self_contained else weights.name
    _halve(onnx, model, data, location)
    onnx.helper.set_model_props(model, _metadata(network, location, data, load_weights(weights)[1].get("guards", "")))
    onnx.checker.check_model(model) if self_contained else None
    try:
        output.write_bytes(model.SerializeToString())
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from error


def _traced(network: UNet) -> bytes:
    """The graph with float32 weights under their own names."""
    example = (torch.zeros(2, 3, 32, 24), torch.ones(2, 2, 8, 8), torch.ones(2), torch.ones(2, 2))
    axes = {name: {0: "batch"} for name in (*INPUTS, OUTPUT)}
    axes["ycc"] |= {2: "height", 3: "width"}
    axes[OUTPUT] |= {2: "height", 3: "width"}
    buffer = BytesIO()
    with warnings.catch_warnings():
        # the newer exporter needs a package more, and renames the weights
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            example,
            buffer,  # type: ignore[arg-type]
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes=axes,
            opset_version=OPSET,
            do_constant_folding=False,
            dynamo=False,
        )
    return buffer.getvalue()


def _metadata(network: UNet, location: str, data: bytes, guards: str) -> dict[str, str]:
    return {
        "unlossy_architecture": ARCHITECTURE,
        "stride_px": str(STRIDE),
        "reach_px": str(reach_px(network.shape)),
        "bytes_per_pixel": str(bytes_per_pixel(network.shape)),
        "weights": location,
        "weights_sha256": hashlib.sha256(data).hexdigest(),
        "guards": guards,
    }


def _halve(onnx: Any, model: Any, data: bytes, location: str) -> None:  # noqa: ANN401 (onnx is not typed)
    """Replaces each weight by its half precision in the safetensors bytes, inside or by reference, and a Cast."""
    (header_bytes,) = struct.unpack_from("<Q", data)
    entries: dict[str, Any] = json.loads(data[8 : 8 + header_bytes])
    halves, casts = [], []
    for weight in model.graph.initializer:
        entry = entries.get(weight.name)
        if entry is None or entry["dtype"] != "F16":
            halves.append(weight)
            continue
        start, end = (8 + header_bytes + offset for offset in entry["data_offsets"])
        half = onnx.TensorProto(name=f"{weight.name}.half", data_type=_ONNX_FLOAT16, dims=entry["shape"])
        _fill(half, data[start:end], {"location": location, "offset": str(start), "length": str(end - start)})
        halves.append(half)
        casts.append(onnx.helper.make_node("Cast", [half.name], [weight.name], to=_ONNX_FLOAT))
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(halves)
    model.graph.node.extend(casts + nodes)


def _fill(tensor: Any, data: bytes, place: Mapping[str, str]) -> None:  # noqa: ANN401
    """The tensor holds its bytes, or says where they lie."""
    if not place["location"]:
        tensor.raw_data = data
        return
    tensor.data_location = _EXTERNAL
    for key, value in place.items():
        tensor.external_data.add(key=key, value=value)


def ship(weights: Path, name: str, folder: Path = FOLDER, note: str = "") -> None:
    """Nothing; `folder` holds a copy of the weights as NAME.safetensors, the graph NAME.onnx that refers to it, a card.

    The card NAME.md is made of what the weights and the RUN they come from tell, and of `note`.
    """
    load_network(weights)
    folder.mkdir(exist_ok=True)
    copy = folder / f"{name}.safetensors"
    copy.write_bytes(weights.read_bytes())
    export_onnx(copy, copy.with_suffix(".onnx"), self_contained=False)
    copy.with_suffix(".md").write_text(card(name, weights, note), "utf-8")


if __name__ == "__main__":
    _options = argparse.ArgumentParser(prog="python -m unlossy.correctors.export")
    _options.add_argument("--ship", nargs=2, metavar=("WEIGHTS", "NAME"), required=True)
    _options.add_argument("--note", default="", help="for the card: machine, hours, what the runs before this one were")
    _chosen = _options.parse_args()
    ship(Path(_chosen.ship[0]), _chosen.ship[1], note=_chosen.note)
