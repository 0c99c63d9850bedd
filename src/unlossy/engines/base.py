"""The contract of an engine: maps batches of references through workers, in order, failures as values."""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

Ref = TypeVar("Ref")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Ok(Generic[Ref, Value]):
    """What a worker made of a batch."""

    refs: tuple[Ref, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class Failed(Generic[Ref]):
    """A batch whose worker raised."""

    refs: tuple[Ref, ...]
    error: Exception


@runtime_checkable
class Engine(Protocol):
    """Runs workers somewhere; bounded memory, results in the order of the references."""

    def map(
        self,
        make_worker: Callable[[], Callable[[Sequence[Ref]], Value]],
        refs: Iterable[Ref],
        batch_size: int,
        gpus: float = 0,
    ) -> Generator[Ok[Ref, Value] | Failed[Ref], None, None]:
        """One Ok or Failed per batch of at most `batch_size` references; `make_worker` is called once per worker."""
        ...
