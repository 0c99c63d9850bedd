"""The page of `unlossy damage`: agreement and edges against quality, and for some pictures where edges come and go."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from unlossy.core.words import counted
from unlossy.metrics.gradients import THRESHOLD
from unlossy.metrics.recovered import Share
from unlossy.metrics.stats import Interval
from unlossy.report.damage_charts import charts
from unlossy.report.damage_pictures import pictures
from unlossy.report.damage_told import AGREEMENTS, NAMES, sentences
from unlossy.report.document import Section, bound, document, write_whole
from unlossy.report.markup import Html, tag
from unlossy.report.tabular import row, table
from unlossy.runs.damage import DamageResult
from unlossy.runs.mitigations import short_names

STYLES: Final = ("style.css", "damage.css")
GRADIENTS: Final = (
    "Means over the pictures with their 95 % intervals. The gradient is Scharr's, of the luma; compressed and clean "
    "are compared pixel by pixel."
)
EDGES: Final = (
    "Means over the pictures with their 95 % intervals. An edge is where the gradient is largest along its direction "
    f"and at least {THRESHOLD:g} grey levels per pixel, clean and compressed alike; edges within a pixel of each other "
    "are the same. By chance a quarter of all edges lie on the grid."
)


def write_damage(found: DamageResult, path: Path) -> Path:
    """The file, there only once it is whole; raises RunError where it cannot be written."""
    return write_whole(render_damage(found), path)


def render_damage(found: DamageResult) -> str:
    """The whole page."""
    sections = [
        Section("gradients", "Gradients", charts(found, AGREEMENTS, GRADIENTS)),
        Section("edges", "Edges", charts(found, [name for name in NAMES if name not in AGREEMENTS], EDGES)),
        Section("pictures", "Where edges come and go", pictures(found)),
        Section("numbers", "Every number", _numbers(found)),
    ]
    told = [
        tag("p", bound(sentence), class_="verdict" if not n else None) for n, sentence in enumerate(sentences(found))
    ]
    footer = f"unlossy damage, {counted(found.n_items, 'picture')} of {found.data}"
    return document("What compression does to gradients and edges", told, sections, footer=footer, styles=STYLES)


def _numbers(found: DamageResult) -> Html:
    names, head = short_names(found.mitigations), ("codec", "mitigation", *NAMES.values())
    rows = [
        row(cell.codec, [names[cell.mitigation], *_intervals(cell.metrics), _rate(cell.rate_bpp), str(cell.n)], (1,))
        for cell in found.cells
    ]
    every = table("Means over the pictures, with 95 % intervals", (*head, "bits per pixel", "pictures"), rows, (1,))
    mitigated = [cell for cell in found.cells if cell.versus_none is not None]
    changes = [
        row(cell.codec, [names[cell.mitigation], *_intervals(cell.versus_none or {})], (1,)) for cell in mitigated
    ]
    shares = [row(cell.codec, [names[cell.mitigation], *_shares(cell.recovered or {})], (1,)) for cell in mitigated]
    return tag(
        "div",
        every,
        table("What a mitigation changes, paired by picture", head, changes, (1,)) if mitigated else None,
        table("The share of the damage that it undoes, in percent", head, shares, (1,)) if mitigated else None,
        _failures(found),
    )


def _intervals(metrics: Mapping[str, Interval | None]) -> Iterator[str]:
    for name in NAMES:
        interval = metrics[name]
        yield "" if interval is None else f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _shares(recovered: Mapping[str, Share | None]) -> Iterator[str]:
    for name in NAMES:
        share = recovered[name]
        yield "" if share is None else f"{100 * share.mean:.0f} [{_end(share.low, '-∞')}, {_end(share.high, '∞')}]"


def _end(value: float | None, unbounded: str) -> str:
    return unbounded if value is None else f"{100 * value:.0f}"


def _rate(rate_bpp: float | None) -> str:
    return "" if rate_bpp is None else f"{rate_bpp:.2f}"


def _failures(found: DamageResult) -> Html | None:
    """Every picture that is missing somewhere, with the reason."""
    if not found.failures:
        return None
    rows = [
        row(failure.key, [failure.codec or "every", failure.mitigation or "every", failure.error_message], (1, 2, 3))
        for failure in found.failures
    ]
    return table(
        f"{counted(found.failed, 'picture')} could not be compared",
        ("picture", "codec", "mitigation", "why"),
        rows,
        (1, 2, 3),
    )
