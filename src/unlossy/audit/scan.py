"""From Items to rows: `scan_batches` for a dataset, as Arrow record batches; `examine` for one file.

Both give the same values. Memory holds one batch (and one for each further process), whatever the dataset's size; an
item that fails is a row with an `error_kind`.
"""

from collections.abc import Iterable, Iterator, MutableMapping

import pyarrow as pa

from unlossy.audit.examine import HEADERS_ONLY, Examined, examine
from unlossy.audit.jobs import scan_in_processes
from unlossy.audit.options import ScanOptions
from unlossy.audit.quick import QuickScan
from unlossy.core.types import Item

__all__ = ["Examined", "ScanOptions", "examine", "scan_batches"]


def scan_batches(
    items: Iterable[Item], options: ScanOptions = HEADERS_ONLY, others: MutableMapping[str, int] | None = None
) -> Iterator[pa.RecordBatch]:
    """Batches of `audit.schema.schema(options.pixels, options.sha256)`: one row per item, in the items' order.

    Args:
        items: A dataset, `Sources`, or any Items. An iterator, which can be walked only once, is scanned by this
            process alone, whatever `jobs` says.
        options: What to look at, and with how many processes.
        others: Is filled, when the last batch has been taken, with what the dataset counted that gives no row.
    """
    counted: MutableMapping[str, int] = {} if others is None else others
    if options.jobs > 1 and iter(items) is not items:
        yield from scan_in_processes(items, options, counted)
    else:
        yield from QuickScan(options).batches(items)
        counted.update(getattr(items, "others", {}))
