"""`unlossy report`: finished runs as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from unlossy.report import write_report


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders that `unlossy study -o` made.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The HTML file. Without it RUN/report.html, or comparison.html in the first of many."
        ),
    ] = None,
) -> None:
    """Write what a study found as one HTML file that opens anywhere, offline; prints its path.

    Made from the RUN folder alone: no model is loaded and no image is read but those that the study kept. Several runs
    in one report compare models.

    **Examples**

    `unlossy report runs/mobilenet`

    `unlossy report runs/mobilenet runs/squeezenet -o comparison.html`
    """
    typer.echo(str(write_report(runs, output)))
