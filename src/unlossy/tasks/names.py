"""Names of classes: when two are the same one, what else a thing is called, and lists that fit into a message."""

import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

SHOWN: Final = 12
"""Names that a message lists of many."""
MAPS: Final = "unlossy.tasks.models.segmentation"
"""The package that the maps come in."""


def plain(name: str) -> str:
    """The name without case, spaces, hyphens and underscores: equal for names that are the same."""
    return joined(name).casefold()


def joined(name: str) -> str:
    """The name without spaces, hyphens and underscores, in the case it has."""
    return "".join(letter for letter in name if letter not in " _-")


def names_of(name: str) -> tuple[str, ...]:
    """A plain name itself, then what the maps in `label_maps/` call it, read in both directions."""
    return name, *_other_names().get(name, ())


def listed(names: Sequence[str]) -> str:
    """At most SHOWN names and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


@cache
def _other_names() -> dict[str, tuple[str, ...]]:
    """Other names by name, from the maps that come with the program."""
    found: dict[str, tuple[str, ...]] = {}
    for file in sorted((files(MAPS) / "label_maps").iterdir(), key=lambda file: file.name):
        for pair in json.loads(file.read_text("utf-8"))["names"].items():
            one, other = map(plain, pair)
            found[one] = (*found.get(one, ()), other)
            found[other] = (*found.get(other, ()), one)
    return found
