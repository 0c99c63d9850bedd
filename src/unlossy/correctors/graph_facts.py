"""What the metadata of an exported graph say of it, every field checked: anybody can have written them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unlossy.core.errors import UsageError
from unlossy.correctors.limits import ARCHITECTURE

FIELDS: Final = ("unlossy_architecture", "stride_px", "reach_px", "bytes_per_pixel", "weights", "weights_sha256")
STRIDES_PX: Final = (8, 16, 32)
"""A block and its multiples, up to those that tiles start on."""
MOST_REACH_PX: Final = 4096
MOST_BYTES_PER_PIXEL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """The numbers of a `base.Network`, and the weights that the graph was made for.

    `weights` is the name of the file beside the graph that holds them, empty where they are inside; `weights_sha256`
    their digest as stated; `guards` JSON as `guards.stated_guards` reads it.
    """

    stride_px: int
    reach_px: int
    bytes_per_pixel: int
    weights: str
    weights_sha256: str
    guards: str


def graph_facts(path: Path, told: Mapping[str, str]) -> GraphFacts:
    """The facts in the metadata of the graph at `path`; raises UsageError naming the field that cannot be right."""
    if missing := [name for name in FIELDS if name not in told]:
        raise UsageError(
            f"{path}: not a corrector that unlossy exported (no {missing[0]!r} in its metadata); "
            "make one with `unlossy export`"
        )
    if told["unlossy_architecture"] != ARCHITECTURE:
        found = told["unlossy_architecture"][:100]
        raise UsageError(f"{path}: a graph of another architecture ({found}); this version reads {ARCHITECTURE}")
    stride_px = _whole(path, told, "stride_px", STRIDES_PX[0], STRIDES_PX[-1])
    if stride_px not in STRIDES_PX:
        raise _refusal(path, told, "stride_px", f"one of {', '.join(map(str, STRIDES_PX))}")
    weights = told["weights"]
    if weights and (weights in (".", "..") or any(sign in weights for sign in "/\\\0")):
        raise _refusal(path, told, "weights", "the name of a file beside the graph, without a folder")
    return GraphFacts(
        stride_px=stride_px,
        reach_px=_whole(path, told, "reach_px", 0, MOST_REACH_PX),
        bytes_per_pixel=_whole(path, told, "bytes_per_pixel", 1, MOST_BYTES_PER_PIXEL),
        weights=weights,
        weights_sha256=told["weights_sha256"],
        guards=told.get("guards", ""),
    )


def _whole(path: Path, told: Mapping[str, str], name: str, least: int, most: int) -> int:
    text = told[name]
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else -1
    if not least <= value <= most:
        raise _refusal(path, told, name, f"a whole number from {least} to {most}")
    return value


def _refusal(path: Path, told: Mapping[str, str], name: str, wanted: str) -> UsageError:
    return UsageError(
        f"{path}: its metadata say {name} is {told[name][:100]!r}, and it must be {wanted}; "
        "make the graph anew with `unlossy export --force`"
    )
