"""`unlossy train`: mitigations of your own, one module per command."""

import typer

from unlossy.cli.train_corrector import corrector
from unlossy.cli.train_finetune import finetune
from unlossy.cli.train_ttac import ttac

train = typer.Typer(
    help="Train a mitigation on your own pictures. Needs torch: pip install 'unlossy[train]'.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@train.callback()
def _group() -> None:
    """Holds the commands apart from their group; a Typer of one command would become that command."""


train.command()(corrector)
train.command()(finetune)
train.command()(ttac)
