"""`unlossy`: the commands, the exit codes, and where errors become one line on stderr.

0 fine, 1 a gate failed, 2 refused before work started, 3 some items failed, 4 an optional package is missing,
5 the run could not go on, 130 Ctrl-C. Data go to stdout, progress and errors to stderr.
"""

import sys
import warnings
from importlib import import_module
from typing import Annotated, Any

import typer
from PIL import Image

from unlossy.cli.versions import version_text
from unlossy.core.errors import UnlossyError
from unlossy.core.pixels import PILLOW_LIMIT
from unlossy.core.tools import printable

WRONG_USAGE: Any = typer.BadParameter.__mro__[2]
"""click's ClickException, wherever this typer keeps it: newer ones carry a copy of click."""

INTERRUPTED = 130

COMMANDS = {
    "demo": "unlossy.cli.demo",
    "audit": "unlossy.cli.audit",
    "inspect": "unlossy.cli.inspect",
    "study": "unlossy.cli.study",
    "report": "unlossy.cli.report",
    "explain": "unlossy.cli.explain",
    "damage": "unlossy.cli.damage",
    "train": "unlossy.cli.train",
    "correct": "unlossy.cli.correct",
    "codecs": "unlossy.cli.codecs",
    "export": "unlossy.cli.export",
}
"""Command to the module whose function of that name is the command, or whose Typer of that name holds its commands."""


def _version(asked: bool | None) -> None:
    if asked:
        typer.echo(version_text())
        raise typer.Exit


def _app() -> typer.Typer:
    app = typer.Typer(
        help="Find, measure and undo what lossy compression does to vision datasets and the models trained on them.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )

    @app.callback()
    def root(
        version: Annotated[
            bool | None, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions.")
        ] = None,
    ) -> None: ...

    for name, module in COMMANDS.items():
        command = getattr(import_module(module), name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def main() -> None:
    """Runs the command line and exits with the documented code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of a command line; everything unlossy raises on purpose is one line on stderr."""
    warnings.filterwarnings("ignore", module="PIL")  # broken metadata; what counts becomes a row
    Image.MAX_IMAGE_PIXELS = PILLOW_LIMIT  # this process is ours; a library's caller keeps a limit of their own
    try:
        outcome = _app()(arguments, prog_name="unlossy", standalone_mode=False)
    except UnlossyError as error:
        lines = [printable(line) for line in str(error).splitlines()]
        typer.echo("\n".join(["unlossy: " + "".join(lines[:1]), *lines[1:]]), err=True)
        return error.exit_code
    except WRONG_USAGE as error:
        error.show()
        return 2
    except (typer.Abort, KeyboardInterrupt):
        outcome = INTERRUPTED
    if outcome == INTERRUPTED:
        typer.echo("unlossy: interrupted. What has a RUN goes on there when the same command is run again", err=True)
    return outcome if isinstance(outcome, int) else 0
