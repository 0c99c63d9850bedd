"""`unlossy codecs`: what can be studied here, with versions."""

import json as json_module
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from unlossy.codecs import codec_families


def codecs(json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False) -> None:
    """List the codecs: which work here, in what version, and what would bring those that do not.

    A codec is named in a study as NAME:QUALITY, for example `--codec jpeg:30` or `--codec 'jpeg[444]:10..90:20'`.
    """
    families = codec_families()
    if json:
        rows = [{"name": family.name} | asdict(family.availability()) for family in families]
        typer.echo(json_module.dumps(rows, indent=1))
        return
    table = Table("codec", "here", "quality", "options", "encoder, or what is missing")
    for family in families:
        found, scale = family.availability(), family.scale
        missing = found.reason if found.extra is None else f"{found.reason}; pip install 'unlossy[{found.extra}]'"
        table.add_row(
            family.name,
            "yes" if found.available else "no",
            f"{scale.lowest}..{scale.highest}",
            " ".join(family.options),
            found.version if found.available else missing,
        )
    Console().print(table)
