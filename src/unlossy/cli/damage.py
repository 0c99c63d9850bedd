"""`unlossy damage`: what compression does to gradients and edges, for any pictures and without a model."""

import json as json_module
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console, RenderableType

from unlossy.cli.failures import print_failures
from unlossy.cli.fitted import fitted
from unlossy.cli.progress import progress_bar
from unlossy.core.errors import ItemError, UsageError
from unlossy.report.damage import write_damage
from unlossy.report.damage_told import sentences
from unlossy.runs.damage import DamageResult
from unlossy.runs.mitigations import short_names
from unlossy.study.damage import DamagePlan, measure_damage

HEADS: Final = ("magnitude", "direction", "cosine", "lost", "phantom", "on grid", "excess")
LEGEND: Final = (
    "magnitude, direction, cosine: agreement of the gradients, 1 is unchanged. Percent of edges: lost: of the clean "
    "ones; phantom: not in the clean picture; on grid: phantom across 8 x 8 borders; excess: all that lie across them, "
    "less those of the clean picture. --json and the page have the intervals."
)


def damage(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="Images, as in a study: a folder, archive or list, or synthetic:N.")
    ],
    codec: Annotated[
        list[str] | None,
        typer.Option(
            help="Codec settings, several times if wanted: jpeg:30, jpeg:5..95:10, webp:20,50. Default: jpeg, which "
            "is jpeg:10..90:10."
        ),
    ] = None,
    mitigate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="M",
            help="none, correct=small, correct=FILE; repeat it to see what a corrector undoes. Default: none.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take the first N items in key order.")] = None,
    pictures: Annotated[int, typer.Option(min=0, help="Pictures on the page.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap intervals.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write a page: curves, and edge maps.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Show what compression does to a picture's gradients and edges: what any network sees first. No model is needed.

    Each picture is compressed and compared with itself: how much the gradients changed in size and direction, which
    edges vanished, and which appeared, on the 8 x 8 grid of JPEG's blocks above all. With --mitigate correct=small the
    same after artifact correction: a corrector can wipe out the grid and lose more true edges, and this tells.

    **Examples**

    `unlossy damage photos/ -o damage.html`

    `unlossy damage photos/ --codec jpeg:10,30,50 --codec webp:10,30,50 --json`

    `unlossy damage synthetic:50 --codec jpeg:10..90:20 --mitigate none --mitigate correct=small`

    Exit codes: 0 fine; 2 refused before work; 3 some pictures could not be compared, and are named.
    """
    if output is not None and output.is_dir():
        raise UsageError(f"{str(output)!r} is a folder; give the name of an HTML file")
    plan = DamagePlan(
        data=data,
        codecs=tuple(codec or ("jpeg",)),
        mitigations=tuple(mitigate or ("none",)),
        limit=limit,
        pictures=pictures if output is not None else 0,
        seed=seed,
    )
    with progress_bar("damage", quiet=json) as on_progress:
        found = measure_damage(plan, on_progress=on_progress)
    if output is not None:
        write_damage(found, output)
    if json:
        written = {} if output is None else {"html": str(output)}
        typer.echo(json_module.dumps(found.to_json() | written, indent=1, allow_nan=False))
    else:
        print_damage(found)
        if output is not None:
            typer.echo(f"report: {output}")
    if found.failed:
        raise typer.Exit(ItemError.exit_code)


def print_damage(found: DamageResult, console: Console | None = None) -> None:
    """Prints sentences, table and what failed to stdout."""
    console = console or Console(highlight=False)
    for number, sentence in enumerate(sentences(found)):
        console.print(sentence, style=None if number else "bold", markup=False)
    console.print(_table(found, console.width))
    console.print(LEGEND, style="dim")
    told = [
        ", ".join(part for part in (failure.key, failure.codec, failure.mitigation) if part)
        + f": {failure.error_kind}: {failure.error_message}"
        for failure in found.failures
    ]
    print_failures(console, f"{found.failed} of {found.n_items} pictures could not be compared:", told)


def _table(found: DamageResult, width: int) -> RenderableType:
    names, mitigates = short_names(found.mitigations), len(found.mitigations) > 1
    rows = []
    for cell in found.cells:
        means = [None if interval is None else interval.mean for interval in cell.metrics.values()]
        agreements = ["" if mean is None else f"{mean:.3f}" for mean in means[:3]]
        shares = ["" if mean is None else f"{100 * mean:.1f}" for mean in means[3:]]
        told = [names[cell.mitigation]] if mitigates else []
        rows.append([cell.codec, *told, *agreements, *shares, str(cell.n)])
    return fitted(["codec", *(["mitigation"] if mitigates else [])], [*HEADS, "images"], rows, width)
