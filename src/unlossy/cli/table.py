"""A study's result as a table in the terminal, led by its verdict, or by what to do where methods were compared."""

from rich.console import Console, RenderableType

from unlossy.cli.fitted import fitted
from unlossy.cli.mitigated import LEGEND as MITIGATED_LEGEND
from unlossy.cli.mitigated import loss_text, mitigated_table, percent
from unlossy.report.recommendation import recommend
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

LEGEND = "Percent of images; bpp: bits per pixel; agree: same answer as clean."
LEGEND_WITH_LABELS = (
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

    def say(text: str, style: str | None = None) -> None:
        console.print(text, style=style, highlight=False, markup=False)  # "webp[m0]" is a setting and no style

    advice = recommend(result)
    if advice is not None:
        lead, *more = advice.sentences
        say(lead, "bold")
        for sentence in more:
            say(sentence)
        if advice.python is not None:
            say("In Python, the first of the model's transforms:")
            console.print(f"    {advice.python}", highlight=False, markup=False, soft_wrap=True)  # to be copied
    if NONE in result.plan.mitigations:
        say(verdict(result), "bold" if advice is None else None)
    mitigates, name, width = bool(result.clean_mitigated), NAMES[result.main_metric], console.width
    console.print(mitigated_table(result, name, width) if mitigates else _table(result, width))
    of_answers = LEGEND if result.clean.get("p_true") is None else LEGEND_WITH_LABELS
    legend = LEGENDS.get(yardstick(result.plan.task).targets, of_answers)
    say(MITIGATED_LEGEND if mitigates else legend, "dim")
    for note in caveats(result):
        say(note, "red" if result.failed else None)
    say(f"rows: {result.run}/rows.sqlite")


def _table(result: StudyResult, width: int) -> RenderableType:
    shown = IN_THE_TABLE.get(yardstick(result.plan.task).targets, tuple(NAMES))
    metrics = [name for name in shown if result.clean.get(name) is not None]
    loss = f"{NAMES.get(result.main_metric, result.main_metric)} lost [95 %]"
    clean = [percent(result.clean[name]) for name in metrics]
    rows = [["clean", "", *clean, "", str(result.n_clean)]]
    rows += [_cells(cell, metrics, result.main_metric) for cell in result.cells]
    return fitted(["codec"], ["bpp", *(NAMES[name] for name in metrics), loss, "images"], rows, width)


def _cells(cell: CellResult, metrics: list[str], main_metric: str) -> list[str]:
    rate = "" if cell.rate_bpp is None else f"{cell.rate_bpp:.2f}"
    values = [percent(cell.metrics.get(name)) for name in metrics]
    return [cell.codec, rate, *values, loss_text(cell.difference.get(main_metric)), str(cell.n)]
