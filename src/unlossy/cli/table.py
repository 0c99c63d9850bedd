"""A study's result as a table in the terminal, led by its verdict in one sentence."""

from rich.console import Console
from rich.table import Table

from unlossy.metrics import Interval
from unlossy.study import CellResult, StudyResult

NAMES = {"top1": "top-1", "top5": "top-5", "p_true": "p(true)", "agreement": "agree"}
LONG_NAMES = {"top1": "top-1 accuracy", "agreement": "agreement with its own clean answers"}
LEGEND = (
    "Percent of images; bpp: bits per pixel; p(true): mean probability of the true class; agree: same answer as clean."
)


def print_study(result: StudyResult, console: Console | None = None) -> None:
    """Prints verdict, table and what failed to stdout."""
    console = console or Console()
    console.print(verdict(result), style="bold", highlight=False)
    console.print(_table(result))
    console.print(LEGEND, style="dim", highlight=False)
    if not result.n_labelled:
        console.print("No labels: agree is the share of images that keep the answer given on the clean image.")
    if result.failed:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(result.errors.items()))
        console.print(f"{result.failed} of {result.n_items} items failed ({kinds}); their rows say why", style="red")
    console.print(f"rows: {result.run}/rows.sqlite", highlight=False)


def verdict(result: StudyResult) -> str:
    """What the worst setting costs, and from where on the loss is within noise."""
    name = LONG_NAMES.get(result.main_metric, result.main_metric)
    losses = [(cell, loss) for cell in result.cells if (loss := cell.difference.get(result.main_metric)) is not None]
    if not losses:
        return "Nothing could be scored."
    cell, loss = min(losses, key=lambda pair: pair[1].mean)
    if loss.high >= 0:
        return f"No setting costs this model {name} beyond noise ({result.n_items} images)."
    interval = f"95 %: {_points(-loss.high)} to {_points(-loss.low)}"
    text = f"At {cell.codec} this model loses {_points(-loss.mean)} points of {name} ({interval})"
    noisy = [cell.codec for cell, loss in losses if loss.high >= 0]
    return f"{text}; within noise at {', '.join(noisy)}." if noisy else f"{text}; every setting costs more than noise."


def _table(result: StudyResult) -> Table:
    metrics = [name for name in NAMES if result.clean.get(name) is not None]
    table = Table(box=None, header_style="bold", pad_edge=False)
    loss = f"{NAMES.get(result.main_metric, result.main_metric)} lost [95 %]"
    for name in ("codec", "bpp", *(NAMES[name] for name in metrics), loss, "images"):
        table.add_column(name, justify="left" if name == "codec" else "right", no_wrap=True)
    clean = [_percent(result.clean[name]) for name in metrics]
    table.add_row("clean", "", *clean, "", str(result.n_items - result.failed))
    for cell in result.cells:
        table.add_row(*_cells(cell, metrics, result.main_metric))
    return table


def _cells(cell: CellResult, metrics: list[str], main_metric: str) -> list[str]:
    rate = "" if cell.rate_bpp is None else f"{cell.rate_bpp:.2f}"
    values = [_percent(cell.metrics.get(name)) for name in metrics]
    return [cell.codec, rate, *values, _loss(cell.difference.get(main_metric)), str(cell.n)]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _points(value: float) -> str:
    return f"{100 * value:.1f}"


def _loss(difference: Interval | None) -> str:
    if difference is None:
        return ""
    return f"{_points(0 - difference.mean)} [{_points(0 - difference.high)}, {_points(0 - difference.low)}]"
