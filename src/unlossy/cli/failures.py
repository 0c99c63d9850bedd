"""What failed, on the terminal: how many items, and the first few with their reasons."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console

from unlossy.core.tools import printable

SHOWN: Final = 10
"""Failures on the terminal; --json and the pages have them all."""


def print_failures(console: Console, heading: str, failures: Sequence[str]) -> None:
    """Prints the heading and the first failures, each on lines of its own; nothing where none failed."""
    if not failures:
        return
    console.print(heading, style="red", highlight=False, markup=False)
    for failure in failures[:SHOWN]:
        console.print(f"  {printable(failure)}", highlight=False, markup=False)
    if len(failures) > SHOWN:
        console.print(f"  and {len(failures) - SHOWN} more; --json has them all", highlight=False)
