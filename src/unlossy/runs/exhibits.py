"""`RUN/pictures/exhibits.json`: pictures kept of a study whose answers are boxes, maps or texts.

The answers themselves stand in the rows; here are the pictures to draw them on, as lossless PNG files beside the index,
and what the answers' class ids mean. (A classification study keeps its own kind, see `pictures.py`.)
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from unlossy.core.errors import RunError, UsageError
from unlossy.core.tools import json_of
from unlossy.runs.pictures import PICTURES

INDEX: Final = "exhibits.json"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a picture: the cell it is of, its file, and the bytes of the compressed picture."""

    codec: str
    mitigation: str
    file: str
    encoded_bytes: int | None


@dataclass(frozen=True, slots=True)
class Exhibit:
    """An item in several cells, the clean one first.

    `size_wh` is that of what was compressed; the files hold `crop_xywh` of it, in pixels. `lost` is how far its score
    fell at the worst setting shown (0..1), None where it was asked for by key.
    """

    key: str
    item_index: int
    size_wh: tuple[int, int]
    crop_xywh: tuple[int, int, int, int]
    versions: tuple[Version, ...]
    lost: float | None = None


@dataclass(frozen=True, slots=True)
class Exhibits:
    """Names of the classes by id, the items, and the keys of what could not be made again with the reason."""

    classes: Mapping[int, str] = field(default_factory=dict)
    items: tuple[Exhibit, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()

    def class_name(self, class_id: int) -> str:
        """What a class is called."""
        return self.classes.get(class_id, f"class {class_id}")


def read_exhibits(run: Path) -> Exhibits | None:
    """The exhibits of a RUN, None where it has none; raises UsageError where they cannot be read."""
    path = run / PICTURES / INDEX
    if not path.exists():
        return None
    try:
        table = json_of(path.read_text("utf-8"))
        if table["version"] != VERSION:
            raise UsageError(f"{path} was made by another version of unlossy; remove it and run the study again")
        return Exhibits(
            classes={int(class_id): str(name) for class_id, name in table["classes"].items()},
            items=tuple(map(_exhibit, table["items"])),
            missing=tuple((str(key), str(reason)) for key, reason in table["missing"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"cannot read {path} ({error}); remove it and run the study again") from error


def write_exhibits_index(run: Path, exhibits: Exhibits) -> None:
    """Writes the index whole or not at all; raises RunError."""
    path = run / PICTURES / INDEX
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(exist_ok=True)
        partial.write_text(json.dumps({"version": VERSION} | asdict(exhibits), indent=1) + "\n", "utf-8")
        partial.replace(path)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error


def _exhibit(table: dict[str, Any]) -> Exhibit:
    versions = tuple(Version(**version) for version in table["versions"])
    for version in versions:
        if Path(version.file).name != version.file or version.file in ("", ".."):
            raise ValueError(f"{version.file!r} is not a file name")
    boxes = {name: tuple(map(int, table[name])) for name in ("size_wh", "crop_xywh")}
    return Exhibit(**table | boxes | {"versions": versions})
