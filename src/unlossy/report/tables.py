"""The tables: every cell of a run, runs beside each other, classes and images that lose most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlossy.core.words import counted
from unlossy.metrics import Interval
from unlossy.metrics.recovered import Share
from unlossy.report.loaded import LoadedRun
from unlossy.report.losses import MIN_PER_CLASS, ClassLoss, ImageLoss
from unlossy.report.markup import Html, tag
from unlossy.report.tabular import percent, row, table
from unlossy.report.verdict import METRIC_NAMES, within_noise
from unlossy.runs import CellResult
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import at, spoken
from unlossy.store import NONE

MAX_ROWS = 200
SHORT_NAMES = METRIC_NAMES | {"p_true": "p(true)"}


def cells_table(run: LoadedRun) -> Html:
    """Every cell: bits per pixel, metrics in percent, the loss of the main metric with its interval, images."""
    result, names = run.result, _names([run])
    metrics = [name for name in SHORT_NAMES if result.clean.get(name) is not None]
    main = SHORT_NAMES.get(result.main_metric, result.main_metric)
    head = ["setting", f"{main} lost, points", "95 % interval", "", "noise", "bits/pixel"]
    head += [*(f"{SHORT_NAMES[name]} %" for name in metrics), "images"]
    head += ["won back, % [95 %]"] if result.clean_mitigated else []
    scale = _Scale.over([cell.difference.get(result.main_metric) for cell in result.cells])
    clean = ["", "", "", "", "", *(percent(result.clean[name]) for name in metrics), str(result.n_clean)]
    rows = [row("clean", [*clean, *([""] if result.clean_mitigated else [])])]
    for mitigation, cleaned in result.clean_mitigated.items():
        values = [percent(cleaned.get(name)) for name in metrics]
        rows.append(row(f"clean, {names[mitigation]}", ["", "", "", "", "", *values, "", ""]))
    for cell in result.cells[:MAX_ROWS]:
        change = cell.difference.get(result.main_metric)
        values = [percent(cell.metrics.get(name)) for name in metrics]
        rate = "" if cell.rate_bpp is None else f"{cell.rate_bpp:.2f}"
        won_back = [_share((cell.recovered or {}).get(result.main_metric))] if result.clean_mitigated else []
        rows.append(row(_cell_name(cell, names), [*_loss_cells(change, scale), rate, *values, str(cell.n), *won_back]))
    more = f" The first {MAX_ROWS} rows of {len(result.cells)}." if len(result.cells) > MAX_ROWS else ""
    return table(f"{run.name}: every setting.{more}", head, rows)


def comparison_table(runs: Sequence[LoadedRun]) -> Html:
    """Runs side by side: the loss of the main metric at every setting that any of them has."""
    names = _names(runs)
    by_run = [{_cell_name(cell, names): cell for cell in run.result.cells} for run in runs]
    settings = list(dict.fromkeys(name for cells in by_run for name in cells))[:MAX_ROWS]
    clean = [percent(run.result.clean.get(run.result.main_metric)) + " %" for run in runs]
    rows = [row("clean", clean)]
    rows += [
        row(setting, [_cell_loss(run, cells.get(setting)) for run, cells in zip(runs, by_run, strict=True)])
        for setting in settings
    ]
    metrics = ", ".join(dict.fromkeys(METRIC_NAMES.get(run.result.main_metric, "") for run in runs))
    caption = f"Runs side by side: {metrics} on the clean images, and points lost at each setting [95 %]."
    return table(caption, ["setting", *(run.name for run in runs)], rows)


def losers_table(run: LoadedRun) -> Html:
    """Classes that lose most where there are enough images of each, else the images; says how far to trust it."""
    losses = run.losses
    if NONE not in run.result.plan.mitigations:
        return tag("p", "Ranked is the model without mitigation, which this study left out.", class_="note")
    if losses.headline is None:
        return tag("p", "Nothing was scored, so nothing is ranked.", class_="note")
    where = at(losses.headline)
    if losses.n_ranked:
        return _classes(run, where)
    why = f"No class has {MIN_PER_CLASS} images or more, so single images are ranked instead."
    if not losses.images:
        return tag("p", f"{why} None of them loses {where}.", class_="note")
    rows = [_image_row(run, image) for image in losses.images]
    head = ["image", "true class", "p clean", f"p {where}", f"answer {where}"]
    note = tag("p", f"{why} p is the probability of the true class, or without a label of the clean answer.")
    return tag("div", note, table(f"{run.name}: images that lose most {where}.", head, rows, texts=(1, 4)))


def _classes(run: LoadedRun, where: str) -> Html:
    losses = run.losses
    few = losses.n_classes - losses.n_ranked
    notes = [f"Of {losses.n_ranked} classes with {MIN_PER_CLASS} images or more, those that lose the largest share."]
    notes += [f"{counted(few, 'class')} with fewer {'is' if few == 1 else 'are'} left out."] if few else []
    notes.append("They were sorted afterwards: with few images each, the top of such a list is partly chance.")
    if not losses.classes:
        return tag("p", f"No class of {losses.n_ranked} loses {where}.", class_="note")
    rights = [f"right {at(setting)}" for setting in losses.settings]
    head = ["class", "images", "right, clean", *rights, f"mostly taken for {where}"]
    rows = [_class_row(run, loss) for loss in losses.classes]
    ranked = table(f"{run.name}: classes that lose most {where}.", head, rows, texts=(len(head) - 1,))
    return tag("div", tag("p", " ".join(notes)), ranked)


def _class_row(run: LoadedRun, loss: ClassLoss) -> Html:
    name = run.class_name(loss.class_index, loss.class_name)
    mostly = "" if loss.mostly is None else f"{run.class_name(loss.mostly[0])} ({loss.mostly[1]})"
    return row(name, [str(loss.n), str(loss.clean_right), *map(str, loss.right), mostly], texts=(3 + len(loss.right),))


def _image_row(run: LoadedRun, image: ImageLoss) -> Html:
    true_class = run.class_name(image.true_class, image.class_name)
    after = "another answer" if image.after is None else f"{100 * image.after:.0f} %"
    values = [true_class, f"{100 * image.before:.0f} %", after, run.class_name(image.answer)]
    return row(image.key, values, texts=(1, 4), head="text long")


def _cell_name(cell: CellResult, names: Mapping[str, str]) -> str:
    """The setting, and the method's short name if there is one."""
    return spoken(cell.codec) + ("" if cell.mitigation == NONE else f", {names[cell.mitigation]}")


def _names(runs: Sequence[LoadedRun]) -> dict[str, str]:
    """Short names of the methods of all runs, by which none is taken for another."""
    return short_names(list(dict.fromkeys(text for run in runs for text in run.result.plan.mitigations)))


def _share(share: Share | None) -> str:
    """A share of a loss in percent with its interval, infinite where the loss may be none."""
    if share is None:
        return ""
    low, high = (sign if end is None else _signed(100 * end) for sign, end in (("-∞", share.low), ("∞", share.high)))
    return f"{_signed(100 * share.mean)} [{low}, {high}]"


def _cell_loss(run: LoadedRun, cell: CellResult | None) -> str:
    return "" if cell is None else _loss(cell.difference.get(run.result.main_metric))


@dataclass(frozen=True, slots=True)
class _Scale:
    """The range of losses, in points, that the drawings of a table share; it holds zero."""

    low: float
    high: float

    @classmethod
    def over(cls, changes: Sequence[Interval | None]) -> "_Scale":
        ends = [-100 * end for change in changes if change is not None for end in (change.low, change.high)]
        low, high = min([0.0, *ends]), max([0.0, *ends])
        return cls(low, high if high > low else low + 1)

    def place(self, points: float) -> float:
        """Where a loss lies, 5 to 95."""
        return 5 + 90 * (points - self.low) / (self.high - self.low)


def _loss(change: Interval | None) -> str:
    """The loss in points with its interval, the sign turned."""
    return "" if change is None else f"{_signed(-100 * change.mean)} [{_span(change, ', ')}]"


def _span(change: Interval, between: str) -> str:
    return f"{_signed(-100 * change.high)}{between}{_signed(-100 * change.low)}"


def _loss_cells(change: Interval | None, scale: _Scale) -> list[Html | str]:
    """Loss, interval, a drawing of both, and whether it is noise."""
    if change is None:
        return ["", "", "", ""]
    noise = "within" if within_noise(change) else "beyond"
    return [_signed(-100 * change.mean), _span(change, " to "), _whisker(change, scale), noise]


def _whisker(change: Interval, scale: _Scale) -> Html:
    """The loss and its interval as a drawing that repeats the cells before it."""
    zero, mean = scale.place(0.0), scale.place(-100 * change.mean)
    low, high = scale.place(-100 * change.high), scale.place(-100 * change.low)
    return tag(
        "svg",
        tag("line", x1=zero, x2=zero, y1=0, y2=14, class_="zero"),
        tag("line", x1=low, x2=high, y1=7, y2=7, class_="stroke"),
        tag("circle", cx=mean, cy=7, r=3, class_="mark hollow" if within_noise(change) else "mark"),
        viewBox="0 0 100 14",
        class_="whisker line s0",
        aria_hidden="true",
    )


def _signed(points: float) -> str:
    return f"{round(points, 1) + 0.0:.1f}".replace("-", "\N{MINUS SIGN}")
