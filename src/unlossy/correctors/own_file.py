"""Correctors of our own architecture from a file: weights (.safetensors) or an exported graph (.onnx).

Weights run in ONNX Runtime where a graph made for them lies beside them under the same name, else in torch.
"""

import math
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from unlossy.core.errors import UsageError
from unlossy.core.tools import digest_of, require
from unlossy.correctors.base import Corrector, Network
from unlossy.correctors.guards import stated_guards
from unlossy.correctors.guided import GuidedCorrector
from unlossy.correctors.onnx_runtime import OnnxNetwork, file_digest

if TYPE_CHECKING:
    from unlossy.correctors.registry import Choices


def open_from(name: str, file: str, choices: "Choices") -> Corrector:
    """The corrector in a file; raises UsageError where it is missing or none of ours."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise UsageError(f"{path}: no such file of weights")
    return open_weights(path, name or file, choices)


def open_weights(path: Path, name: str, choices: "Choices") -> Corrector:
    """The guided corrector of a weights file or graph, under `name`."""
    graph = path.with_suffix(".onnx")
    if graph == path:
        if choices.runtime == "torch" or choices.device != "cpu":
            raise UsageError(f"{path}: a graph runs in ONNX Runtime on the CPU; for torch give the .safetensors file")
        return _in_onnx(graph, name, choices)
    if choices.runtime == "onnx":
        return _in_onnx(graph, name, choices, made_for=path)
    if choices.runtime == "auto" and choices.device == "cpu" and graph.is_file():
        with suppress(UsageError):  # another's graph, or one of other weights: the weights were asked for
            return _in_onnx(graph, name, choices, made_for=path)
    return _in_torch(path, name, choices)


def _in_onnx(graph: Path, name: str, choices: "Choices", made_for: Path | None = None) -> Corrector:
    if made_for is not None and not graph.is_file():
        raise UsageError(f"{made_for}: no graph {graph.name} beside it. Make one: unlossy export {made_for} {graph}")
    network = OnnxNetwork.load(graph, choices.threads)
    if made_for is not None and network.facts.weights_sha256 != file_digest(made_for):
        raise UsageError(
            f"{graph}: made for other weights than {made_for.name}. Make it anew: "
            f"unlossy export --force {made_for} {graph}"
        )
    digest = network.digest if made_for is None else network.facts.weights_sha256  # in any runtime the weights' own
    return _guided(name, digest, "onnxruntime", network, choices, network.facts.guards)


def _in_torch(path: Path, name: str, choices: "Choices") -> Corrector:
    torch = require("torch", "train", f"the corrector {path.name} without an ONNX graph beside it")
    if choices.threads:
        torch.set_num_threads(choices.threads)
    network = import_module("unlossy.correctors.torch_runtime").TorchNetwork.load(path, choices.device)
    return _guided(name, file_digest(path), "torch", network, choices, network.guards)


def _guided(
    name: str, weights: str, library: str, network: Network, choices: "Choices", stated: str
) -> GuidedCorrector:
    """The network under the rules that its file states (JSON, empty for the usual ones) and those chosen."""
    guards = stated_guards(name, stated, choices.hidden)
    if not math.isfinite(guards.bypass_step):
        raise UsageError(f"{name}: the weights state a bypass_step of {guards.bypass_step}; it must be finite")
    digest = digest_of({"weights": weights, "guards": asdict(guards) | {"hidden": guards.hidden.value}})
    return GuidedCorrector(name, digest, (library, "numpy"), network, guards, choices.max_bytes)
