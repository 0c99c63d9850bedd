"""`open_dataset`: from a text to a dataset."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from unlossy.core.errors import UsageError
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
    coco/val/instances.json         the images that a COCO file lists
    -                               files named on stdin, by line or with zero bytes between
    memory://..., s3://..., hf://...                         files by URL (fsspec)
    synthetic:N[,size=S][,seed=K]   generated scenes

    With `labelled`, a `labels.csv` (or an `instances.json` beside `images/`) in a folder's root defines the Items, else
    folder names do: what a study works on. Without, every image file is an Item, whatever is listed, and a link out of
    the folder is refused: what an audit wants. `targets` is the kind of label a task wants; data that have none of it
    give Items without target. Raises UsageError when there is nothing there, MissingDependency where a
    package is absent that the one file or the URL needs.
    """
    if spec.startswith("synthetic:"):
        from unlossy.datasets.synthetic import parse_synthetic

        return parse_synthetic(spec, targets)
    if targets != "class":
        module = import_module(TARGETS[targets]) if targets in TARGETS else None
        found = cast("Dataset | None", module.open_labelled(spec)) if module else None
        return Untargeted(open_dataset(spec, labelled=labelled)) if found is None else found
    if spec == "-":
        from unlossy.datasets.listed import open_list

        return open_list(sys.stdin.buffer.read())
    if "://" in spec and not spec.startswith("file://"):
        from unlossy.datasets.remote import open_remote

        return open_remote(spec)
    return _open_path(spec.removeprefix("file://"), labelled=labelled)


def _open_path(spec: str, *, labelled: bool) -> Dataset:
    from unlossy.datasets.coco import is_coco_folder, open_coco
    from unlossy.datasets.folder import FolderDataset
    from unlossy.datasets.listed import WILDCARDS, open_file, open_pattern

    path = Path(spec)
    if path.is_dir():
        if labelled and is_coco_folder(path) and not (path / "labels.csv").is_file():
            return open_coco(path / "instances.json")
        return FolderDataset.open(path, labelled=labelled, containers=True, follow_links=labelled)
    if path.exists():
        return open_coco(path) if path.suffix.lower() == ".json" else open_file(path)
    if any(sign in spec for sign in WILDCARDS):
        return open_pattern(spec)
    raise UsageError(
        f"there is no folder {spec!r}, and no file of that name; give images, or synthetic:300 for generated scenes"
    )
