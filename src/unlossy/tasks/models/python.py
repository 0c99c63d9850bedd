"""`py:MODULE:CALLABLE`: any function from a list of images to an array of class values.

The callable takes a list of uint8 RGB arrays (h, w, 3), of the sizes the images have, and gives an array (n, k) of
logits. Attributes on it may say more: `outputs = "probabilities"`, `labels` (k names), `digest` (a text that changes
with the model; without it, the SHA-256 of the module's source file), `trainable` (a function that gives a torch module
from RGB (b 3 h w, 0..1) to logits, for task-targeted training). Preprocessing is the callable's own affair, so
`--compress-at input` means the source size here.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import packages_distributions
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.core.errors import UsageError
from unlossy.tasks.models.assembled import AssembledClassifier
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.outputs import OutputKind, as_logits


def load(name: str, *, spec: str, threads: int | None) -> AssembledClassifier:  # noqa: ARG001 (the callable sets its own)
    """The classifier that a callable is; raises UsageError where it cannot be found or says what it may not."""
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise UsageError(f"{spec}: give it as py:MODULE:CALLABLE, for example py:my_models:classify")
    module = _module(module_name, spec)
    classify = _callable(module, attribute, spec)
    kind, labels = _kind(classify, spec), _labels(classify, spec)

    def answer(batch: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "b k"]:
        return as_logits(classify(list(batch)), len(batch), kind)

    return AssembledClassifier(
        spec=spec,
        digest=_digest(module, classify, attribute),
        labels=labels,
        n_classes=None if labels is None else len(labels),
        libraries=_libraries(module),
        resize_rgb=_unchanged,
        normalise_rgb=_unchanged,
        answer=answer,
        trainable=getattr(classify, "trainable", None),
    )


def _unchanged(image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    return image_hwc


def _module(name: str, spec: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:  # as `python -m` does: a user's module lies where the user stands
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(f"{spec}: no module {error.name!r} in {here} or among the installed packages") from error
        raise UsageError(f"{spec}: importing {name!r} failed: {error}") from error
    except Exception as error:
        raise UsageError(f"{spec}: importing {name!r} failed: {type(error).__name__}: {error}") from error


def _callable(module: ModuleType, attribute: str, spec: str) -> Callable[[list[np.ndarray]], Any]:
    try:
        found = attrgetter(attribute)(module)
    except AttributeError as error:
        raise UsageError(f"{spec}: the module {module.__name__!r} has no {attribute!r}") from error
    if not callable(found):
        raise UsageError(f"{spec}: {attribute!r} is a {type(found).__name__}, not a callable")
    return found  # its answer is checked at each call


def _kind(classify: object, spec: str) -> OutputKind:
    kind = getattr(classify, "outputs", "logits")
    if kind == "probabilities":
        return "probabilities"
    if kind == "logits":
        return "logits"
    raise UsageError(f'{spec}: its attribute outputs is {kind!r}; it must be "logits" or "probabilities"')


def _labels(classify: object, spec: str) -> tuple[str, ...] | None:
    labels = getattr(classify, "labels", None)
    if labels is None:
        return None
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise UsageError(f"{spec}: its attribute labels must be a list of names in the order of the outputs")
    return tuple(labels)


def _libraries(module: ModuleType) -> tuple[str, ...]:
    """The distribution that the module comes from, if it comes from one; what it imports is not known."""
    return tuple(packages_distributions().get(module.__name__.split(".")[0], ())[:1])


def _digest(module: ModuleType, classify: object, attribute: str) -> str:
    settings: dict[str, Any] = {"callable": attribute, "digest": getattr(classify, "digest", None)}
    source = inspect.getsourcefile(module) if settings["digest"] is None and hasattr(module, "__file__") else None
    settings["digest"] = None if settings["digest"] is None else str(settings["digest"])
    return model_digest([Path(source)] if source and Path(source).is_file() else [], settings)
