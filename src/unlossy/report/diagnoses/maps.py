"""A segmenter's loss at the edges of things and inside them, by class, and what is taken for what."""

from typing import Final

from unlossy.report.chart import Line, Point, chart, linear_axis
from unlossy.report.diagnoses.stacks import panels
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, join, tag
from unlossy.report.tabular import percent, row, table
from unlossy.runs.diagnosis_segmentation import SegmentationCell, SegmentationDiagnosis
from unlossy.runs.settings import spoken
from unlossy.store import CLEAN, NONE

LINES: Final = {"miou": "whole", "boundary_iou": "at edges", "interior_iou": "inside"}
MAX_CLASSES: Final = 20


def maps_diagnosis(run: LoadedRun, found: SegmentationDiagnosis, name: str) -> Html:
    """Curves of the IoU at edges and inside, tables of both, of the classes, and of the worst confusions."""
    if not found.cells:
        return tag("p", "No item has a map to compare with.", class_="note")
    about = (
        "IoU of the whole regions, of a band along their boundaries (2 % of the picture's diagonal, Cheng et al. 2021) "
        "and of what lies inside it, each the mean over the classes."
    )
    return join(
        [
            tag("p", about),
            tag("div", *_figures(run, found, name), class_="charts"),
            _cells_table(run, found),
            _classes_table(run, found),
            _confusions_table(run, found),
        ]
    )


def _figures(run: LoadedRun, found: SegmentationDiagnosis, name: str) -> list[Html]:
    drawn = [
        _figure(
            panel.name,
            panel.caption,
            [c for c in found.cells if c.codec in panel.settings and c.mitigation == panel.mitigation],
        )
        for panel in panels(run, name)
    ]
    return [figure for figure in drawn if figure is not None]


def _figure(name: str, caption: str, cells: list[SegmentationCell]) -> Html | None:
    lines = []
    for number, (metric, told) in enumerate(LINES.items()):
        points = [
            Point(cell.codec_quality, 100 * value, 100 * value, 100 * value, f"{told}: {100 * value:.1f}", False)
            for cell in cells
            if cell.codec_quality is not None and (value := getattr(cell, metric)) is not None
        ]
        lines.append(Line(number, tuple(sorted(points, key=lambda point: point.x))))
    points = [point for line in lines for point in line.points]
    if len(points) < 2 * len(lines):
        return None
    keys = [
        tag("li", tag("span", "", class_=f"key s{n} k{n % 3}", aria_hidden="true"), told)
        for n, told in enumerate(LINES.values())
    ]
    x = linear_axis("codec quality", [point.x for point in points])
    y = linear_axis("IoU, %", [point.y for point in points])
    ends = "; ".join(f"{told}: {line.points[0].y:.1f}" for told, line in zip(LINES.values(), lines, strict=True))
    drawing = chart(name, caption, f"At the lowest quality: {ends}", x, y, lines)
    return tag("figure", tag("figcaption", caption), tag("ul", *keys, class_="legend"), drawing)


def _cells_table(run: LoadedRun, found: SegmentationDiagnosis) -> Html:
    rows = [
        row(
            run.cell_name(cell.codec, cell.mitigation),
            [*(percent(getattr(cell, metric)) for metric in LINES), percent(cell.pixel_accuracy), str(cell.n)],
        )
        for cell in found.cells
    ]
    head = ["setting", *(f"IoU {told}" for told in LINES.values()), "pixels right", "images"]
    return table(f"{run.name}: edges and insides, in percent.", head, rows)


def _classes_table(run: LoadedRun, found: SegmentationDiagnosis) -> Html | None:
    cells = {(cell.codec, cell.mitigation): cell for cell in found.cells}
    clean, there = cells.get((CLEAN, NONE)), cells.get((run.losses.headline or "", NONE))
    if clean is None or there is None:
        return None
    after = {one.class_id: one.iou for one in there.classes}
    fallen = [
        (value - one.iou, one, value)
        for one in clean.classes
        if one.iou is not None and (value := after.get(one.class_id)) is not None
    ]
    rows = [
        row(run.class_of(one.class_id), [percent(one.share), percent(one.iou), percent(value), f"{100 * fell:+.1f}"])
        for fell, one, value in sorted(fallen, key=lambda entry: entry[0])[:MAX_CLASSES]
    ]
    where = spoken(there.codec)
    head = ["class", "share of the pixels", "IoU clean", f"IoU {where}", "points"]
    return table(f"{run.name}: the classes by how far their IoU falls at {where}, in percent.", head, rows)


def _confusions_table(run: LoadedRun, found: SegmentationDiagnosis) -> Html | None:
    there = next((c for c in found.cells if c.codec == run.losses.headline and c.mitigation == NONE), None)
    if there is None or not there.confusions:
        return None
    rows = [
        row(
            run.class_of(one.true_id),
            [run.class_of(one.answered_id), percent(one.share), percent(one.clean_share)],
            texts=(1,),
        )
        for one in there.confusions
    ]
    where = spoken(there.codec)
    head = ["class", "taken for", f"of its pixels, {where}", "clean"]
    return table(f"{run.name}: what is taken for what at {where}, in percent of the class.", head, rows, texts=(1,))
