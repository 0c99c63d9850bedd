"""Threads of this process. Codecs and resizing release the GIL, so a thread per core keeps the cores busy."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from unlossy.core.tools import n_cores
from unlossy.engines.base import Failed, Ok, Ref, Value


@dataclass(frozen=True)
class LocalEngine:
    """At most `workers` threads, and at most `workers + 2` batches between their start and their consumer."""

    workers: int = field(default_factory=n_cores)

    def map(
        self,
        make_worker: Callable[[], Callable[[Sequence[Ref]], Value]],
        refs: Iterable[Ref],
        batch_size: int,
        gpus: float = 0,  # noqa: ARG002 (threads share whatever the process sees)
    ) -> Generator[Ok[Ref, Value] | Failed[Ref], None, None]:
        """One Ok or Failed per batch, in order. Closing the iterator drops what has not started."""
        own = threading.local()

        def work(batch: tuple[Ref, ...]) -> Value:
            if not hasattr(own, "worker"):
                own.worker = make_worker()
            value: Value = own.worker(batch)
            return value

        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="unlossy")
        waiting: deque[tuple[tuple[Ref, ...], Future[Value]]] = deque()
        try:
            for batch in _batches(refs, batch_size):
                waiting.append((batch, pool.submit(work, batch)))
                if len(waiting) > self.workers + 1:
                    yield _outcome(*waiting.popleft())
            while waiting:
                yield _outcome(*waiting.popleft())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _outcome(batch: tuple[Ref, ...], future: "Future[Value]") -> Ok[Ref, Value] | Failed[Ref]:
    error = future.exception()
    if error is None:
        return Ok(batch, future.result())
    if isinstance(error, Exception):
        return Failed(batch, error)
    raise error


def _batches(refs: Iterable[Ref], batch_size: int) -> Iterator[tuple[Ref, ...]]:
    source = iter(refs)
    while batch := tuple(itertools.islice(source, batch_size)):
        yield batch
