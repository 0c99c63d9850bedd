"""Our networks in ONNX Runtime, the default: no torch. The graph is a small file beside the weights it refers to.

    small.onnx           the graph; each weight refers to its bytes in the file beside it
    small.safetensors    the weights in half precision; the graph widens them to float32 when it is loaded

The graph's metadata name the weights it was made for by their digest, so that other weights are refused, not misread.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.correctors.base import Condition

METADATA: Final = ("unlossy_architecture", "stride_px", "reach_px", "bytes_per_pixel", "weights", "weights_sha256")
INPUTS: Final = ("ycc", "tables", "known", "sampling")
OUTPUT: Final = "corrected"


@dataclass(frozen=True, slots=True)
class OnnxNetwork:
    """A Network (see `base`) around an ONNX Runtime session on the CPU."""

    session: Any
    digest: str
    stride_px: int
    reach_px: int
    bytes_per_pixel: int
    guards: str = ""
    """What the file states of its guards, as JSON; see `guards.stated_guards`."""

    @classmethod
    def load(cls, path: Path, threads: int | None = None) -> "OnnxNetwork":
        """The network of a graph that `unlossy export` or the training made.

        Raises:
            UsageError: no such file, no ONNX graph, another's graph, or weights missing or not the graph's own.
        """
        if not path.is_file():
            raise UsageError(f"{path}: no such ONNX file")
        session = _session(path, threads)
        told = session.get_modelmeta().custom_metadata_map
        if missing := [name for name in METADATA if name not in told]:
            raise UsageError(
                f"{path}: not a corrector that unlossy exported (no {missing[0]!r} in its metadata); "
                "make one with `unlossy export`"
            )
        digest = _checked_digest(path, told["weights"], told["weights_sha256"])
        stride, reach, held = (int(told[name]) for name in ("stride_px", "reach_px", "bytes_per_pixel"))
        return cls(session, digest, stride, reach, held, told.get("guards", ""))

    def run(self, ycc: Float32[np.ndarray, "b 3 h w"], condition: Condition) -> Float32[np.ndarray, "b 3 h w"]:
        """The corrected Y, Cb, Cr of a batch, 0..1 with neutral chroma at 0.5, not clipped."""
        values = (ycc, condition.tables, condition.known, condition.sampling)
        return np.asarray(self.session.run([OUTPUT], dict(zip(INPUTS, values, strict=True)))[0])


def _session(path: Path, threads: int | None) -> Any:  # noqa: ANN401 (onnxruntime is not typed)
    runtime = require("onnxruntime", "all", f"the corrector {path.name}")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    options.enable_cpu_mem_arena = False  # tiles differ in size at the edges, and an arena keeps each size it saw
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        finding = str(error).strip().splitlines()[0][:300]
        raise UsageError(f"{path}: ONNX Runtime cannot load it with the weights beside it: {finding}") from error


def _checked_digest(path: Path, weights: str, stated: str) -> str:
    """The weights' SHA-256; raises UsageError where the file beside the graph is not the one it was made for."""
    if not weights:  # they are inside
        return stated
    beside = path.with_name(weights)
    found = file_digest(beside)
    if found != stated:
        raise UsageError(
            f"{beside}: not the weights that {path.name} was made for. Make the graph anew: "
            f"unlossy export {beside} {path}"
        )
    return found


def file_digest(path: Path) -> str:
    """SHA-256, in hex, of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
