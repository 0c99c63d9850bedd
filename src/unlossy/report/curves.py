"""The two curves: the change of the main metric against quality, and against bits per pixel, so that codecs compare."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlossy.core.words import counted
from unlossy.report.chart import Axis, Line, Point, chart, linear_axis, octave_axis
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, tag
from unlossy.report.verdict import METRIC_NAMES, within_noise
from unlossy.runs import CellResult
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import Family, spoken
from unlossy.store import NONE

MAX_LINES = 6
"""As many colours as can be told apart; what is left over stands in the tables."""


@dataclass(frozen=True, slots=True)
class _Curve:
    """A codec family in a run, with a mitigation."""

    run: LoadedRun
    family: Family
    mitigation: str

    @property
    def cells(self) -> list[tuple[float | None, CellResult]]:
        """The scored cells with their qualities, best first."""
        result = self.run.result
        by_setting = {cell.codec: cell for cell in result.cells if cell.mitigation == self.mitigation}
        pairs = zip(self.family.qualities, map(by_setting.get, self.family.settings), strict=True)
        return [(q, cell) for q, cell in pairs if cell and cell.difference.get(result.main_metric) is not None]

    @property
    def name(self) -> str:
        """The family, and the mitigation if there is one."""
        return spoken(self.family.name) + ("" if self.mitigation == NONE else f", {self.method}")

    @property
    def method(self) -> str:
        """The mitigation's short name."""
        return short_names(self.run.result.plan.mitigations)[self.mitigation]


def curves_section(runs: Sequence[LoadedRun]) -> Html:
    """Both charts with a legend; a note where there is nothing to draw, or more than MAX_LINES lines."""
    every = [
        curve
        for run in runs
        for family in run.families
        for mitigation in run.result.plan.mitigations
        if (curve := _Curve(run, family, mitigation)).cells
    ]
    drawn = every[:MAX_LINES]
    if not drawn:
        return tag("p", "Nothing was scored in any cell, so there is no curve.", class_="note")
    metric = runs[0].result.main_metric
    name = METRIC_NAMES.get(metric, metric)
    mixed = any(run.result.main_metric != metric for run in runs)
    y_title = "points lost or gained" if mixed else f"change of {name}, points"
    charts = [_against_quality(drawn, y_title), _against_rate(drawn, y_title)]
    return tag(
        "div",
        _legend(drawn, named=len(runs) > 1),
        tag("div", *charts, class_="charts"),
        tag(
            "p",
            "Zero is the clean image. The band is the 95 % interval of the paired difference; a hollow mark means that "
            "it includes zero: within noise. Every number stands in the table below.",
            class_="note",
        ),
        tag("p", left_told(len(every) - MAX_LINES, "tables"), class_="note") if len(every) > MAX_LINES else None,
    )


def left_told(n_lines: int, where: str) -> str:
    """The note on lines that the charts have no colour for."""
    return f"{counted(n_lines, 'more line')} {'is' if n_lines == 1 else 'are'} left to the {where}."


def _against_quality(drawn: Sequence[_Curve], y_title: str) -> Html:
    lines = []
    for number, curve in enumerate(drawn):
        points = [_point(curve, cell, quality) for quality, cell in curve.cells if quality is not None]
        if points:
            lines.append(Line(number, tuple(sorted(points, key=lambda point: point.x))))
    if not lines:
        return _figure("Against quality", tag("p", "None of these settings has one quality.", class_="note"))
    title = (
        "codec quality" if len({curve.family.name for curve in drawn}) == 1 else "codec quality, each on its own scale"
    )
    axis = linear_axis(title, [point.x for line in lines for point in line.points])
    return _figure("Against quality", _draw("quality", y_title, axis, lines))


def _against_rate(drawn: Sequence[_Curve], y_title: str) -> Html:
    lines = []
    for number, curve in enumerate(drawn):
        points = [_point(curve, cell, cell.rate_bpp) for _, cell in curve.cells if cell.rate_bpp]
        if points:
            lines.append(Line(number, tuple(sorted(points, key=lambda point: point.x)), joined=curve.family.swept))
    if not lines:
        return _figure("Against size", tag("p", "The rows hold no sizes.", class_="note"))
    axis = octave_axis("bits per pixel", [point.x for line in lines for point in line.points])
    return _figure("Against size", _draw("rate", y_title, axis, lines))


def _draw(name: str, y_title: str, x_axis: Axis, lines: Sequence[Line]) -> Html:
    values = [value for line in lines for point in line.points for value in (point.low, point.high)]
    y_axis = linear_axis(y_title, [0.0, *values], n_ticks=8)
    title = f"{y_title[0].upper()}{y_title[1:]}, against {x_axis.title}"
    told = "; ".join(point.told for line in lines for point in line.points[:1] + line.points[-1:])
    return chart(name, title, f"From end to end: {told}. The table below has every number.", x_axis, y_axis, lines)


def _point(curve: _Curve, cell: CellResult, x: float) -> Point:
    change = cell.difference[curve.run.result.main_metric]
    if change is None:
        raise ValueError(f"{cell.codec} was not scored")
    mean, low, high = 100 * change.mean, 100 * change.low, 100 * change.high
    with_what = "" if curve.mitigation == NONE else f", {curve.method}"
    told = f"{curve.run.name}, {spoken(cell.codec)}{with_what}: {mean:+.1f} points (95 %: {low:+.1f} to {high:+.1f})"
    return Point(x, mean, low, high, told, within_noise(change))


def _figure(caption: str, content: Html) -> Html:
    return tag("figure", tag("figcaption", caption), content)


def _legend(drawn: Sequence[_Curve], *, named: bool) -> Html | None:
    if len(drawn) < 2:
        return None
    texts = [f"{curve.run.name}, {curve.name}" if named else curve.name for curve in drawn]
    items = [
        tag("li", tag("span", "", class_=f"key s{number} k{number % 3}", aria_hidden="true"), text)
        for number, text in enumerate(texts)
    ]
    return tag("ul", *items, class_="legend")
