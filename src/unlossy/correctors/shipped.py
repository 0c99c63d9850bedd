"""The correctors that ship: `weights/NAME.safetensors` and beside it the graph `weights/NAME.onnx` for ONNX Runtime."""

from dataclasses import replace
from typing import TYPE_CHECKING

from unlossy.core.errors import UsageError
from unlossy.correctors.base import Corrector
from unlossy.correctors.own_file import open_weights
from unlossy.correctors.weights_place import shipped_weights

if TYPE_CHECKING:
    from unlossy.correctors.registry import Choices


def open_from(name: str, file: str, choices: "Choices") -> Corrector:
    """The corrector of that name; raises UsageError where its weights do not ship, or a file is given."""
    if file:
        raise UsageError(f"{name}@{file}: {name} ships with its weights; give the file alone to use your own")
    # said outright, so that damage to the installation is an error and not a reason to take torch
    runtime = "onnx" if choices.runtime == "auto" and choices.device == "cpu" else choices.runtime
    return open_weights(shipped_weights(name), name, replace(choices, runtime=runtime))
