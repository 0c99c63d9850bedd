"""What `unlossy audit` prints on a terminal."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlossy.audit.summary import Summary, by_count
from unlossy.audit.verdict import Verdict
from unlossy.core.tools import printable
from unlossy.core.words import counted

BAR_WIDTH: Final = 40
NAMES_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed row is shown as."""

    key: str
    kind: str
    message: str


def print_verdict(verdict: Verdict) -> None:
    """Prints how much was looked at, and the verdict, a line for each sentence."""
    console = Console(highlight=False)
    summary = verdict.summary
    console.print(f"{counted(summary.n_items)}, {summary.size_bytes / 1e6:.1f} MB")
    console.print()
    for sentence in verdict.sentences:
        console.print(Text(sentence))
    console.print()


def print_counts(summary: Summary, failures: list[Failure], output: Path | None) -> None:
    """Prints the counts, the first failures, and where the rows went."""
    console = Console(highlight=False)
    for title, counts in (
        ("format", summary.formats),
        ("JPEG process", summary.process),
        ("chroma sampling", summary.sampling),
        ("encoder", summary.encoders),
        ("IJG quality", summary.quality),
        ("8 x 8 grid in the pixels", summary.grids),
        ("without a row, by suffix or kind", summary.others),
    ):
        if counts:
            console.print(Text(f"{title}: {_listed(counts)}"))
    for title, qualities in (("luma", summary.ijg_quality_luma), ("chroma", summary.ijg_quality_chroma)):
        if qualities:
            console.print(_histogram(f"IJG quality, {title}", qualities))
    console.print(f"truncated: {summary.truncated}    errors: {summary.n_failed}")
    for row in failures:
        console.print(Text(f"  {row.key}: {row.kind}: {row.message}"), soft_wrap=True)
    if summary.n_failed > len(failures):
        console.print(f"  and {summary.n_failed - len(failures)} more" + ("" if output else "; -o FILE keeps them all"))
    if output is not None:
        console.print(Text(f"rows: {printable(str(output))}"), soft_wrap=True)


def _listed(counts: Mapping[str, int]) -> str:
    """The most frequent names with their counts, the rest in one sum."""
    ranked = by_count(counts)
    rest = sum(n for _, n in ranked[NAMES_SHOWN:])
    named = [f"{name or '(none)'} {n}" for name, n in ranked[:NAMES_SHOWN]]
    return ", ".join(named + ([f"{len(ranked) - NAMES_SHOWN} others {rest}"] if rest else []))


def _histogram(title: str, counts: Mapping[int, int]) -> Table:
    """A bar for each quality where there are at most 20, else for each step of five."""
    step = 1 if len(counts) <= 20 else 5
    bins: dict[int, int] = {}
    for quality, n in counts.items():
        low = (quality - 1) // step * step + 1
        bins[low] = bins.get(low, 0) + n
    most = max(bins.values())
    table = Table(title=title, title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column()
    for low, n in sorted(bins.items()):
        name = str(low) if step == 1 else f"{low}-{low + step - 1}"
        table.add_row(name, str(n), "█" * max(1, round(BAR_WIDTH * n / most)))
    return table
