"""A user's own function as a model: `MODULE:CALLABLE` found, with what attributes on it say.

`labels` (class names in the order of the outputs) and `digest` (a text that changes with the model; without it, the
SHA-256 of the module's source file) are read here; adapters read more of their own.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from unlossy.core.errors import UsageError
from unlossy.tasks.models.digests import model_digest


@dataclass(frozen=True, slots=True)
class Found:
    """A callable of the user's; its answers are checked at each call."""

    function: Callable[[list[np.ndarray]], Any]
    digest: str
    labels: tuple[str, ...] | None
    libraries: tuple[str, ...]


def find_callable(name: str, spec: str, example: str = "classify") -> Found:
    """What MODULE:CALLABLE names; raises UsageError where there is none, or an attribute says what it may not."""
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise UsageError(f"{spec}: give it as py:MODULE:CALLABLE, for example py:my_models:{example}")
    module = _module(module_name, spec)
    function = _callable(module, attribute, spec)
    return Found(function, _digest(module, function, attribute), _labels(function, spec), _libraries(module))


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


def _labels(classify: object, spec: str) -> tuple[str, ...] | None:
    labels = getattr(classify, "labels", None)
    if labels is None:
        return None
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise UsageError(f"{spec}: its attribute labels must be a list of names in the order of the outputs")
    return tuple(labels)


@cache
def _distributions() -> Mapping[str, list[str]]:
    """The distributions of each top-level package; cached, since it reads the metadata of all that is installed."""
    return packages_distributions()


def _libraries(module: ModuleType) -> tuple[str, ...]:
    """The distribution that the module comes from, if it comes from one; what it imports is not known."""
    return tuple(_distributions().get(module.__name__.split(".")[0], ())[:1])


def _digest(module: ModuleType, classify: object, attribute: str) -> str:
    settings: dict[str, Any] = {"callable": attribute, "digest": getattr(classify, "digest", None)}
    source = inspect.getsourcefile(module) if settings["digest"] is None and hasattr(module, "__file__") else None
    settings["digest"] = None if settings["digest"] is None else str(settings["digest"])
    return model_digest([Path(source)] if source and Path(source).is_file() else [], settings)
