"""The objects that a COCO file lists, as targets: boxes, categories, crowd regions, and outlines as they stand there.

`instances.json` beside `images/`, `annotations/instances_val2017.json` beside `val2017/`, or the file itself. As COCO's
own tools read it, but nothing broken stays unsaid:

refused, naming the file and the annotation    an image id or a category id that the file does not list; the same id
                                               twice; an id of another kind than a number (an annotation's may be text)
an item whose reading fails (LabelError)       a box that is negative, not finite, not four numbers or wholly outside of
                                               the picture; a polygon of fewer than 6 or an odd number of coordinates;
                                               run lengths that are not of the picture's size; an area or `iscrowd`
                                               that is none
taken as it is, as pycocotools does            a box that goes over the border or has no area; an image without objects
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from unlossy.core.errors import LabelError, UsageError
from unlossy.core.paths import is_file, is_folder
from unlossy.core.tools import digest_of, printable
from unlossy.core.types import ObjectsTarget
from unlossy.datasets.coco import CocoFile, CocoLabels, is_coco_folder, read_coco
from unlossy.datasets.coco_places import own_layout
from unlossy.datasets.folder import LocalFiles
from unlossy.datasets.object_shapes import Shape, shape_of
from unlossy.datasets.tree import Label, TreeDataset, in_key_order

Annotation = Mapping[str, Any]
ImageId = int | str
MOST_ID: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ObjectLabels:
    """Objects and groups by file name."""

    targets: Mapping[str, ObjectsTarget]
    groups: CocoLabels

    def __call__(self, name: str) -> Label:
        """What the COCO file tells of an image; no target where an annotation of it is broken."""
        return Label(self.targets.get(name), self.groups(name).groups)


@dataclass(frozen=True)
class ObjectsDataset(TreeDataset):
    """The images that a COCO file lists, each with its objects."""

    categories: Mapping[int, str] = field(default_factory=dict)


def open_labelled(spec: str) -> ObjectsDataset | None:
    """The dataset of a folder with a COCO file, or of the file itself; None for anything else.

    Raises UsageError where the file as a whole cannot be used, or a folder in COCO's own layout holds several.
    """
    path = Path(spec.removeprefix("file://"))
    if is_folder(path):
        file = path / "instances.json" if is_coco_folder(path) else own_layout(path)
        return None if file is None else open_objects(file)
    return open_objects(path) if path.suffix.lower() == ".json" and is_file(path) else None


def open_objects(file: Path) -> ObjectsDataset:
    """The images of a COCO file, in key order, there or not; raises UsageError as said above."""
    coco = read_coco(file)
    categories = _categories(coco)
    by_image = _annotations(coco, categories)
    sizes = {one["id"]: _size_hw(coco, one) for one in coco.listed("images")}
    targets, failed = {}, {}
    for image_id, name in coco.names.items():
        try:
            targets[name] = _target(coco, by_image.get(image_id, ()), sizes[image_id])
        except LabelError as error:
            failed[name] = error
    return ObjectsDataset(
        spec=str(file),
        names=in_key_order(list(coco.names.values())),
        blob_of=LocalFiles(str(coco.pictures.root)),
        label_of=ObjectLabels(targets, coco.labels()),
        special=failed,
        counted=coco.unlisted(),
        categories=categories,
    )


def _categories(coco: CocoFile) -> dict[int, str]:
    """Names by id, in the order of the ids."""
    names: dict[int, str] = {}
    for one in coco.listed("categories"):
        category_id = one["id"]
        if not _is_whole(category_id):
            raise UsageError(f"{coco.file}: the category id {category_id!r} is not a whole number")
        if category_id in names:
            raise UsageError(f"{coco.file} lists the category id {category_id} twice; give each category its own")
        names[category_id] = printable(str(one["name"]))
    return dict(sorted(names.items()))


def _annotations(coco: CocoFile, categories: Mapping[int, str]) -> Mapping[ImageId, list[Annotation]]:
    """By image; raises UsageError for those that belong to nothing, and for the second of an id."""
    found: dict[ImageId, list[Annotation]] = defaultdict(list)
    seen: set[int | str] = set()
    for number, one in enumerate(coco.listed("annotations")):
        name = one.get("id", f"#{number}")
        if not isinstance(name, int | str):
            raise UsageError(f"{coco.file}: annotations[{number}] has the id {name!r}; give it a number")
        if name in seen:
            raise UsageError(f"{coco.file} lists the annotation id {name!r} twice; give each annotation its own")
        if one["image_id"] not in coco.names:
            raise UsageError(
                f"{coco.file}: annotation {name!r} is of the image {one['image_id']!r}, which `images` does not list;"
                " list it, or take the annotation out"
            )
        if not _is_whole(one["category_id"]) or one["category_id"] not in categories:
            raise UsageError(
                f"{coco.file}: annotation {name!r} is of the category {one['category_id']!r}, which `categories` does"
                " not list; list it, or take the annotation out"
            )
        seen.add(name)
        found[one["image_id"]].append({**one, "id": name})
    return found


def _size_hw(coco: CocoFile, image: Mapping[str, Any]) -> tuple[int, int] | None:
    """Height and width of an image, None where the file does not tell them."""
    if "height" not in image or "width" not in image:
        return None
    height, width = image["height"], image["width"]
    if not (_is_whole(height) and _is_whole(width) and height > 0 and width > 0):
        raise UsageError(f"{coco.file}: image {image['id']!r} is {width!r} wide and {height!r} high")
    return height, width


def _target(coco: CocoFile, annotations: Sequence[Annotation], size_hw: tuple[int, int] | None) -> ObjectsTarget:
    """The objects of an image; raises LabelError naming the annotation that is broken, and how many more are."""
    shapes: list[Shape] = []
    faults: list[str] = []
    for one in annotations:
        try:
            shapes.append(shape_of(one, size_hw))
        except LabelError as error:
            faults.append(f"annotation {one['id']!r}: {error}")
    if faults:
        more = f" (and {len(faults) - 1} more of this image)" if faults[1:] else ""
        raise LabelError(f"{coco.file}, {faults[0]}{more}. Mend it, or take it out")
    told = [_told(one, shape) for one, shape in zip(annotations, shapes, strict=True)]
    return ObjectsTarget(
        np.array([one["category_id"] for one in annotations], dtype=np.int64),
        np.array([shape.box_xyxy for shape in shapes], dtype=np.float64).reshape(-1, 4),
        np.array([shape.crowd for shape in shapes], dtype=bool),
        np.array([shape.area for shape in shapes], dtype=np.float64),
        tuple(one["id"] for one in annotations),
        tuple(shape.outline for shape in shapes),
        digest_of(told),
        size_hw,
    )


def _told(one: Annotation, shape: Shape) -> list[Any]:
    """What the digest is of."""
    return [one["id"], one["category_id"], shape.box_xyxy, shape.crowd, shape.area, shape.outline]


def _is_whole(value: Any) -> bool:  # noqa: ANN401 (any JSON value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_ID
