"""A model SPEC's prefix names the module that knows that kind of model, which is imported only then."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from unlossy.core.errors import UsageError

IN_TORCH: Final = ("hf", "timm", "torchvision")
"""Prefixes whose models go to the device that is asked for."""


def load_by_prefix(
    spec: str, adapters: Mapping[str, str], *, what: str, forms: str, threads: int | None, device: str = "cpu"
) -> Any:  # noqa: ANN401 (what the adapter loads)
    """The model that an adapter loads for PREFIX:NAME; `adapters` has the modules by prefix.

    Raises UsageError, naming `what` was asked for and its `forms`, where none of them knows the SPEC, and where such a
    model does not go to the `device`.
    """
    prefix, colon, name = spec.partition(":")
    if prefix not in adapters or not colon or not name:
        raise UsageError(f"{what} {spec!r} is not understood. A {what} is given as one of:\n{forms}")
    if threads is not None and threads < 1:
        raise UsageError(f"threads is {threads}; at least 1 is needed")
    if device == "cpu":
        return import_module(adapters[prefix]).load(name, spec=spec, threads=threads)
    if prefix not in IN_TORCH:
        movable = ", ".join(f"{known}:" for known in IN_TORCH if known in adapters)
        advice = f"; {movable} models go there" if movable else ""
        raise UsageError(f"{spec}: {prefix}: models do not go to the device {device}; leave it out{advice}")
    return import_module(adapters[prefix]).load(name, spec=spec, threads=threads, device=device)
