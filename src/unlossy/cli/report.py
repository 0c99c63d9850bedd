"""`unlossy report`: finished runs, or the rows of an audit, as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from unlossy.core.errors import UsageError
from unlossy.core.outputs import check_apart, check_place
from unlossy.core.paths import is_file
from unlossy.core.tools import printable
from unlossy.report import write_report
from unlossy.report.document import is_page
from unlossy.report.training import write_training_report
from unlossy.runs.training import LOG


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Folders that `unlossy study -o` made, one that `unlossy train ... -o` made, or one rows.parquet that "
            "`unlossy audit -o` wrote.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The HTML file. Without it RUN/report.html, comparison.html in the first of many, RUN/training.html "
            "of a training, rows.html beside rows.parquet.",
        ),
    ] = None,
) -> None:
    """Write what a study found as one HTML file that opens anywhere, offline; prints its path.

    Made from the RUN folder alone: no model is loaded and no image is read but those that the study kept. Several runs
    in one report compare models; where they hold the same correctors over the same images, a matrix shows what each
    corrector wins before each model.

    **Examples**

    `unlossy report runs/mobilenet`

    `unlossy report runs/mobilenet runs/squeezenet -o comparison.html`

    `unlossy report runs/aimed` (a training: its curves)

    `unlossy report rows.parquet`
    """
    if output is not None:
        check_place(output, "a file, such as report.html", makes_folders=True)
        check_apart([output], runs, is_page)
    if any(run.suffix == ".parquet" for run in runs):
        page = _audited(runs, output)
    elif any(is_file(run / LOG) for run in runs):
        page = _trained(runs, output)
    else:
        page = write_report(runs, output)
    typer.echo(printable(str(page)))


def _trained(runs: list[Path], output: Path | None) -> Path:
    """The page written from the logs of a training."""
    if len(runs) != 1:
        raise UsageError(f"a training run is reported alone, not {len(runs)} folders together")
    return write_training_report(runs[0], output)


def _audited(paths: list[Path], output: Path | None) -> Path:
    """The page written from the rows of an audit."""
    if len(paths) != 1:
        raise UsageError(f"the rows of an audit are reported alone, not {len(paths)} paths together")
    from unlossy.report.audited import audit_of_rows

    page = output or paths[0].with_suffix(".html")
    check_place(page, "a file, such as report.html", makes_folders=True)
    return Path(audit_of_rows(paths[0]).to_html(page))
