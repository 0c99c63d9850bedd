"""COCO: a JSON file that lists images, which lie in `images/` beside it or where else `coco_places` looks.

Groups come with each image: `class` and `supercategory` of the category that covers most of it (by the sum of the
annotations' areas), `split` where the folder is named so. Boxes and masks are not read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from unlossy.core.errors import UsageError
from unlossy.core.paths import is_file, is_folder
from unlossy.core.tools import json_of, printable
from unlossy.datasets.coco_places import PictureFolder, picture_folder
from unlossy.datasets.folder import UNLISTED, LocalFiles
from unlossy.datasets.naming import is_split
from unlossy.datasets.tree import Label, TreeDataset, in_key_order
from unlossy.datasets.walk import walk

MAX_JSON_BYTES: Final = 512 << 20
"""COCO 2017's own largest file has 470 MB."""


def is_coco_folder(root: Path) -> bool:
    """True where `instances.json` stands beside `images/`."""
    return is_file(root / "instances.json") and is_folder(root / "images")


@dataclass(frozen=True, slots=True)
class CocoFile:
    """A COCO file as it was read: `names` has each image's path, relative to `pictures.root`, by image id."""

    file: Path
    content: Mapping[str, Any]
    names: Mapping[int | str, str]
    pictures: PictureFolder

    def listed(self, key: str) -> Iterator[Mapping[str, Any]]:
        """The objects of `images`, `categories` or `annotations`; raises UsageError for what COCO does not allow."""
        return _dicts(self.file, self.content, key)

    def unlisted(self) -> dict[str, int]:
        """How many images lie there that the file does not list, for `Dataset.others`."""
        found = walk(str(self.pictures.path), follow_links=True)
        left = {self.pictures.folder + name for name in found.names} - set(self.names.values())
        return {UNLISTED: len(left)} if left else {}

    def labels(self) -> "CocoLabels":
        """The groups of each image."""
        folders = PurePosixPath(self.pictures.folder).name, self.pictures.root.name
        return CocoLabels(_groups(self), next(filter(is_split, folders), None))


def open_coco(file: Path) -> TreeDataset:
    """The images that a COCO file lists, there or not (reading a missing one is its error); unlisted ones are counted.

    Raises UsageError as `read_coco` does.
    """
    coco = read_coco(file)
    names, blobs = in_key_order(list(coco.names.values())), LocalFiles(str(coco.pictures.root))
    return TreeDataset(str(file), names, blobs, coco.labels(), {}, coco.unlisted())


def read_coco(file: Path) -> CocoFile:
    """What a COCO file holds.

    Raises UsageError where it is too large, no JSON, no COCO, names an image twice, or none of its images is found.
    """
    content = _read(file)
    names: dict[int | str, str] = {}
    for one in _dicts(file, content, "images"):
        if one["id"] in names:
            raise UsageError(f"{file} lists the image id {one['id']!r} twice; give each image its own")
        names[one["id"]] = _relative(file, one["file_name"])
    if not names:
        raise UsageError(f"{file} lists no image")
    pictures = picture_folder(file, names.values())
    names = {image_id: pictures.folder + name for image_id, name in names.items()}
    name, count = Counter(names.values()).most_common(1)[0]
    if count > 1:
        ids = [image_id for image_id, one in names.items() if one == name]
        raise UsageError(f"{file} lists the image {name!r} {count} times, with the ids {ids[:3]}; list it once")
    return CocoFile(file, content, names, pictures)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        size_bytes = file.stat().st_size
        if size_bytes > MAX_JSON_BYTES:
            raise UsageError(f"{file} has {size_bytes} bytes; a COCO file may have {MAX_JSON_BYTES}: split it")
        content = json_of(file.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{file} is no COCO file: it holds no object with `images`")
    return content


def _dicts(file: Path, content: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list of the file; raises UsageError for what COCO does not allow."""
    needed = {"images": ("id", "file_name"), "categories": ("id", "name"), "annotations": ("image_id", "category_id")}
    listed = content.get(key, [] if key != "images" else None)
    if not isinstance(listed, list):
        raise UsageError(f"{file} is no COCO file: `{key}` is no list")
    for number, one in enumerate(listed):
        if not isinstance(one, dict) or not all(isinstance(one.get(name), int | str) for name in needed[key]):
            raise UsageError(f"{file}: {key}[{number}] needs {' and '.join(needed[key])}")
        yield one


def _relative(file: Path, name: Any) -> str:  # noqa: ANN401 (any JSON value)
    if not isinstance(name, str) or not name or name.startswith("/") or ".." in PurePosixPath(name).parts:
        raise UsageError(f"{file}: {name!r} is not a path inside the folder")
    return str(PurePosixPath(name))


def _groups(coco: CocoFile) -> dict[str, Mapping[str, str]]:
    """`class` and `supercategory` by file name, for the images that have annotations."""
    categories = {one["id"]: one for one in coco.listed("categories")}
    areas: dict[Any, dict[Any, float]] = defaultdict(lambda: defaultdict(float))
    for one in coco.listed("annotations"):
        area = one.get("area", 0)
        areas[one["image_id"]][one["category_id"]] += area if isinstance(area, int | float) else 0
    groups: dict[str, Mapping[str, str]] = {}
    for image_id, name in coco.names.items():
        areas_of = areas.get(image_id)
        category = categories.get(max(areas_of, key=areas_of.__getitem__)) if areas_of else None
        if category is not None:
            groups[name] = {
                "class": printable(str(category["name"])),
                "supercategory": printable(str(category.get("supercategory", "none"))),
            }
    return groups


@dataclass(frozen=True, slots=True)
class CocoLabels:
    """Groups by file name; no target."""

    groups: Mapping[str, Mapping[str, str]]
    split: str | None

    def __call__(self, name: str) -> Label:
        """What the COCO file tells of an image."""
        split = {"split": self.split} if self.split else {}
        return Label(None, {"folder": printable(name.rpartition("/")[0]), **self.groups.get(name, {}), **split})
