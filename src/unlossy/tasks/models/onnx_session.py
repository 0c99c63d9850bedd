"""An ONNX graph on ONNX Runtime's CPU provider: one picture input, one or several outputs, any or a fixed batch."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import UsageError
from unlossy.core.tools import n_cores, require

INPUT_TYPES: dict[str, type[np.floating[Any]]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}


@dataclass(frozen=True, slots=True)
class OnnxNetwork:
    """A session and how to call it; `fixed_batch` is None where any number of images goes in at once.

    `output_axes` are the outputs' shapes as the graph states them, names and None standing for what is open. A graph
    that takes one image at a time is called for `side_by_side` images at once, each on a thread of its own: two halves
    of a small network wait for each other more than two networks do.
    """

    session: Any
    input_name: str
    output_names: tuple[str, ...]
    output_axes: tuple[tuple[int | str | None, ...], ...]
    dtype: type[np.floating[Any]]
    channels_last: bool
    fixed_batch: int | None
    side_by_side: int = 1

    def run(self, images: Float32[np.ndarray, "b c h w"]) -> np.ndarray:
        """The first output, one row per image; a graph with a fixed batch is called as often as needed."""
        step, n = self.fixed_batch or len(images), len(images)
        parts = [outputs[0][: n - number * step] for number, outputs in enumerate(self.calls(images))]
        return np.concatenate(parts)

    def calls(self, images: Float32[np.ndarray, "b c h w"]) -> Iterator[list[np.ndarray]]:
        """Every output of each call, in order: of all images together, or of as many as a fixed batch takes.

        Some calls are made ahead of what is taken from here.
        """
        step = self.fixed_batch or len(images)
        groups = (images[start : start + step] for start in range(0, len(images), step))
        if self.side_by_side == 1 or len(images) <= step:
            yield from map(self.call, groups)
            return
        pool = ThreadPoolExecutor(self.side_by_side, thread_name_prefix="unlossy-onnx")
        try:
            waiting: deque[Future[list[np.ndarray]]] = deque(
                pool.submit(self.call, group) for group in islice(groups, 2 * self.side_by_side)
            )
            while waiting:
                answer = waiting.popleft().result()
                waiting.extend(pool.submit(self.call, group) for group in islice(groups, 1))
                yield answer
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def call(self, images: Float32[np.ndarray, "b c h w"]) -> list[np.ndarray]:
        """Every output of one call, whole; the last image again fills a fixed batch."""
        size = self.fixed_batch or len(images)
        filled = images[np.minimum(np.arange(size), len(images) - 1)] if len(images) != size else images
        ordered = filled.transpose(0, 2, 3, 1) if self.channels_last else filled
        feed = {self.input_name: np.ascontiguousarray(ordered, dtype=self.dtype)}
        return [np.asarray(output) for output in self.session.run(list(self.output_names), feed)]


def open_network(
    path: Path,
    *,
    input_name: str | None,
    output_names: Sequence[str | None],
    layout: str,
    size_hw: tuple[int, int | None] | None,
    threads: int | None,
    channels: int = 3,
) -> OnnxNetwork:
    """The graph in a file, asked for these outputs (None: the only one there is).

    The input's axes must be `channels` and `size_hw`; None stands for a side that any picture may have.

    Raises:
        UsageError: no graph, or its input and outputs are not what was stated.
        MissingDependency: onnxruntime is not installed.
    """
    runtime = require("onnxruntime", "all", f"the model {path.name}")
    session = _session(runtime, path, threads)
    chosen = _named(session.get_inputs(), input_name, "input", path)
    if chosen.type not in INPUT_TYPES or len(chosen.shape) != 4:
        raise UsageError(
            f"{path}: the input {chosen.name!r} is {chosen.type}{chosen.shape}; four axes of floats are needed"
        )
    _check_size(chosen.shape, layout, (*(size_hw or (None, None)), channels), path)
    outputs = [_named(session.get_outputs(), name, "output", path) for name in output_names]
    fixed_batch = chosen.shape[0] if isinstance(chosen.shape[0], int) else None
    side_by_side = (threads or n_cores()) if fixed_batch == 1 else 1
    return OnnxNetwork(
        session=session if side_by_side == 1 else _session(runtime, path, 1),
        input_name=chosen.name,
        output_names=tuple(output.name for output in outputs),
        output_axes=tuple(tuple(output.shape) for output in outputs),
        dtype=INPUT_TYPES[chosen.type],
        channels_last=layout == "NHWC",
        fixed_batch=fixed_batch,
        side_by_side=side_by_side,
    )


def _session(runtime: Any, path: Path, threads: int | None) -> Any:  # noqa: ANN401 (onnxruntime is not typed)
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        finding = str(error).strip().splitlines()[0][:300]
        raise UsageError(f"{path}: ONNX Runtime cannot load it: {finding}") from error


def description_of(path: Path, minimal: str) -> Path:
    """The JSON beside a model file; raises UsageError, showing a `minimal` one, where either is missing."""
    if not path.is_file():
        raise UsageError(f"{path}: no such ONNX file")
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise UsageError(
            f"{path}: how is it to be fed? {beside.name} is missing beside it. A minimal one, to be adapted:\n{minimal}"
        )
    return beside


def weight_files(path: Path) -> list[Path]:
    """The ONNX file and the external tensors beside it (FILE.data, FILE_data)."""
    outside = [file for file in path.parent.iterdir() if file.name.startswith((f"{path.name}.", f"{path.name}_"))]
    return [path, *sorted(file for file in outside if file.is_file())]


def _named(nodes: list[Any], name: str | None, role: str, path: Path) -> Any:  # noqa: ANN401 (onnxruntime is not typed)
    """The node of that name, or the only one; raises UsageError listing what there is."""
    found = [node for node in nodes if name is None or node.name == name]
    if len(found) != 1:
        names = ", ".join(repr(node.name) for node in nodes)
        asked = "the JSON names none" if name is None else f"the JSON names {name!r}"
        raise UsageError(f"{path}: {asked} of the {role}s {names}")
    return found[0]


def _check_size(
    shape: Sequence[int | str | None], layout: str, stated: tuple[int | None, int | None, int], path: Path
) -> None:
    axes = (1, 2, 3) if layout == "NHWC" else (2, 3, 1)
    for axis, size in zip(axes, stated, strict=True):
        if isinstance(shape[axis], int) and shape[axis] != size:
            raise UsageError(f"{path}: the graph's input is {shape}, the JSON says {layout}, size_hw {stated[:2]}")
