"""`onnx:FILE`: a classifier for ONNX Runtime on the CPU; a JSON of the same name beside it says how to feed it.

`onnx:demo` is the small classifier of synthetic scenes that ships with the program.
"""

import importlib.resources
import json
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.tasks.models.assembled import AssembledClassifier
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.facts import MINIMAL, ModelFacts, read_facts
from unlossy.tasks.models.outputs import in_batches_of_one_shape
from unlossy.tasks.models.tabulated import tabulated

INPUT_TYPES: dict[str, type[np.floating[Any]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}

DEMO = "demo_classifier.onnx"


def load(name: str, *, spec: str, threads: int | None) -> AssembledClassifier:
    """The classifier in an ONNX file; raises UsageError where the file, its JSON or their agreement is wanting."""
    with ExitStack() as stack:
        path = _demo(stack) if name == "demo" else Path(name).expanduser()
        facts = _facts(path)
        network = _network(path, facts, threads)
        digest = model_digest(_weight_files(path), json.loads(path.with_suffix(".json").read_text("utf-8")))
    return AssembledClassifier(
        spec=spec,
        digest=digest,
        labels=facts.labels,
        n_classes=_n_classes(path, facts, network),
        libraries=("onnxruntime", "Pillow"),
        resize_rgb=facts.preprocess.resize,
        normalise_rgb=tabulated(facts.preprocess.normalise),
        answer=lambda batch: in_batches_of_one_shape(batch, network.run, facts.output_kind),
        trainable=lambda: _trainable(path, facts, network, spec),
    )


def _trainable(path: Path, facts: ModelFacts, network: "_Network", spec: str) -> Any:  # noqa: ANN401 (a Trainable)
    """The graph as a torch network that takes the session's layout and answers logits."""
    module = import_module("unlossy.tasks.models.onnx_torch").converted(path, spec)
    differentiable = import_module("unlossy.tasks.models.differentiable")
    return differentiable.fed_as(
        module, channels_last=network.channels_last, probabilities=facts.output_kind != "logits"
    )


@dataclass(frozen=True, slots=True)
class _Network:
    """An ONNX Runtime session and how to call it; `fixed_batch` is None where any number of images goes in at once."""

    session: Any
    input_name: str
    output_name: str
    dtype: type[np.floating[Any]]
    channels_last: bool
    fixed_batch: int | None

    def run(self, images: Float32[np.ndarray, "b 3 h w"]) -> np.ndarray:
        """The output, one row per image; a graph with a fixed batch is called as often as needed."""
        step = self.fixed_batch or len(images)
        parts = [self._run(images[start : start + step], step) for start in range(0, len(images), step)]
        return np.concatenate(parts)

    def _run(self, images: Float32[np.ndarray, "b 3 h w"], size: int) -> np.ndarray:
        filled = images[np.minimum(np.arange(size), len(images) - 1)]  # the last one again fills a fixed batch
        ordered = filled.transpose(0, 2, 3, 1) if self.channels_last else filled
        feed = {self.input_name: np.ascontiguousarray(ordered, dtype=self.dtype)}
        return np.asarray(self.session.run([self.output_name], feed)[0])[: len(images)]


def _demo(stack: ExitStack) -> Path:
    folder = stack.enter_context(importlib.resources.as_file(importlib.resources.files(__package__) / "weights"))
    return folder / DEMO


def _facts(path: Path) -> ModelFacts:
    if not path.is_file():
        raise UsageError(f"{path}: no such ONNX file")
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise UsageError(
            f"{path}: how is it to be fed? {beside.name} is missing beside it. A minimal one, to be adapted:\n{MINIMAL}"
        )
    return read_facts(beside)


def _network(path: Path, facts: ModelFacts, threads: int | None) -> _Network:
    runtime = require("onnxruntime", "all", f"the model {path.name}")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    try:
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        finding = str(error).strip().splitlines()[0][:300]
        raise UsageError(f"{path}: ONNX Runtime cannot load it: {finding}") from error
    chosen = _named(session.get_inputs(), facts.input_name, "input", path)
    if chosen.type not in INPUT_TYPES or len(chosen.shape) != 4:
        raise UsageError(
            f"{path}: the input {chosen.name!r} is {chosen.type}{chosen.shape}; four axes of floats are needed"
        )
    _check_size(chosen.shape, facts, path)
    return _Network(
        session=session,
        input_name=chosen.name,
        output_name=_named(session.get_outputs(), facts.output_name, "output", path).name,
        dtype=INPUT_TYPES[chosen.type],
        channels_last=facts.layout == "NHWC",
        fixed_batch=chosen.shape[0] if isinstance(chosen.shape[0], int) else None,
    )


def _named(nodes: list[Any], name: str | None, role: str, path: Path) -> Any:  # noqa: ANN401 (onnxruntime is not typed)
    """The node of that name, or the only one; raises UsageError listing what there is."""
    found = [node for node in nodes if name is None or node.name == name]
    if len(found) != 1:
        names = ", ".join(repr(node.name) for node in nodes)
        asked = "the JSON names none" if name is None else f"the JSON names {name!r}"
        raise UsageError(f"{path}: {asked} of the {role}s {names}")
    return found[0]


def _check_size(shape: list[int | str | None], facts: ModelFacts, path: Path) -> None:
    axes = (1, 2, 3) if facts.layout == "NHWC" else (2, 3, 1)
    stated = (*(facts.preprocess.size_hw or (None, None)), 3)
    for axis, size in zip(axes, stated, strict=True):
        if isinstance(shape[axis], int) and shape[axis] != size:
            raise UsageError(
                f"{path}: the graph's input is {shape}, the JSON says {facts.layout}, size_hw {stated[:2]}"
            )


def _n_classes(path: Path, facts: ModelFacts, network: _Network) -> int | None:
    output = next(node for node in network.session.get_outputs() if node.name == network.output_name)
    width = output.shape[1] if len(output.shape) >= 2 and isinstance(output.shape[1], int) else None
    if facts.labels is None:
        return width
    if width is not None and width != len(facts.labels):
        raise UsageError(f"{path}: the graph has {width} classes, its JSON {len(facts.labels)} labels")
    return len(facts.labels)


def _weight_files(path: Path) -> list[Path]:
    """The ONNX file and the external tensors beside it (FILE.data, FILE_data)."""
    outside = [file for file in path.parent.iterdir() if file.name.startswith((f"{path.name}.", f"{path.name}_"))]
    return [path, *sorted(file for file in outside if file.is_file())]
