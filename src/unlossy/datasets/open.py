"""`open_dataset`: from a text to a dataset."""

from pathlib import Path

from unlossy.core.errors import UsageError
from unlossy.datasets.base import Dataset
from unlossy.datasets.folder import FolderDataset


def open_dataset(spec: str, *, labelled: bool = True) -> Dataset:
    """The dataset behind a text: a folder, or `synthetic:N[,size=S][,seed=K]`.

    With `labelled`, a `labels.csv` in the folder's root defines the Items, else folder names do. Without, every image
    file is an Item, whatever a `labels.csv` lists: what an audit wants. Raises UsageError when there is nothing there.
    """
    if spec.startswith("synthetic:"):
        from unlossy.datasets.synthetic import parse_synthetic

        return parse_synthetic(spec)
    path = Path(spec)
    if not path.exists():
        raise UsageError(f"there is no folder {spec!r}; give a folder of images, or synthetic:300 for generated scenes")
    if not path.is_dir():
        raise UsageError(f"{spec!r} is a file, not a folder; `unlossy inspect {spec}` looks at one file")
    return FolderDataset.open(path, labelled=labelled)
