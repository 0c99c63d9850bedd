"""From a corrector SPEC to a Corrector. Adding one is a module with an `open_from` and one line here.

small, base         ours, with the weights that ship
ttac-mobilenet-v2   base, aimed at MobileNetV2 (task-targeted)
FILE.safetensors    ours, with your own weights (of `unlossy train`)
FILE.onnx           ours, as `unlossy export` wrote it
dncnn3@FILE         DnCNN-3 (Zhang et al. 2017) on luma, weights from a file
quantsmooth         the program jpegqs, where it is installed
flips:SPEC          one of ours over four mirror images, a little better and four times as slow
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from unlossy.core.errors import UsageError
from unlossy.correctors.base import Corrector
from unlossy.correctors.flipped import PREFIX, flipped
from unlossy.correctors.guards import Hidden
from unlossy.correctors.weights_place import shipped_weights

DEFAULT: Final = "small"
SHIPPED: Final = "unlossy.correctors.shipped"

CORRECTORS: Final[dict[str, str]] = {
    "small": SHIPPED,
    "base": SHIPPED,
    "ttac-mobilenet-v2": SHIPPED,
    "dncnn3": "unlossy.correctors.dncnn",
    "quantsmooth": "unlossy.correctors.quantsmooth",
}
"""Name to module. Each module has `open_from(name, file, choices) -> Corrector`; `file` is what follows the @."""

SUFFIXES: Final[dict[str, str]] = {
    ".safetensors": "unlossy.correctors.own_file",
    ".onnx": "unlossy.correctors.own_file",
}
"""Ending of a file name to module, called in the same way with an empty name."""

RUNTIMES: Final = ("auto", "onnx", "torch")

FORMS: Final = """  small, base         shipped with unlossy
  ttac-mobilenet-v2   base, aimed at MobileNetV2 on ImageNet; shipped
  FILE.safetensors    weights of your own training (RUN/weights.safetensors)
  FILE.onnx           a corrector that `unlossy export` wrote
  dncnn3@FILE         DnCNN-3 on luma; FILE.safetensors, or .pth with tensors alone
  quantsmooth         the program jpegqs (Debian: apt install jpegqs)
  flips:SPEC          one of ours, the mean over four mirror images: a little nearer to the original, four times as
                      slow; not for task-targeted weights, which it makes worse"""


@dataclass(frozen=True, slots=True)
class Choices:
    """How a corrector is to run, whichever it is.

    Attributes:
        runtime: "onnx", "torch", or "auto": ONNX Runtime where there is a graph and no other device is asked for.
        hidden: what is done with pictures whose bytes tell no tables (PNGs that may have been JPEGs).
        threads: threads of one run, in the whole process for torch; None leaves the library's default.
        device: torch's name of the device, "cpu" or "cuda".
        max_bytes: what a run of the network may hold; None: by the size of the picture, 1.1 GB in all.
    """

    runtime: str = "auto"
    hidden: Hidden = Hidden.AUTO
    threads: int | None = None
    device: str = "cpu"
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.runtime not in RUNTIMES:
            raise UsageError(f"runtime {self.runtime!r} is unknown; there are: {', '.join(RUNTIMES)}")
        if self.threads is not None and self.threads < 1:
            raise UsageError(f"threads is {self.threads}; at least 1 is needed")
        if self.max_bytes is not None and self.max_bytes < 1:
            raise UsageError(f"max_bytes is {self.max_bytes}; leave it out, or give a number of bytes")
        if self.runtime == "onnx" and self.device != "cpu":
            raise UsageError(f"ONNX Runtime works on the CPU here; for {self.device} choose the runtime torch")


def open_corrector(spec: str = DEFAULT, choices: Choices | None = None) -> Corrector:
    """The corrector that a SPEC names (see `FORMS`), ready to correct.

    Raises:
        UsageError: unknown form, a file that is missing or not what it should be, weights that do not ship yet.
        MissingDependency: what this corrector needs is not installed.
    """
    how = choices or Choices()
    if spec.startswith(PREFIX):
        return flipped(spec, open_corrector(spec.removeprefix(PREFIX), how))
    name, at, file = spec.partition("@")
    if name in CORRECTORS and (file or not at):
        return _open(CORRECTORS[name], name, file, how)
    if Path(spec).suffix in SUFFIXES:
        return _open(SUFFIXES[Path(spec).suffix], "", spec, how)
    raise UsageError(f"corrector {spec!r} is not understood. A corrector is given as one of:\n{FORMS}")


def weights_of(spec: str) -> Path:
    """The safetensors file behind one of our own correctors; raises UsageError where there is none."""
    if CORRECTORS.get(spec) == SHIPPED:
        return shipped_weights(spec)
    path = Path(spec).expanduser()
    if path.suffix != ".safetensors":
        ours = ", ".join(name for name, module in CORRECTORS.items() if module == SHIPPED)
        raise UsageError(f"{spec!r} is none of our networks; those are: {ours}, or a weights file (.safetensors)")
    return path


def _open(module: str, name: str, file: str, choices: Choices) -> Corrector:
    return cast("Corrector", import_module(module).open_from(name, file, choices))
