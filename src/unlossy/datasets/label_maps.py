"""Pictures with a map of classes each: `images/` beside `masks/`, a one-channel PNG of the same name for each picture.

val/images/a/1.jpg   val/masks/a/1.png     a pixel's value is the id of its class; in a palette PNG, the colour's index
val/mask_ids.json                          {"0": "unlabeled", "1": "person", ...}; or masks.json, or one folder above

Ids named unlabeled, unlabelled, ignore, ignored or void are no class, nor is 255. Two ids may bear one name: they are
then one class, so a `mask_ids.json` of one's own is also the place to say what should count as what. Without any such
file an id is the number of the model's output.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt16
from PIL import Image, UnidentifiedImageError

from unlossy.core.blobs import FileBlob
from unlossy.core.errors import ItemError, LabelError, UsageError
from unlossy.core.paths import is_file, is_folder
from unlossy.core.pixels import MAX_PIXELS, large_pictures
from unlossy.core.tools import json_of, printable
from unlossy.core.types import Blob, LabelMapTarget
from unlossy.datasets.containers.base import Container
from unlossy.datasets.failed import failed_blob
from unlossy.datasets.folder import LocalFiles
from unlossy.datasets.naming import is_split
from unlossy.datasets.tree import Label, TreeDataset, in_key_order
from unlossy.datasets.walk import walk

NAMES_FILES: Final = ("mask_ids.json", "masks.json")
NO_CLASS_NAMES: Final = frozenset({"unlabeled", "unlabelled", "ignore", "ignored", "void"})
NO_CLASS_ID: Final = 255
MAX_ID: Final = 65_000
MODES: Final = ("1", "L", "P", "I;16", "I;16B", "I")
"""Pillow's names of one-channel pictures."""


@dataclass(frozen=True)
class LabelMapDataset(TreeDataset):
    """Pictures and their label maps; `categories` are the classes' names by id, empty where none are told."""

    categories: Mapping[int, str] = field(default_factory=dict)


def open_labelled(spec: str) -> LabelMapDataset | None:
    """The dataset of a folder with `images/` and `masks/`, None where it is none.

    A picture without a mask, or with one that cannot be read, is an item that fails. Raises UsageError where there is
    no picture, or the file of names is none.
    """
    root = Path(spec)
    if not is_folder(root / "images") or not is_folder(root / "masks"):
        return None
    found = walk(str(root / "images"), follow_links=True)
    names = [f"images/{name}" for name in found.names if not isinstance(found.special.get(name), Container)]
    if not names:
        raise UsageError(f"there is no image in {str(root / 'images')!r}")
    files = {path.relative_to(root / "masks").as_posix() for path in (root / "masks").rglob("*") if path.is_file()}
    masks = {name for name in files if name.endswith(".png")}
    categories, ignored = _names(root)
    label_of = LabelMaps(str(root), frozenset(masks), ignored)
    counted = Counter(found.others) + Counter(
        {
            "mask without image": len(masks - {mask_of(name) for name in names}),
            "mask that is no .png": len(files - masks),
            "container beside images": sum(isinstance(one, Container) for one in found.special.values()),
        }
    )
    special = {f"images/{n}": one for n, one in found.special.items() if isinstance(one, ItemError)}
    return LabelMapDataset(
        spec, in_key_order(names), LocalFiles(str(root)), label_of, special, counted, categories=categories
    )


def mask_of(name: str) -> str:
    """The mask's path below `masks/` of a picture `images/...`."""
    return f"{name.removeprefix('images/').rpartition('.')[0]}.png"


@dataclass(frozen=True, slots=True)
class LabelMaps:
    """Targets by the picture's name; the mask is read for its digest when the Item is made."""

    root: str
    masks: frozenset[str]
    ignored: frozenset[int]

    def __call__(self, name: str) -> Label:
        """The label map of a picture, one that fails where there is no mask."""
        mask = mask_of(name)
        groups = {"folder": printable(name.rpartition("/")[0])}
        split = Path(self.root).name
        blob: Blob = FileBlob(f"{self.root}/masks/{mask}")
        if mask not in self.masks:
            blob = failed_blob(LabelError(f"there is no mask masks/{printable(mask)} for this picture"))
        return Label(LabelMapTarget(blob, _digest(blob), self.ignored), groups | _split(split))


def _split(name: str) -> dict[str, str]:
    return {"split": name} if is_split(name) else {}


def _digest(blob: Blob) -> str:
    try:
        return hashlib.sha256(blob.all()).hexdigest()
    except ItemError as error:
        return f"{error.kind}: {error}"


def _names(root: Path) -> tuple[dict[int, str], frozenset[int]]:
    """Names of the classes by id, and the ids that are no class."""
    files = [folder / name for folder in (root, root.resolve().parent) for name in NAMES_FILES]
    file = next((file for file in files if is_file(file)), None)
    if file is None:
        return {}, frozenset({NO_CLASS_ID})
    try:
        table = json_of(file.read_text("utf-8"))
        if not isinstance(table, dict):
            raise ValueError("it holds no object")
        names = {int(key): name for key, name in table.items()}
    except (OSError, ValueError) as error:
        raise UsageError(f'cannot read {file} as names by id, {{"1": "person", ...}}: {error}') from error
    for number, name in names.items():
        if not isinstance(name, str) or not name.strip() or not 0 <= number <= MAX_ID:
            raise UsageError(f"{file}: {number}: {name!r} is no id from 0 to {MAX_ID} with a name")
    ignored = {number for number, name in names.items() if name.strip().lower() in NO_CLASS_NAMES}
    if NO_CLASS_ID not in names:
        ignored.add(NO_CLASS_ID)
    return {number: name for number, name in names.items() if number not in ignored}, frozenset(ignored)


def name_of(blob: Blob) -> str:
    """What messages call a mask: its file's name, where it is one."""
    return f"masks/…/{printable(blob.path.name)}" if isinstance(blob, FileBlob) else "the mask"


def read_class_ids(blob: Blob) -> UInt16[np.ndarray, "h w"]:
    """The ids in a one-channel PNG of 1 to 16 bits.

    Raises:
        ReadError: the bytes cannot be had.
        LabelError: they are no PNG, or one with several channels, or with ids over MAX_ID.
    """
    data, name = blob.all(), name_of(blob)
    try:
        with large_pictures(), Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.mode not in MODES:
                channels = f"{len(image.getbands())} channels ({image.mode})"
                raise LabelError(f"{name} has {channels}; one channel of class ids is needed")
            if image.width * image.height > MAX_PIXELS:
                raise LabelError(f"{name} claims {image.width}x{image.height} pixels, too many")
            ids = np.asarray(image)
    except UnidentifiedImageError as error:  # whose own words hold an address, another one each time
        raise LabelError(f"{name} is not a PNG that can be read; write it anew") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise LabelError(f"{name} is not a PNG that can be read: {error}") from error
    ids = ids // _scale(data)
    if ids.max(initial=0) > MAX_ID:
        raise LabelError(f"{name} has the id {ids.max()}; ids reach to {MAX_ID}")
    return ids.astype(np.uint16)


def _scale(data: bytes) -> int:
    """By what Pillow multiplied the values: it spreads grey of 2 and 4 bits over 0..255."""
    bits, colour_type = data[24], data[25]  # of the header, which is always the first chunk
    return {2: 85, 4: 17}.get(bits, 1) if colour_type == 0 else 1
