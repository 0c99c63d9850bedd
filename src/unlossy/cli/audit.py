"""`unlossy audit`: what compression has done to a folder of images."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unlossy.audit.parquet import check_output, recorded
from unlossy.audit.rows import AuditRow
from unlossy.audit.scan import audit_dataset
from unlossy.audit.sources import open_sources
from unlossy.audit.summary import Summary, by_count, summarise
from unlossy.cli.progress import progress_bar
from unlossy.core.errors import ItemError

BAR_WIDTH: Final = 40
ERRORS_SHOWN: Final = 10
NAMES_SHOWN: Final = 8


def audit(
    paths: Annotated[list[str], typer.Argument(help="Folders of images, searched to their depth.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Parquet file for the rows, one per image.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON on stdout.")] = False,
) -> None:
    """What compression has done to a folder of images, from a few KiB of each file; nothing is decoded.

    Every file with an image suffix or image bytes is a row: format, size, JPEG process, chroma sampling, quantization
    tables, the IJG quality of luma and chroma (exact or with a residual), truncation. Other files are counted.

    For example:

        unlossy audit photos                    a summary on the terminal

        unlossy audit photos -o rows.parquet    and each image's evidence as a row

        unlossy audit photos scans --json       two folders, for a program

    Exit codes: 0 fine; 2 a folder is missing or holds no image; 3 some files could not be read (their rows say why).
    """
    sources = open_sources(paths)
    if output is not None:
        check_output(output)
    rows: Iterable[AuditRow] = audit_dataset(sources)
    if output is not None:
        rows = recorded(rows, output)
    failures: list[AuditRow] = []
    summary = summarise(_noting(_shown(rows, len(sources)), failures), sources.others)
    if as_json:
        typer.echo(json.dumps({"paths": paths, "rows": str(output) if output else None, **summary.as_json()}, indent=2))
    else:
        _print_summary(summary, failures, output)
    if summary.n_failed:
        raise typer.Exit(ItemError.exit_code)


def _shown(rows: Iterable[AuditRow], total: int) -> Iterator[AuditRow]:
    """The rows, with a progress bar on stderr where that is a terminal."""
    with progress_bar("audit") as show:
        for done, row in enumerate(rows, start=1):
            yield row
            show(done, total)


def _noting(rows: Iterable[AuditRow], failures: list[AuditRow]) -> Iterator[AuditRow]:
    """The rows; the first few that failed are kept in `failures`."""
    for row in rows:
        if row.error_kind is not None and len(failures) < ERRORS_SHOWN:
            failures.append(row)
        yield row


def _print_summary(summary: Summary, failures: list[AuditRow], output: Path | None) -> None:
    console = Console(highlight=False)
    console.print(f"{summary.n_items} images, {summary.size_bytes / 1e6:.1f} MB")
    for title, counts in (
        ("format", summary.formats),
        ("JPEG process", summary.process),
        ("chroma sampling", summary.sampling),
        ("IJG quality", summary.quality),
        ("files without a row, by suffix", summary.others),
    ):
        if counts:
            console.print(Text(f"{title}: {_listed(counts)}"))
    for title, qualities in (("luma", summary.ijg_quality_luma), ("chroma", summary.ijg_quality_chroma)):
        if qualities:
            console.print(_histogram(f"IJG quality, {title}", qualities))
    console.print(f"truncated: {summary.truncated}    errors: {summary.n_failed}")
    for row in failures:
        console.print(Text(f"  {row.key}: {row.error_kind}: {row.error_message}"), soft_wrap=True)
    if summary.n_failed > len(failures):
        console.print(f"  and {summary.n_failed - len(failures)} more" + ("" if output else "; -o FILE keeps them all"))
    if output is not None:
        console.print(Text(f"rows: {output}"), soft_wrap=True)


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
