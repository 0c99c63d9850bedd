"""Engines: where the work runs. They know nothing of images."""

from unlossy.engines.base import Engine, Failed, Ok
from unlossy.engines.local import LocalEngine

__all__ = ["Engine", "Failed", "LocalEngine", "Ok"]
