"""NAME@FILE of torchvision's architectures: what the loaders of every task ask before they build a network."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.tasks.models.safetensors_file import CONVERT, split_name
from unlossy.tasks.models.torchvision_compat import ensure_torchvision


@dataclass(frozen=True, slots=True)
class Architecture:
    """An architecture of `models` (torchvision.models) by its name there, and the weights for it."""

    models: ModuleType
    name: str
    weights: Path


def architecture(
    text: str, *, spec: str, what: str, known: Callable[[ModuleType], Sequence[str]], advice: str = "Convert them"
) -> Architecture:
    """The architecture and the weights that NAME@FILE names.

    Args:
        text: NAME@FILE.
        spec: The whole SPEC, for messages.
        what: What is asked for, "classifier" say.
        known: The names that torchvision.models has of that kind.
        advice: What to do without weights: the sentence goes on with "and give torchvision:NAME@...".

    Raises:
        UsageError: an unknown name, or no file of weights.
        MissingDependency: torch or torchvision is not installed.
    """
    name, file = split_name(text)
    require("torch", "torchvision", f"the model {spec!r}")
    ensure_torchvision()
    models = require("torchvision.models", "torchvision", f"the model {spec!r}")
    names = known(models)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=4, cutoff=0.4)
        hint = f"Near it: {', '.join(near)}" if near else "torchvision.models.list_models() lists them"
        raise UsageError(f"torchvision has no {what} {name!r}. {hint}")
    if file is None:
        raise UsageError(
            f"{spec}: torchvision's own weights are pickles, which unlossy does not open. {advice.format(name=name)} "
            f"and give torchvision:{name}@weights.safetensors:\n{CONVERT}"
        )
    return Architecture(models, name, file)
