"""Where `unlossy audit` writes: never over what it reads."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from unlossy.audit.sources import Sources
from unlossy.core.blobs import FileBlob
from unlossy.core.errors import UsageError
from unlossy.core.outputs import check_apart
from unlossy.core.paths import status_of
from unlossy.datasets.containers.parquet import is_audit_rows
from unlossy.datasets.open import is_path, path_of
from unlossy.datasets.tree import TreeDataset


def check_outputs(outputs: Sequence[Path], paths: Sequence[str], others: Sequence[Path], sources: Sources) -> None:
    """Raises UsageError where an output is one of the PATHs, lies in one and is no earlier result, or is an image.

    `others` is what the audit reads beside them: policies, a study.
    """
    check_apart(outputs, [*map(path_of, filter(is_path, paths)), *others], is_earlier_result)
    for output in outputs:
        status = status_of(output)
        if status is not None and any(os.path.samestat(status, item) for item in _items(sources)):
            raise UsageError(f"{str(output)!r} is an image that is read, and would be overwritten; name another file")


def is_earlier_result(path: Path) -> bool:
    """True for the rows or the page of an earlier audit."""
    from unlossy.report.document import is_page  # its package loads the study's report, which few audits should pay for

    return is_audit_rows(FileBlob(path)) or is_page(path)


def _items(sources: Sources) -> Iterator[os.stat_result]:
    """What the system knows of the local files behind the Items: those of lists, patterns and COCO files too."""
    for dataset in sources.datasets:
        if isinstance(dataset, TreeDataset):
            for blob in map(dataset.blob_of, dataset.names):
                if isinstance(blob, FileBlob):
                    try:
                        yield os.stat(blob.location)  # noqa: PTH116 (no Path is built)
                    except (OSError, ValueError):  # its row will say so
                        continue
