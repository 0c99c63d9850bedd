"""A study with mitigations in the terminal: what to use, and the methods side by side at each setting."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from unlossy.cli.fitted import fitted, folded, widest
from unlossy.metrics import Interval
from unlossy.metrics.recovered import Share
from unlossy.runs.mitigations import short_names
from unlossy.store import NONE
from unlossy.study import CellResult, StudyResult

LEGEND = (
    "Percent. lost: points against clean without mitigation; won back: percent of that loss (-∞, ∞: the loss "
    "may be none). --json has every metric, any two methods compared, times and sizes."
)
GAP, SHARE_WIDTH, FOLD_FROM = 3, 19, 22


def mitigated_table(result: StudyResult, metric_name: str, width: int) -> RenderableType:
    """Clean and each setting in the main metric, the methods side by side, or below each other where that is wide."""
    names = short_names(result.plan.mitigations)
    columns = {"codec": ["clean", *result.plan.codecs]}
    for mitigation in result.plan.mitigations:
        told = "lost [95 %]" if mitigation == NONE else "won back [95 %]"
        columns[f"{_folded(names[mitigation])}\n{metric_name}  {told}"] = _column(result, mitigation)
    widths = [widest([head, *texts]) for head, texts in columns.items()]
    if sum(widths) + GAP * (len(widths) - 1) > width:
        return _below_each_other(result, metric_name, width)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for number, head in enumerate(columns):
        table.add_column(Text(head), justify="right" if number else "left", no_wrap=True, vertical="bottom")
    for texts in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, texts))
    return table


def _column(result: StudyResult, mitigation: str) -> list[str]:
    """The metric with what is lost (none) or won back, clean first, then at each setting."""
    metric = result.main_metric
    cells = {cell.codec: cell for cell in result.cells if cell.mitigation == mitigation}
    clean = result.clean if mitigation == NONE else result.clean_mitigated[mitigation]
    told = [percent(clean[metric]) + SHARE_WIDTH * "\N{NO-BREAK SPACE}"]  # rich would strip plain ones
    for setting in result.plan.codecs:
        cell = cells[setting]
        change = loss_text(cell.difference[metric]) if mitigation == NONE else share_text(_share(cell, metric))
        told.append(f"{percent(cell.metrics[metric])}{change:>{SHARE_WIDTH}}")
    return told


def _share(cell: CellResult, metric: str) -> Share | None:
    return (cell.recovered or {}).get(metric)


def _folded(name: str) -> str:
    """A long name in lines."""
    return name if len(name) <= FOLD_FROM else folded(name)


def _below_each_other(result: StudyResult, metric_name: str, width: int) -> RenderableType:
    metric, names = result.main_metric, short_names(result.plan.mitigations)
    rows = [
        ["clean", names.get(mitigation, mitigation), percent(values[metric]), "", ""]
        for mitigation, values in {NONE: result.clean, **result.clean_mitigated}.items()
    ]
    for cell in result.cells:
        value, lost = percent(cell.metrics[metric]), loss_text(cell.difference[metric])
        won = share_text(_share(cell, metric))
        rows.append([cell.codec, names[cell.mitigation], value, lost, won])
    return fitted(["codec", "mitigation"], [metric_name, "lost [95 %]", "won back [95 %]"], rows, width)


def percent(value: float | None) -> str:
    """A metric in percent; empty where it is undefined."""
    return "" if value is None else f"{100 * value:.1f}"


def loss_text(difference: Interval | None) -> str:
    """A difference with its sign turned, in points, with its interval."""
    if difference is None:
        return ""
    mean, low, high = (f"{round(-100 * v, 1) + 0.0:.1f}" for v in (difference.mean, difference.high, difference.low))
    return f"{mean} [{low}, {high}]"


def share_text(share: Share | None) -> str:
    """A share in percent with its interval; empty where there is nothing to win back."""
    if share is None:
        return ""
    ends = [sign if end is None else f"{100 * end:.0f}" for sign, end in (("-∞", share.low), ("∞", share.high))]
    return f"{100 * share.mean:.0f} [{', '.join(ends)}]"
