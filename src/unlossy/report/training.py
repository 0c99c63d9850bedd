"""How a training went, in pictures: the loss over the steps, and what its validations measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from unlossy.core.errors import UsageError
from unlossy.report.chart import Line, Point, chart, linear_axis
from unlossy.report.document import Section, document, write_whole
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, tag
from unlossy.report.tabular import row, table
from unlossy.runs.mitigations import short_names
from unlossy.runs.training import Curve, TrainingCurves, read_training

FAMILIES: Mapping[str, str] = {
    "agreement": "Answers as on the clean picture",
    "distance": "Distance of the outputs to the clean ones, over that without correction",
    "gain": "Gain in PSNR, dB",
    "psnr": "PSNR, dB",
    "top1": "Top-1",
}
"""By the beginning of a measure's name; the rest tells the setting."""

MAX_LINES = 6


def write_training_report(run: Path, output: Path | None = None) -> Path:
    """The page over a training run's folder, written to `output` or RUN/training.html.

    Raises UsageError where the folder has no training's log, RunError where the file cannot be written.
    """
    curves = read_training(run)
    if curves is None:
        raise UsageError(f"{str(run)!r} is no run: it has no rows of a study and no log.csv of a training")
    told = [tag("p", _lead(curves), class_="verdict")]
    sections = [
        Section("curves", "The curves", training_figures(curves, "training")),
        Section("numbers", "The validations", _table(curves)),
    ]
    footer = "Made by unlossy from the logs of a training run. This file is complete: it loads nothing."
    return write_whole(
        document(f"How {run.name} was trained", told, sections, footer=footer), output or run / "training.html"
    )


def methods_training_section(run: LoadedRun, number: int) -> Html | None:
    """The curves of the study's methods that were trained where their logs lie; None where there are none."""
    names = short_names(run.result.plan.mitigations)
    parts = [
        tag("div", tag("h3", names[text]), training_figures(cost.facts.training, f"training-{number}-{place}"))
        for place, (text, cost) in enumerate(run.result.methods.items())
        if cost.facts.training is not None
    ]
    return tag("div", *parts) if parts else None


def training_figures(curves: TrainingCurves, name: str) -> Html:
    """The loss, and a figure for each kind of measure, its settings as lines."""
    figures = [_figure(f"{name}-loss", "Loss", [("loss", curves.loss)])]
    for place, (caption, lines) in enumerate(_kinds(curves.validation).items()):
        figures.append(_figure(f"{name}-{place}", caption, lines))
    return tag("div", *[figure for figure in figures if figure is not None], class_="charts")


def _kinds(validation: Mapping[str, Curve]) -> dict[str, list[tuple[str, Curve]]]:
    """The measures by what they measure, in the order of the log, each under the rest of its name."""
    kinds: dict[str, list[tuple[str, Curve]]] = {}
    for name, curve in validation.items():
        if len({value for _, value in curve}) == 1 < len(curve):
            continue  # a reference, not a result: the table has it
        family = next((begin for begin in FAMILIES if name.startswith(begin)), None)
        rest = name if family is None else name.removeprefix(family).strip("_").replace("_db", "").replace("q", "JPEG ")
        kinds.setdefault(name if family is None else FAMILIES[family], []).append(
            (rest.replace("_", " ") or name, curve)
        )
    return kinds


def _figure(name: str, caption: str, lines: Sequence[tuple[str, Curve]]) -> Html | None:
    shown = [(label, curve) for label, curve in lines if curve][:MAX_LINES]
    if not shown:
        return None
    drawn = [
        Line(
            place,
            tuple(
                Point(float(step), value, value, value, f"{label}, step {step}: {value:.4g}", False)
                for step, value in curve
            ),
        )
        for place, (label, curve) in enumerate(shown)
    ]
    points = [point for line in drawn for point in line.points]
    x, y = linear_axis("step", [point.x for point in points]), linear_axis("", [point.y for point in points])
    ends = "; ".join(f"{label}: {curve[0][1]:.4g} to {curve[-1][1]:.4g}" for label, curve in shown)
    keys = [
        tag("li", tag("span", "", class_=f"key s{place} k{place % 3}", aria_hidden="true"), label)
        for place, (label, _) in enumerate(shown)
    ]
    legend = tag("ul", *keys, class_="legend") if len(shown) > 1 else None
    return tag("figure", tag("figcaption", caption), legend, chart(name, caption, ends, x, y, drawn))


def _lead(curves: TrainingCurves) -> str:
    (first, at_first), (last, at_last) = curves.loss[0], curves.loss[-1]
    return f"The loss went from {at_first:.4g} (step {first}) to {at_last:.4g} (step {last})."


def _table(curves: TrainingCurves) -> Html:
    if not curves.validation:
        return tag("p", "This run has no validation yet.", class_="note")
    rows = [
        row(name.replace("_", " "), [f"{curve[0][1]:.4g}", f"{curve[-1][1]:.4g}", str(curve[-1][0])])
        for name, curve in curves.validation.items()
    ]
    return table("What the validations measured.", ["measure", "first", "last", "at step"], rows)
