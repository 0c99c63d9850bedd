"""`onnx:FILE`: a semantic segmenter for ONNX Runtime on the CPU; a JSON of the same name says how to feed it.

`onnx:demo` is the small segmenter of synthetic scenes that ships with the program.
"""

import importlib.resources
import json
from collections.abc import Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import UsageError
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.onnx_session import OnnxNetwork, description_of, open_network, weight_files
from unlossy.tasks.models.segmentation.base import AssembledSegmenter, prove_whole
from unlossy.tasks.models.segmentation.facts import MINIMAL, SegmenterFacts, read_segmenter_facts
from unlossy.tasks.models.tabulated import tabulated

DEMO = "demo_segmenter.onnx"


def load(name: str, *, spec: str, threads: int | None) -> AssembledSegmenter:
    """The segmenter in an ONNX file; raises UsageError where the file, its JSON or their agreement is wanting."""
    with ExitStack() as stack:
        path = _demo(stack) if name == "demo" else Path(name).expanduser()
        beside = description_of(path, MINIMAL)
        facts = read_segmenter_facts(beside)
        network = open_network(
            path,
            input_name=facts.input_name,
            output_names=(facts.output_name,),
            layout=facts.layout,
            size_hw=facts.preprocess.size_hw,
            threads=threads,
        )
        digest = model_digest(weight_files(path), json.loads(beside.read_text("utf-8")))
    prove_whole(facts.preprocess.resize, spec)
    return AssembledSegmenter(
        spec=spec,
        digest=digest,
        labels=facts.labels,
        n_classes=_n_classes(path, facts, network),
        libraries=("onnxruntime", "Pillow"),
        resize_rgb=facts.preprocess.resize,
        normalise_rgb=tabulated(facts.preprocess.normalise),
        answer=lambda pictures: _values(network, pictures, facts),
        align_corners=facts.align_corners,
        trainable=(lambda: _trainable(path, network, spec)) if facts.output_kind == "class_logits" else None,
    )


def _demo(stack: ExitStack) -> Path:
    folder = importlib.resources.files("unlossy.tasks.models") / "weights"
    return stack.enter_context(importlib.resources.as_file(folder)) / DEMO


def _values(
    network: OnnxNetwork, pictures: Sequence[Float32[np.ndarray, "3 _ _"]], facts: SegmenterFacts
) -> np.ndarray:
    """The output: class values (b k h w), or class numbers (b h w) as integers."""
    output = network.run(np.stack(pictures))
    if facts.output_kind == "class_logits":
        return output
    output = output[:, 0] if output.ndim == 4 and output.shape[1] == 1 else output
    return output.astype(np.int64) if np.issubdtype(output.dtype, np.floating) else output


def _n_classes(path: Path, facts: SegmenterFacts, network: OnnxNetwork) -> int | None:
    axes = network.output_axes[0]
    stated = axes[1] if facts.output_kind == "class_logits" and len(axes) == 4 else None
    width = stated if isinstance(stated, int) else None
    if facts.labels is not None and width is not None and width != len(facts.labels):
        raise UsageError(f"{path}: the graph has {width} classes, its JSON {len(facts.labels)} labels")
    return width if facts.labels is None else len(facts.labels)


def _trainable(path: Path, network: OnnxNetwork, spec: str) -> Any:  # noqa: ANN401 (a differentiable.Trainable)
    """The graph as a torch network that takes the session's layout."""
    module = import_module("unlossy.tasks.models.onnx_torch").converted(path, spec)
    if network.channels_last:
        module = import_module("unlossy.tasks.models.fed").ChannelsLast(module)
    heads = {"logits": import_module("unlossy.tasks.models.heads").Head("logits", 1)}
    made = import_module("unlossy.tasks.models.differentiable").Trainable
    return made(module, lambda answer: {"logits": answer}, heads)
