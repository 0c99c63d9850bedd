"""The methods of a study beside each other: what each wins, as tables and curves, and what each costs."""

from collections.abc import Callable
from typing import TypeVar

from unlossy.metrics import Interval
from unlossy.metrics.recovered import Share
from unlossy.report.chart import Line, Point, chart, linear_axis
from unlossy.report.document import bound
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, join, tag
from unlossy.report.tabular import percent, row, signed, table
from unlossy.report.told import milliseconds, short_count
from unlossy.report.verdict import METRIC_NAMES, within_noise
from unlossy.runs import CellResult, StudyResult
from unlossy.runs.costs import MethodCost
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import Family, at, spoken
from unlossy.store import NONE

N = TypeVar("N", int, float)

MAX_PAIRS = 90
SHARE_LOW, SHARE_HIGH = -100.0, 150.0
"""In percent: the curves' intervals are cut there, for where hardly anything is lost a share has hardly a bound."""

RULES = (
    "A method wins at a setting where the 95 % interval of its gain over none lies above zero, over 20 images or more, "
    "and harms where it lies below; an interval that holds zero is neither. What counts are the settings at which the "
    "model loses beyond noise: a method can be recommended that wins at one of them and whose mean gain over them is "
    "above zero beyond noise, one without a score counting as no gain. That is asked once a method, at a level that "
    "leaves 5 % to all of them: many settings and methods find a winner by chance in one study of twenty at most. Of "
    "the one with the largest mean gain, and of those that are "
    "compared with it there and that no paired interval tells apart from it, the cheapest is taken: the one that harms "
    "at the fewest settings, clean images included, and of equals the one {}."
)
LEAST_HARM = {True: "that turns the fewest clean answers wrong", False: "that makes the fewest clean images worse"}
"""Whether a score is right or wrong, and nothing between."""


def methods_section(run: LoadedRun, number: int) -> Html | None:
    """Curves and tables of a run's methods; None where it has only one. `number` is the run's place on the page."""
    if not run.result.clean_mitigated or NONE not in run.result.plan.mitigations:
        return None
    families = [family for family in run.families if family.swept]
    figures = [_figures(run, family, f"methods-{number}-{n}") for n, family in enumerate(families)]
    drawn = [figure for of_family in figures for figure in of_family]
    return join(
        [
            _legend(run.result) if drawn else None,
            tag("div", *drawn, class_="charts") if drawn else None,
            tag("p", bound(_about_curves()), class_="note") if drawn else None,
            _wins_table(run),
            _costs_table(run),
            _pairs_table(run),
            tag(
                "p",
                "How the recommendation is found. ",
                bound(RULES.format(LEAST_HARM[run.is_of_classes])),
                class_="note",
            ),
        ]
    )


def _about_curves() -> str:
    return (
        "Points over none: above zero a method helps. The share is of the loss of the model alone: 100 % is the clean "
        "answer; only settings at which that loss is beyond noise have one. Bands are 95 % intervals; a hollow mark "
        "means that the interval includes zero."
    )


def _figures(run: LoadedRun, family: Family, name: str) -> list[Html]:
    """What each method wins over the quality, in points and as a share of the loss; none where nothing was scored."""
    gains = [Line(n, _gains(run.result, family, m)) for n, m in enumerate(run.result.clean_mitigated)]
    shares = [Line(n, _shares(run.result, family, m)) for n, m in enumerate(run.result.clean_mitigated)]
    named = METRIC_NAMES.get(run.result.main_metric, run.result.main_metric)
    drawn = [
        _figure(f"{name}-points", f"{spoken(family.name)}: {named} over none", "points over none", [0.0], gains),
        _figure(f"{name}-shares", f"{spoken(family.name)}: share of the loss won back", "%", [0.0, 100.0], shares),
    ]
    return [figure for figure in drawn if figure is not None]


def _figure(name: str, caption: str, y_title: str, y_values: list[float], lines: list[Line]) -> Html | None:
    shown = [line for line in lines if line.points]
    points = [point for line in shown for point in line.points]
    if not points:
        return None
    x_axis = linear_axis("codec quality", [point.x for point in points])
    y_axis = linear_axis(y_title, [*y_values, *(end for point in points for end in (point.low, point.high))], n_ticks=8)
    told = "; ".join(line.points[0].told for line in shown)
    drawing = chart(name, caption, f"At the lowest quality: {told}. The tables have the rest.", x_axis, y_axis, shown)
    return tag("figure", tag("figcaption", caption), drawing)


def _gains(result: StudyResult, family: Family, mitigation: str) -> tuple[Point, ...]:
    points = []
    for cell, name in _cells(result, family, mitigation):
        gain = (cell.versus_none or {}).get(result.main_metric)
        if gain is not None and cell.codec_quality is not None:
            mean, low, high = (100 * value for value in (gain.mean, gain.low, gain.high))
            told = f"{name}, {spoken(cell.codec)}: {points_text(gain)} points"
            points.append(Point(cell.codec_quality, mean, low, high, told, within_noise(gain)))
    return tuple(sorted(points, key=lambda point: point.x))


def _shares(result: StudyResult, family: Family, mitigation: str) -> tuple[Point, ...]:
    points = []
    for cell, name in _cells(result, family, mitigation):
        share = (cell.recovered or {}).get(result.main_metric)
        if share is not None and cell.codec_quality is not None and _loses(result, cell.codec):
            low = SHARE_LOW if share.low is None else 100 * share.low
            high = SHARE_HIGH if share.high is None else 100 * share.high
            y, low, high = (_within(percent) for percent in (100 * share.mean, low, high))
            told = f"{name}, {spoken(cell.codec)}: {share_text(share)} %"
            points.append(Point(cell.codec_quality, y, low, high, told, low <= 0 <= high))
    return tuple(sorted(points, key=lambda point: point.x))


def _cells(result: StudyResult, family: Family, mitigation: str) -> list[tuple[CellResult, str]]:
    """A method's cells in a family, with its short name."""
    name = short_names(result.plan.mitigations)[mitigation]
    return [(cell, name) for cell in result.cells if cell.mitigation == mitigation and cell.codec in family.settings]


def _loses(result: StudyResult, setting: str) -> bool:
    """Whether the model alone loses beyond noise there."""
    alone = next((c for c in result.cells if c.codec == setting and c.mitigation == NONE), None)
    lost = None if alone is None else alone.difference.get(result.main_metric)
    return lost is not None and lost.high < 0


def _within(percent: float) -> float:
    return min(max(percent, SHARE_LOW), SHARE_HIGH)


def _legend(result: StudyResult) -> Html:
    names = short_names(result.plan.mitigations)
    items = [
        tag("li", tag("span", "", class_=f"key s{n % 6} k{n % 3}", aria_hidden="true"), names[mitigation])
        for n, mitigation in enumerate(result.clean_mitigated)
    ]
    return tag("ul", *items, class_="legend")


def _wins_table(run: LoadedRun) -> Html:
    """Each method at a few settings: the main metric, and what it wins back."""
    result, metric = run.result, METRIC_NAMES.get(run.result.main_metric, "")
    settings = [setting for family in run.families for setting in family.looked_at()][:6]
    cells = {(cell.codec, cell.mitigation): cell for cell in result.cells}
    head = ["method", f"{metric} clean, %"]
    for setting in settings:
        head += [f"{metric} {at(setting)}, %", "won back [95 %]"]
    rows = []
    for mitigation, name in short_names(result.plan.mitigations).items():
        clean = result.clean if mitigation == NONE else result.clean_mitigated[mitigation]
        values = [percent(clean.get(result.main_metric))]
        for setting in settings:
            values += _won(result, cells.get((setting, mitigation)))
        rows.append(row(name, values))
    return table(f"{run.name}: what each method wins, in percent.", [bound(text) for text in head], rows)


def _won(result: StudyResult, cell: CellResult | None) -> list[str]:
    """The metric, and the share won back where there is a loss to speak of."""
    if cell is None:
        return ["", ""]
    share = share_text((cell.recovered or {}).get(result.main_metric))
    told = share if not share or _loses(result, cell.codec) else "loss within noise"
    return [percent(cell.metrics.get(result.main_metric)), told]


def _costs_table(run: LoadedRun) -> Html:
    """Each method where nothing was lost: clean images, the mildest setting, time and size."""
    result = run.result
    mildest = next((cost.mildest for cost in result.methods.values() if cost.mildest is not None), None)
    where = "" if mildest is None else at(mildest.codec)
    flips = "became wrong / right" if run.is_of_classes else "got worse / better"
    head = ["method", "points on clean images [95 %]", flips]
    head += ["mean |change of p(true)|"] if run.is_of_classes else []
    head += [f"points {where} [95 %]" if where else "points", "ms: correction + model", "parameters: corrector + model"]
    names = short_names(result.plan.mitigations)
    rows = [row(names[m], _costs(run, cost)) for m, cost in result.methods.items() if m in names]
    note = (
        "Times are medians per image of the machine that made the run, one thread a correction, the model in batches."
    )
    return table(f"{run.name}: what each method costs. {note}", [bound(text) for text in head], rows)


def _costs(run: LoadedRun, cost: MethodCost) -> list[str]:
    result = run.result
    mildest = None if cost.mildest is None else cost.mildest.versus_none.get(result.main_metric)
    moved = cost.mean_abs_p_true
    return [
        points_text(cost.clean_difference.get(result.main_metric)),
        f"{cost.became_wrong} / {cost.became_right}",
        *(["" if moved is None else f"{moved:.4f}"] if run.is_of_classes else []),
        points_text(mildest),
        _added(cost.correction_s, cost.facts.model_s, lambda seconds: milliseconds(seconds).removesuffix(" ms")),
        _added(cost.facts.corrector_parameters, cost.facts.model_parameters, short_count),
    ]


def _added(of_corrector: N | None, of_model: N | None, told: Callable[[N], str]) -> str:
    """ "26 + 1.8"; without a corrector the model's alone; "?" for a model that does not tell."""
    model = "?" if of_model is None else told(of_model)
    if of_corrector is None:
        return model
    return f"{told(of_corrector)} + {model}"


def _pairs_table(run: LoadedRun) -> Html:
    """Any two methods at a few settings, with how many images would tell them apart to 5 points."""
    result, names = run.result, short_names(run.result.plan.mitigations)
    looked_at = {setting for family in run.families for setting in family.looked_at()}
    shown = [pair for pair in result.pairs if pair.codec in looked_at]
    rows = []
    for pair in shown[:MAX_PAIRS]:
        change, needed = pair.difference.get(result.main_metric), pair.images_needed.get(result.main_metric)
        noise = "" if change is None else "within" if within_noise(change) else "beyond"
        values = [names[pair.a], names[pair.b], points_text(change), noise, str(pair.n), str(needed or "")]
        rows.append(row(spoken(pair.codec), values, texts=(1, 2)))
    head = ["setting", "method", "minus", "points [95 %]", "noise", "images", "needed for ±5 points"]
    return table(f"{run.name}: any two methods, paired by image.", [bound(text) for text in head], rows, texts=(1, 2))


def points_text(change: Interval | None) -> str:
    """A difference in points with its interval: "+3.1 [+0.4, +5.9]"."""
    if change is None:
        return ""
    mean, low, high = (signed(100 * value) for value in (change.mean, change.low, change.high))
    return f"{mean} [{low}, {high}]"


def share_text(share: Share | None) -> str:
    """A share of a loss in percent with its interval, infinite where the loss may be none."""
    if share is None:
        return ""
    ends = [sign if end is None else _whole(end) for sign, end in (("\N{MINUS SIGN}∞", share.low), ("∞", share.high))]
    return f"{_whole(share.mean)} [{', '.join(ends)}]"


def _whole(share: float) -> str:
    return f"{100 * share:.0f}".replace("-", "\N{MINUS SIGN}")
