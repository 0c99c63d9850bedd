"""A study's result as a table in the terminal, led by its verdict, or by what to do where methods were compared."""

from rich.console import Console
from rich.table import Table

from unlossy.cli.mitigated import LEGEND as MITIGATED_LEGEND
from unlossy.cli.mitigated import advice, loss_text, mitigated_table, percent
from unlossy.report.verdict import METRIC_NAMES, caveats, verdict
from unlossy.store import NONE
from unlossy.study import CellResult, StudyResult
from unlossy.tasks.registry import yardstick

SHORT = {
    "p_true": "p(true)",
    "agreement": "agree",
    "miou": "mIoU",
    "boundary_iou": "edges",
    "interior_iou": "inside",
    "char_accuracy": "chars",
    "word_accuracy": "texts",
}
NAMES = METRIC_NAMES | SHORT
"""Heads short enough for all columns of a task to stand in 80 characters; the legends say what they mean."""

LEGEND = (
    "Percent of images; bpp: bits per pixel; p(true): mean probability of the true class; agree: same answer as clean."
)
IN_THE_TABLE = {
    "objects": ("ap", "ap50", "agreement"),
    "label_map": ("miou", "boundary_iou", "interior_iou", "agreement"),
    "text": ("char_accuracy", "word_accuracy", "agreement"),
}
"""By the kind of a task's targets, the metrics that 80 columns have room for; the report and --json have them all."""

LEGENDS = {
    "objects": "Percent; bpp: bits per pixel; AP over IoU 0.5 to 0.95; agree: objects found as on the clean picture.",
    "label_map": "Percent; bpp: bits per pixel; mIoU: mean IoU over the classes; edges, inside: of it near boundaries "
    "and away from them; agree: IoU with the map of the clean picture, mean over its classes.",
    "text": "Percent; bpp: bits per pixel; chars: characters read right; texts: read right as a whole; agree: "
    "characters read as on the clean picture.",
}
"""By the kind of a task's targets."""


def print_study(result: StudyResult, console: Console | None = None) -> None:
    """Prints verdict, table and what failed to stdout."""
    console = console or Console()
    lead, *more = advice(result) or ("",)
    if lead:
        console.print(lead, style="bold", highlight=False)
    for sentence in more:
        console.print(sentence, highlight=False)
    if NONE in result.plan.mitigations:
        console.print(verdict(result), style=None if lead else "bold", highlight=False)
    mitigates, name = bool(result.clean_mitigated), NAMES[result.main_metric]
    console.print(mitigated_table(result, name, console.width) if mitigates else _table(result))
    legend = LEGENDS.get(yardstick(result.plan.task).targets, LEGEND)
    console.print(MITIGATED_LEGEND if mitigates else legend, style="dim", highlight=False)
    for note in caveats(result):
        console.print(note, style="red" if result.failed else None, highlight=False)
    console.print(f"rows: {result.run}/rows.sqlite", highlight=False)


def _table(result: StudyResult) -> Table:
    shown = IN_THE_TABLE.get(yardstick(result.plan.task).targets, tuple(NAMES))
    metrics = [name for name in shown if result.clean.get(name) is not None]
    table = Table(box=None, header_style="bold", pad_edge=False)
    loss = f"{NAMES.get(result.main_metric, result.main_metric)} lost [95 %]"
    for name in ("codec", "bpp", *(NAMES[name] for name in metrics), loss, "images"):
        table.add_column(name, justify="left" if name == "codec" else "right", no_wrap=True)
    clean = [percent(result.clean[name]) for name in metrics]
    table.add_row("clean", "", *clean, "", str(result.n_clean))
    for cell in result.cells:
        table.add_row(*_cells(cell, metrics, result.main_metric))
    return table


def _cells(cell: CellResult, metrics: list[str], main_metric: str) -> list[str]:
    rate = "" if cell.rate_bpp is None else f"{cell.rate_bpp:.2f}"
    values = [percent(cell.metrics.get(name)) for name in metrics]
    return [cell.codec, rate, *values, loss_text(cell.difference.get(main_metric)), str(cell.n)]
