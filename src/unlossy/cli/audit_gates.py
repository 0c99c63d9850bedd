"""The gates of `unlossy audit`: --fail-under and --policy, checked while the rows go by."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
from rich.console import Console
from rich.text import Text

from unlossy.audit.options import ScanOptions
from unlossy.audit.policy import Checker, PolicyResult, check_measured, fail_under, load_policy
from unlossy.core.tools import printable

EXIT_CODE: Final = 1
"""Outranks 3 (some files could not be read): the gate is what was asked for, and it is broken either way."""

KEYS_SHOWN: Final = 10


def gates(ijg_quality: float | None, policies: Sequence[Path], options: ScanOptions) -> list[Checker]:
    """A checker for each gate that was asked for; raises UsageError, before any work, for one that makes no sense."""
    asked = [] if ijg_quality is None else [fail_under(ijg_quality)]
    asked += [load_policy(path) for path in policies]
    for policy in asked:
        check_measured(policy, options)
    return [Checker(policy) for policy in asked]


def checked(batches: Iterable[pa.RecordBatch], checkers: Sequence[Checker]) -> Iterator[pa.RecordBatch]:
    """The record batches, each shown to every checker on its way."""
    for batch in batches:
        for checker in checkers:
            checker.add(batch)
        yield batch


def print_gates(results: Iterable[PolicyResult]) -> None:
    """Prints each gate's limits, and the first keys that break a limit."""
    console = Console(highlight=False)
    for result in results:
        name, word = printable(result.policy.name), "passed" if result.passed else "FAILED"
        console.print(Text(f"policy {name}: {word}"), soft_wrap=True)
        for limit in result.limits:
            console.print(Text(f"  {printable(limit.sentence)}"), soft_wrap=True)
        for key in result.offending[:KEYS_SHOWN]:
            console.print(Text(f"    {key}"), soft_wrap=True)
        if (more := len(result.offending) - KEYS_SHOWN) > 0:
            console.print(f"    and {more} more; --json lists them all")
