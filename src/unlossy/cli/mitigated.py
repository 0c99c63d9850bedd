"""A study with mitigations in the terminal: a sentence for each of them, and each setting with and without."""

from collections.abc import Iterator

from rich.table import Table

from unlossy.metrics import Interval
from unlossy.metrics.recovered import Share
from unlossy.store import NONE
from unlossy.study import StudyResult

LEGEND = (
    "Percent of images. lost: against clean without mitigation; won back: percent of what the codec costs without it "
    "(-∞, ∞: the loss may be none). --json has every metric, bits per pixel and the difference to none."
)


def won_back(result: StudyResult, metric_name: str) -> Iterator[str]:
    """A sentence for each mitigation: what it wins back where the loss without it is largest, its cost when clean."""
    metric = result.main_metric
    losses = {c.codec: loss.mean for c in result.cells if c.mitigation == NONE and (loss := c.difference[metric])}
    for mitigation, clean in result.clean_mitigated.items():
        cells = [cell for cell in result.cells if cell.mitigation == mitigation]
        shares = {cell.codec: share for cell in cells if (share := (cell.recovered or {}).get(metric))}
        if shares:
            worst = min(shares, key=lambda codec: losses[codec])
            yield (
                f"{mitigation} wins back {share_text(shares[worst])} % of the {metric_name} that {worst} costs; "
                f"on clean images {percent(result.clean[metric])} without it, {percent(clean[metric])} with it."
            )


def mitigated_table(result: StudyResult, metric_name: str) -> Table:
    """Clean and each setting in the main metric, without and with each mitigation."""
    metric = result.main_metric
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("codec", "mitigation"):
        table.add_column(name, overflow="fold")
    for name in (metric_name, "lost [95 %]", "won back [95 %]"):
        table.add_column(name, justify="right", no_wrap=True)
    for mitigation, values in {NONE: result.clean, **result.clean_mitigated}.items():
        table.add_row("clean", mitigation, percent(values[metric]), "", "")
    for cell in result.cells:
        value, lost = percent(cell.metrics[metric]), loss_text(cell.difference[metric])
        table.add_row(cell.codec, cell.mitigation, value, lost, share_text((cell.recovered or {}).get(metric)))
    return table


def percent(value: float | None) -> str:
    """A metric in percent; empty where it is undefined."""
    return "" if value is None else f"{100 * value:.1f}"


def loss_text(difference: Interval | None) -> str:
    """A difference with its sign turned, in points, with its interval."""
    if difference is None:
        return ""
    mean, low, high = (f"{0 - 100 * value:.1f}" for value in (difference.mean, difference.high, difference.low))
    return f"{mean} [{low}, {high}]"


def share_text(share: Share | None) -> str:
    """A share in percent with its interval; empty where there is nothing to win back."""
    if share is None:
        return ""
    ends = [sign if end is None else f"{100 * end:.0f}" for sign, end in (("-∞", share.low), ("∞", share.high))]
    return f"{100 * share.mean:.0f} [{', '.join(ends)}]"
