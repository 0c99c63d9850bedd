"""`onnx:FILE`: a classifier for ONNX Runtime on the CPU; a JSON of the same name beside it says how to feed it.

`onnx:demo` is the small classifier of synthetic scenes that ships with the program.
"""

import importlib.resources
import json
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

from unlossy.core.errors import UsageError
from unlossy.tasks.models.assembled import AssembledClassifier
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.facts import MINIMAL, ModelFacts, read_facts
from unlossy.tasks.models.onnx_session import OnnxNetwork, description_of, open_network, weight_files
from unlossy.tasks.models.outputs import in_batches_of_one_shape
from unlossy.tasks.models.tabulated import tabulated

DEMO = "demo_classifier.onnx"


def load(name: str, *, spec: str, threads: int | None) -> AssembledClassifier:
    """The classifier in an ONNX file; raises UsageError where the file, its JSON or their agreement is wanting."""
    with ExitStack() as stack:
        path = _demo(stack) if name == "demo" else Path(name).expanduser()
        facts = read_facts(description_of(path, MINIMAL))
        network = open_network(
            path,
            input_name=facts.input_name,
            output_names=(facts.output_name,),
            layout=facts.layout,
            size_hw=facts.preprocess.size_hw,
            threads=threads,
        )
        digest = model_digest(weight_files(path), json.loads(path.with_suffix(".json").read_text("utf-8")))
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


def _trainable(path: Path, facts: ModelFacts, network: OnnxNetwork, spec: str) -> Any:  # noqa: ANN401 (a Trainable)
    """The graph as a torch network that takes the session's layout and answers logits."""
    module = import_module("unlossy.tasks.models.onnx_torch").converted(path, spec)
    differentiable = import_module("unlossy.tasks.models.differentiable")
    return differentiable.fed_as(
        module, channels_last=network.channels_last, probabilities=facts.output_kind != "logits"
    )


def _demo(stack: ExitStack) -> Path:
    folder = stack.enter_context(importlib.resources.as_file(importlib.resources.files(__package__) / "weights"))
    return folder / DEMO


def _n_classes(path: Path, facts: ModelFacts, network: OnnxNetwork) -> int | None:
    axes = network.output_axes[0]
    width = axes[1] if len(axes) >= 2 and isinstance(axes[1], int) else None
    if facts.labels is None:
        return width
    if width is not None and width != len(facts.labels):
        raise UsageError(f"{path}: the graph has {width} classes, its JSON {len(facts.labels)} labels")
    return len(facts.labels)
