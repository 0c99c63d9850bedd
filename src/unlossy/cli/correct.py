"""`unlossy correct`: repaired copies of pictures that compression damaged."""

import json as json_module
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from unlossy.cli.device import refuse_absent_device
from unlossy.cli.progress import progress_bar
from unlossy.core.errors import ItemError, TruncatedError, UsageError
from unlossy.core.tools import printable
from unlossy.core.words import counted
from unlossy.correctors.guards import Hidden
from unlossy.correctors.registry import DEFAULT, Choices, open_corrector
from unlossy.repair import RepairPlan, RepairResult, run_repair
from unlossy.repair.result import CONVERTED, COPIED, CORRECTED, FAILED, Record

SHOWN: Final = 10
"""Failures and notes on the terminal; the manifest has them all."""
NO_SUFFIX: Final = "(no suffix)"


def correct(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="An image, or a folder of images, searched to its depth.")
    ],
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="A file, or a folder that is new, empty or of an earlier run; never IN, and never over another file "
            "of yours.",
        ),
    ],
    corrector: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="small, base, ttac-mobilenet-v2 (aimed at that classifier), FILE.safetensors or FILE.onnx of your own "
            "training, dncnn3@FILE, quantsmooth; flips:base for the mean over four mirror images: a little better, "
            "four times as slow.",
        ),
    ] = DEFAULT,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="png|webp|jpeg",
            help="What corrected pictures are written as: png (the default) and webp without loss, jpeg at quality 95, "
            "4:4:4.",
        ),
    ] = None,
    hidden: Annotated[
        str,
        typer.Option(
            metavar="auto|always|never",
            help="Files without JPEG tables, as a PNG that was a JPEG: auto corrects those whose pixels show its grid, "
            "but for label masks, pixel art and pictures with a palette.",
        ),
    ] = Hidden.AUTO.value,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take JPEG files that end early or are damaged as far as they decode.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, or cuda where torch has it.")] = "cpu",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no summary; errors and --json only.")
    ] = False,
) -> None:
    """Repair what JPEG compression did to a picture, or to a folder of pictures, into OUT under the same names.

    A corrected picture becomes a PNG of the same name (`cat/1.jpg` becomes `cat/1.png`, or `cat/1.jpg.png` where there
    is a `cat/1.png` already), with its EXIF data, orientation, colour profile and transparency. What needs nothing
    (no traces of JPEG in it, or more than 8 bits a sample) is copied byte for byte. A file that cannot be repaired is
    named with the reason, and files that are no images are counted. A run that was killed goes on when started again:
    OUT/.unlossy/manifest.jsonl remembers. What you have changed in OUT or put there stays as it is, and is named.

    **Examples**

    `unlossy correct photo.jpg photo.png`

    `unlossy correct photos/ repaired/`

    `unlossy correct photos/ repaired/ --corrector base --format webp --json`

    Exit codes: 0 fine; 2 refused before work; 3 some files failed; 5 the run could not go on (a full disk).
    """
    if hidden not in {kind.value for kind in Hidden}:
        raise UsageError(f"--hidden is one of {', '.join(kind.value for kind in Hidden)}, not {hidden!r}")
    refuse_absent_device(device)
    plan = RepairPlan(source, output, format_name, partial, palettes=hidden == Hidden.ALWAYS.value)
    made = open_corrector(corrector, Choices(hidden=Hidden(hidden), device=device))
    with progress_bar("correct", quiet=quiet) as on_progress:
        result = run_repair(plan, made, on_progress=on_progress)
    if json:
        typer.echo(json_module.dumps(result.to_json(), indent=1))
    elif not quiet:
        print_repair(result, partial=partial)
    failures = result.of(FAILED)
    if quiet and not json:
        for record in failures:
            typer.echo(_line(record), err=True)
    if failures:
        raise typer.Exit(ItemError.exit_code)


def print_repair(result: RepairResult, *, partial: bool = False) -> None:
    """Prints what became of the files to stdout; `partial` as it was asked for."""
    console = Console(highlight=False, soft_wrap=True)
    failed, by_pixels = result.of(FAILED), [record for record in result.records if record.by_pixels]
    without = f" ({len(by_pixels)} of them without JPEG tables)" if by_pixels else ""
    told = [f"{len(result.of(CORRECTED))} corrected{without}", f"{len(result.of(COPIED))} copied as they were"]
    told += [f"{len(result.of(CONVERTED))} converted"] if result.of(CONVERTED) else []
    earlier = f" ({result.n_earlier} of them in an earlier run)" if result.n_earlier else ""
    images = counted(len(result.records))
    console.print(Text(f"{images}: {', '.join(told)}, {len(failed)} failed{earlier}"))
    if result.others:
        kinds = sorted((printable(kind), n) for kind, n in result.others.items())
        console.print(Text(f"no images, not in OUT: {', '.join(f'{kind or NO_SUFFIX} {n}' for kind, n in kinds)}"))
    noted = [record for record in result.records if record.note and record.action != FAILED]
    _list(console, "renamed, since the name is another file's", list(filter(_is_renamed, result.records)))
    _list(console, "worth knowing", sorted(noted, key=lambda record: record.by_pixels))
    _list(console, "failed", failed)
    if not partial and any(record.error_kind == TruncatedError.kind for record in failed):
        console.print("--partial takes JPEG files as far as they decode; the same command with it does what is left")
    if any(record.output for record in result.records):
        books = f"; every file's fate: {result.manifest}" if result.manifest else ""
        console.print(Text(printable(f"in {result.output}{books}")))


def _list(console: Console, title: str, records: Sequence[Record]) -> None:
    if records:
        console.print(Text(f"{title}:"))
    for record in records[:SHOWN]:
        console.print(Text(f"  {_line(record)}"))
    if len(records) > SHOWN:
        console.print(f"  and {len(records) - SHOWN} more")


def _line(record: Record) -> str:
    """What became of one file, on one line."""
    if record.error_kind is not None:
        note = f" ({record.note})" if record.note else ""
        return printable(f"{record.key}: {record.error_kind}: {record.error_message}{note}")
    return printable(f"{record.key} -> {record.output}" + (f": {record.note}" if record.note else ""))


def _is_renamed(record: Record) -> bool:
    """Whether the result kept the source's suffix before its own."""
    has_suffix = bool(PurePosixPath(record.key).suffix)
    return has_suffix and record.output is not None and record.output.startswith(f"{record.key}.")
