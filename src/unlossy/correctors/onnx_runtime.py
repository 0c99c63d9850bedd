"""Our networks in ONNX Runtime, the default: no torch. The graph is a small file beside the weights it refers to.

    small.onnx           the graph; each weight refers to its bytes in the file beside it
    small.safetensors    the weights in half precision; the graph widens them to float32 when it is loaded

The graph's metadata name the weights it was made for by their digest, so that other weights are refused, not misread.
A graph that holds its weights is known by the digest of the file itself.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.correctors.base import Condition
from unlossy.correctors.graph_facts import GraphFacts, graph_facts

INPUTS: Final = ("ycc", "tables", "known", "sampling")
OUTPUT: Final = "corrected"


@dataclass(frozen=True, slots=True)
class OnnxNetwork:
    """A Network (see `base`) around an ONNX Runtime session on the CPU.

    Pickled, it is the place of its file: what comes back is opened anew, and refused where the file has changed.
    """

    session: Any
    path: Path
    threads: int | None
    digest: str
    facts: GraphFacts

    @classmethod
    def load(cls, path: Path, threads: int | None = None) -> "OnnxNetwork":
        """The network of a graph that `unlossy export` or the training made.

        Raises:
            UsageError: no such file, no ONNX graph, another's graph, or weights missing or not the graph's own.
        """
        if not path.is_file():
            raise UsageError(f"{path}: no such ONNX file")
        session = _session(path, threads)
        facts = graph_facts(path, session.get_modelmeta().custom_metadata_map)
        return cls(session, path.absolute(), threads, _checked_digest(path, facts), facts)

    @property
    def stride_px(self) -> int:
        """Of the picture's pixels."""
        return self.facts.stride_px

    @property
    def reach_px(self) -> int:
        """Of the picture's pixels."""
        return self.facts.reach_px

    @property
    def bytes_per_pixel(self) -> int:
        """What a run holds at its peak."""
        return self.facts.bytes_per_pixel

    def __reduce__(self) -> "tuple[Callable[..., OnnxNetwork], tuple[Path, int | None, str]]":
        return _opened_again, (self.path, self.threads, self.digest)

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


def _opened_again(path: Path, threads: int | None, digest: str) -> OnnxNetwork:
    network = OnnxNetwork.load(path, threads)
    if network.digest != digest:
        raise UsageError(f"{path}: has changed since the corrector was opened; open it anew")
    return network


def _checked_digest(path: Path, facts: GraphFacts) -> str:
    """SHA-256 of the weights, or of the graph that holds them; raises UsageError where those beside it are others."""
    if not facts.weights:
        return file_digest(path)
    beside = path.with_name(facts.weights)
    if not beside.is_file():
        raise UsageError(f"{beside}: the weights of {path.name} are not beside it")
    found = file_digest(beside)
    if found != facts.weights_sha256:
        raise UsageError(
            f"{beside}: not the weights that {path.name} was made for. Make the graph anew: "
            f"unlossy export --force {beside} {path}"
        )
    return found


def file_digest(path: Path) -> str:
    """SHA-256, in hex, of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
