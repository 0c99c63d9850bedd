"""The scan in several processes: each walks the same Items and looks at its own share, the parent puts them in order.

    chunk 0 1 2 3 4 5 ...  of equal length       process 0: chunks 0 2 4 ...    process 1: chunks 1 3 5 ...

Nothing but finished batches passes between processes (`Compact`, as Arrow IPC messages through a pipe, which also
bounds what waits). A process that dies (killed, out of memory, a decoder that crashed) leaves a chunk behind: its items
are looked at one by one in further processes, so that only those that are deadly get an error row.
"""

import gc
import json
import math
import multiprocessing
import signal
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

import pyarrow as pa

from unlossy.audit.batches import Columns
from unlossy.audit.compact import Compact
from unlossy.audit.options import ScanOptions
from unlossy.audit.quick import QuickScan
from unlossy.audit.rows import AuditRow, failed
from unlossy.audit.schema import schema
from unlossy.core.errors import ReadError, RunError, UnlossyError
from unlossy.core.types import Item

ROWS: Final = 4096
"""In a chunk, at most: smaller ones take longer, a row of 1024 a fifth more than one of 4096."""
ROWS_READ_WHOLE: Final = 256
PIPE_BYTES: Final = 2**20
"""Of finished rows that wait in a pipe (where the system can be told so), so that its process need not."""
MAX_DEATHS: Final = 100
"""Deaths of processes, after which the scan gives up."""
JOIN_S: Final = 5
"""A process whose pipe has closed is given this long to have an exit code."""
_END, _ERROR = b"end:", b"error:"


@dataclass(frozen=True, slots=True)
class Share:
    """The chunks of one process: `rows` items from `first` on, the next chunk `stride` items later, `limit` chunks."""

    first: int
    rows: int
    stride: int
    limit: int | None = None


def scan_in_processes(
    items: Iterable[Item], options: ScanOptions, others: MutableMapping[str, int]
) -> Iterator[pa.RecordBatch]:
    """One row per item, in order; `items` is iterated in each process, and must give the same Items each time.

    `others` is filled at the end with what the items' dataset has counted. Raises RunError where processes keep dying.
    """
    rows = _chunk_rows(items, options)
    deaths = Deaths()
    workers = [
        Worker(items, options, Share(index * rows, rows, options.jobs * rows), deaths) for index in range(options.jobs)
    ]
    try:
        yield from _in_turn(workers)
        others.update(next((worker.others for worker in workers if worker.others), {}))
    finally:
        for worker in workers:
            worker.stop()


def _chunk_rows(items: Iterable[Item], options: ScanOptions) -> int:
    """The length of chunks: at most so many rows, and so that all processes have equally many where that is known."""
    most = ROWS_READ_WHOLE if options.deep or options.sha256 or options.pixels else ROWS
    count = len(items) if isinstance(items, Sequence) else getattr(items, "n_items", None)
    if not count:
        return most
    return math.ceil(count / (options.jobs * math.ceil(count / (options.jobs * most))))


def _in_turn(workers: Sequence["Worker"]) -> Iterator[pa.RecordBatch]:
    """The first chunk of each, the second of each, ... until one has none."""
    while True:
        for worker in workers:
            batches = worker.next_chunk()
            if not batches:
                return
            yield from batches


class Deaths:
    """A count of processes that died, over all workers."""

    def __init__(self) -> None:
        """None yet."""
        self._count = 0

    def note(self) -> None:
        """Counts one; raises RunError where there were too many."""
        self._count += 1
        if self._count > MAX_DEATHS:
            raise RunError(f"{self._count} worker processes died; run it with --jobs 1 to see why, or with more memory")


class Worker:
    """One share of the items, and the process that looks at it.

    `others` is what the items' dataset had counted in that process when they ended.
    """

    def __init__(self, items: Iterable[Item], options: ScanOptions, share: Share, deaths: Deaths) -> None:
        """Starts the process."""
        self._items, self._options, self._share, self._deaths = items, options, share, deaths
        self.others: Mapping[str, int] = {}
        self._schema = schema(options.pixels, options.sha256)
        self._start(share)

    def next_chunk(self) -> list[pa.RecordBatch]:
        """The rows of the share's next chunk; none where the items have ended."""
        share = self._share
        batch = self._receive()
        self._share = Share(share.first + share.stride, share.rows, share.stride, share.limit)
        if batch is not None:
            return [batch] if batch.num_rows else []
        self._deaths.note()
        batches = list(self._one_by_one(share)) if share.rows > 1 else [self._lost(share.first)]
        self._start(self._share)
        return batches

    def stop(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.terminate()
        self._process.join()

    def _start(self, share: Share) -> None:
        """Forks where that is possible: the items are there then, and nothing is imported again."""
        kind = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
        context = multiprocessing.get_context(kind)
        self._connection, theirs = context.Pipe(duplex=False)
        _widen(theirs)
        self._process: BaseProcess = context.Process(  # type: ignore[attr-defined]
            target=_serve, args=(self._items, self._options, share, theirs), daemon=True
        )
        self._process.start()
        theirs.close()

    def _receive(self) -> pa.RecordBatch | None:
        """The next chunk, empty at the end; None where the process died before it."""
        try:
            message = self._connection.recv_bytes()
            if not message.startswith((_END, _ERROR)):
                others = [self._connection.recv_bytes() for _ in range(2)]
                return Compact.of_messages([message, *others], self._schema).spread(self._schema)
        except (EOFError, OSError):
            self._process.join(JOIN_S)
            self.stop()
            return None
        if message.startswith(_END):
            self.others = json.loads(message.removeprefix(_END))
            return pa.RecordBatch.from_arrays([pa.nulls(0, kind) for kind in self._schema.types], schema=self._schema)
        raise RunError(message.removeprefix(_ERROR).decode())

    def _one_by_one(self, share: Share) -> Iterator[pa.RecordBatch]:
        """The rows of a chunk whose process died, each item looked at alone."""
        worker = Worker(self._items, self._options, Share(share.first, 1, 1, share.rows), self._deaths)
        try:
            for _ in range(share.rows):
                batches = worker.next_chunk()
                if not batches:
                    return
                yield from batches
        finally:
            worker.stop()

    def _lost(self, row: int) -> pa.RecordBatch:
        """The row of an item that a process died of."""
        item = next(islice(iter(self._items), row, None))
        code = self._process.exitcode
        how = f"by signal {-code} ({signal.Signals(-code).name})" if code is not None and code < 0 else f"(exit {code})"
        error = ReadError(f"the process that looked at this image was ended {how}, out of memory perhaps")
        columns = Columns(1)
        columns.add(item)
        columns.fill(0, failed(AuditRow(key=item.key), error))
        return columns.as_batch(pixels=self._options.pixels, sha256=self._options.sha256)


def _widen(pipe: Connection) -> None:
    """Lets more bytes wait in a pipe, on systems that can (Linux)."""
    try:
        import fcntl

        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):  # no such system call, or more than a user may have
        return


def _serve(items: Iterable[Item], options: ScanOptions, share: Share, connection: Connection) -> None:
    """The process: sends each chunk of its share, then the end; a Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # what came with the fork is not looked through again, which would copy its pages
    scan = QuickScan(options)
    try:
        for chunk in _chunks(items, share):
            columns = scan.columns(iter(chunk), share.rows)
            if not len(columns):
                break
            for message in columns.compact(pixels=options.pixels, sha256=options.sha256).messages():
                connection.send_bytes(message)
        connection.send_bytes(_END + json.dumps(dict(getattr(items, "others", {}))).encode())
    except BrokenPipeError:  # the parent has gone, or wants no more
        return
    except UnlossyError as error:
        connection.send_bytes(_ERROR + str(error).encode())


def _chunks(items: Iterable[Item], share: Share) -> Iterator[Iterable[Item]]:
    """The share's chunks; the items between them are stepped over."""
    first, count = share.first, 0
    if isinstance(items, Sequence):
        while share.limit is None or count < share.limit:
            yield items[first : first + share.rows]
            first, count = first + share.stride, count + 1
        return
    rest = islice(iter(items), first, None)
    while share.limit is None or count < share.limit:
        yield islice(rest, share.rows)
        next(islice(rest, share.stride - share.rows, share.stride - share.rows), None)
        count += 1
