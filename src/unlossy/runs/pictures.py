"""`RUN/pictures/index.json`: which pictures a study kept, and what the model said of each. Written by the study, read
by the report; the pictures beside it are lossless PNG files.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unlossy.core.errors import RunError, UsageError
from unlossy.core.tools import json_of

PICTURES, INDEX = "pictures", "index.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class PictureCell:
    """One version of a picture: the setting ("clean" or a codec's), its file, the answer and its probability (0..1).

    `right` tells whether the answer is the true class, or without labels the answer on the clean picture.
    """

    codec: str
    file: str
    answer: int
    probability: float
    right: bool
    encoded_bytes: int | None


@dataclass(frozen=True, slots=True)
class PictureItem:
    """One item in several cells, the clean one first.

    `size_wh` is that of what was compressed; the files hold `crop_xywh` of it, in pixels. `zoom_xywh` is the region,
    inside the crop, where the worst cell differs most. `true_class` is None without a label. `wrong_from` is
    the setting from which on, all the way down, the answer is wrong. `strip` names the PNG
    that shows all cells in one picture, where one was asked for.
    """

    key: str
    item_index: int
    true_class: int | None
    class_name: str | None
    size_wh: tuple[int, int]
    crop_xywh: tuple[int, int, int, int]
    zoom_xywh: tuple[int, int, int, int]
    cells: tuple[PictureCell, ...]
    wrong_from: str | None = None
    strip: str | None = None


@dataclass(frozen=True, slots=True)
class PictureIndex:
    """Pictures that `changed` their answer, pictures that were asked for (`shown`), the model's class names if it has
    any, and the keys of pictures that could not be made again, with the reason."""

    labels: tuple[str, ...] | None = None
    changed: tuple[PictureItem, ...] = ()
    shown: tuple[PictureItem, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


def read_pictures(run: Path) -> PictureIndex | None:
    """The index of a RUN, None where it has no pictures; raises UsageError where it cannot be read."""
    path = run / PICTURES / INDEX
    if not path.exists():
        return None
    try:
        table = json_of(path.read_text("utf-8"))
        if table["version"] != VERSION:
            raise UsageError(f"{path} was made by another version of unlossy; remove it and run the study again")
        return PictureIndex(
            labels=None if table["labels"] is None else tuple(map(str, table["labels"])),
            changed=tuple(map(_item, table["changed"])),
            shown=tuple(map(_item, table["shown"])),
            missing=tuple((str(key), str(reason)) for key, reason in table["missing"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"cannot read {path} ({error}); remove it and run the study again") from error


def write_pictures_index(run: Path, index: PictureIndex) -> None:
    """Writes the index whole or not at all; raises RunError."""
    path = run / PICTURES / INDEX
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(json.dumps({"version": VERSION} | asdict(index), indent=1) + "\n", "utf-8")
        partial.replace(path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error


def class_text(index: int | None, labels: tuple[str, ...] | None, class_name: str | None) -> str | None:
    """A class as people call it: the first of the model's names for it, else the folder's, else its number."""
    if index is None:
        return class_name
    if labels is not None and 0 <= index < len(labels):
        return labels[index].split(",")[0].strip() or f"class {index}"
    return class_name or f"class {index}"


def _item(table: dict[str, Any]) -> PictureItem:
    cells = tuple(PictureCell(**cell | {"file": _plain(cell["file"])}) for cell in table["cells"])
    boxes = {name: tuple(map(int, table[name])) for name in ("size_wh", "crop_xywh", "zoom_xywh")}
    return PictureItem(**table | boxes | {"cells": cells})


def _plain(name: str) -> str:
    """The file name; raises ValueError where it would lead out of the folder."""
    if Path(name).name != name or name in ("", ".."):
        raise ValueError(f"{name!r} is not a file name")
    return name
