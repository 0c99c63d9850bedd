"""`open_dataset`: from a text to a dataset."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from unlossy.core.errors import UsageError
from unlossy.core.paths import is_file, is_folder, status_of
from unlossy.core.types import TargetKind
from unlossy.datasets.base import Dataset, Untargeted

TARGETS: Final[dict[TargetKind, str]] = {
    "objects": "unlossy.datasets.objects",
    "label_map": "unlossy.datasets.label_maps",
    "text": "unlossy.datasets.texts",
}
"""By the kind of target the module that reads it: its `open_labelled(spec) -> Dataset | None`, None where a text names
no data with such labels."""


def open_dataset(spec: str, *, labelled: bool = True, targets: TargetKind = "class") -> Dataset:
    """The dataset behind a text.

    photos/                         a folder, with the images in its archives, tables and PDFs
    photos/*.jpg                    the files that fit a pattern (`**` goes over folders)
    photo.jpg  shard.tar  x.zip  table.parquet  scan.pdf     one file
    coco/val/instances.json         the images that a COCO file lists: in `images/` or beside it; those of
                                    coco/annotations/instances_val2017.json in coco/val2017/, too
    -                               files named on stdin, by line or with zero bytes between
    memory://..., s3://..., hf://...                         files by URL (fsspec)
    synthetic:N[,size=S][,seed=K]   generated scenes

    With `labelled`, a `labels.csv` (or an `instances.json` beside `images/`) in a folder's root defines the Items, else
    folder names do: what a study works on. Without, every image file is an Item, whatever is listed, and a link out of
    the folder is refused: what an audit wants. `targets` is the kind of label a task wants; data that have none of it
    give Items without target. With "objects" a folder may have COCO's own layout: one COCO file in `annotations/`.
    Raises UsageError when there is nothing there, MissingDependency where a package is absent that the one file or the
    URL needs.
    """
    if spec.startswith("synthetic:"):
        from unlossy.datasets.synthetic import parse_synthetic

        return parse_synthetic(spec, targets)
    if targets != "class":
        module = import_module(TARGETS[targets]) if targets in TARGETS else None
        found = cast("Dataset | None", module.open_labelled(spec)) if module and is_path(spec) else None
        return Untargeted(open_dataset(spec, labelled=labelled)) if found is None else found
    if spec == "-":
        from unlossy.datasets.listed import open_list

        return open_list(sys.stdin.buffer.read())
    if not is_path(spec):
        from unlossy.datasets.remote import open_remote

        return open_remote(spec)
    return _open_path(path_of(spec), labelled=labelled)


def is_path(spec: str) -> bool:
    """True for a text that names files here: no stdin, no URL, no generated scenes."""
    return spec != "-" and not spec.startswith("synthetic:") and ("://" not in spec or spec.startswith("file://"))


def path_of(spec: str) -> str:
    """The path, or the pattern, that a text of that kind stands for."""
    return spec.removeprefix("file://")


def _open_path(spec: str, *, labelled: bool) -> Dataset:
    from unlossy.datasets.coco import is_coco_folder, open_coco
    from unlossy.datasets.folder import FolderDataset
    from unlossy.datasets.listed import WILDCARDS, open_file, open_pattern

    path = Path(spec)
    if is_folder(path):
        if labelled and is_coco_folder(path) and not is_file(path / "labels.csv"):
            return open_coco(path / "instances.json")
        return FolderDataset.open(path, labelled=labelled, containers=True, follow_links=labelled)
    if status_of(path) is not None:
        return open_coco(path) if path.suffix.lower() == ".json" else open_file(path)
    if any(sign in spec for sign in WILDCARDS):
        return open_pattern(spec)
    raise UsageError(
        f"there is no folder {spec!r}, and no file of that name; give images, or synthetic:300 for generated scenes"
    )
