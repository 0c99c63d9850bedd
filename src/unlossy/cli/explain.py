"""`unlossy explain`: why a mitigation works, in gradients and pictures."""

import json as json_module
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from unlossy.cli.failures import print_failures
from unlossy.cli.progress import progress_bar
from unlossy.core.errors import ItemError, UsageError
from unlossy.core.tools import require


def explain(
    model: Annotated[str, typer.Option(metavar="SPEC", help="A classifier that gradients can go through.")],
    data: Annotated[str, typer.Option(help="Images, as in a study: a folder, archive or list, or synthetic:N.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The HTML file to write.")],
    codec: Annotated[
        list[str] | None, typer.Option(help="Codec settings as in a study; repeatable. Default: jpeg:10..90:20.")
    ] = None,
    mitigate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="M",
            help="none, correct=small, correct=FILE; repeat it to compare. Default: none and correct=small.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Take the first N items in key order. [default: 24, spread evenly over all of them]"),
    ] = None,
    pictures: Annotated[int, typer.Option(min=0, help="Items to show pictures of.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the intervals.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Show why compression hurts your model and why a mitigation helps: its gradients, and where it looks.

    Each item is compressed, repaired, and shown to the network; the gradient of its loss is compared with the one on
    the clean picture. No labels are needed. The page holds the curves over quality and, for the items that changed
    their answer, the pictures with the network's attention and gradients. Needs torch: pip install 'unlossy[hf]'.

    **Example**

    `unlossy explain --model hf:my-model --data photos/ --mitigate none --mitigate correct=small -o why.html`

    Exit codes: 0 fine; 2 refused before work; 3 some items could not be compared, and are named.
    """
    if output.is_dir():
        raise UsageError(f"{str(output)!r} is a folder; give the name of an HTML file")
    require("torch", "hf", "looking at gradients")
    study, page = import_module("unlossy.study.explain"), import_module("unlossy.report.explained")
    plan = study.ExplainPlan(
        model=model,
        data=data,
        codecs=tuple(codec or ("jpeg:10..90:20",)),
        mitigations=tuple(mitigate or ("none", "correct=small")),
        limit=limit,
        pictures=pictures,
        seed=seed,
    )
    with progress_bar("explain", quiet=json) as on_progress:
        found = study.explain(plan, on_progress)
    page.write_explanation(found, output)
    if json:
        typer.echo(json_module.dumps(found.to_json() | {"html": str(output)}, indent=1, allow_nan=False))
    else:
        for sentence in page.sentences(found):
            typer.echo(sentence)
        told = [f"{key}: {reason}" for key, reason in found.failed]
        print_failures(Console(), f"{len(told)} of {found.n_items} items could not be compared:", told)
        typer.echo(f"report: {output}")
    if found.failed:
        raise typer.Exit(ItemError.exit_code)
