"""A detector's errors after TIDE over the quality, and which sizes and classes lose."""

from collections.abc import Sequence
from typing import Final

from unlossy.report.diagnoses.stacks import Parts, panels, stacked
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, join, tag
from unlossy.report.tabular import percent, row, table
from unlossy.runs.diagnosis_detection import DetectionCell, DetectionDiagnosis, PartPrecision
from unlossy.runs.settings import spoken
from unlossy.store import CLEAN, NONE

ERRORS: Final = {
    "localization": "poorly placed",
    "classification": "wrong class",
    "both": "wrong class and place",
    "duplicate": "found twice",
    "background": "nothing there",
    "missed": "missed",
}
MAX_CLASSES: Final = 15
FEWEST_OBJECTS: Final = 5


def objects_diagnosis(run: LoadedRun, found: DetectionDiagnosis, name: str) -> Html:
    """Stacked errors for each method, a table of them, AP by size, and the classes that lose most."""
    return join(
        [
            tag("p", _about(found)),
            tag("div", *_figures(run, found, name), class_="charts"),
            _errors_table(run, found),
            _sizes_table(run, found),
            _classes_table(run, found),
        ]
    )


def _about(found: DetectionDiagnosis) -> str:
    against = "the labels" if found.against == "truth" else "what the model sees on the clean pictures"
    return (
        f"Points of AP50 (against {against}) that each kind of error costs, after TIDE (Bolya et al. 2020): what would "
        "be won if that error alone were mended. The parts do not add up to the whole loss, since mending one uncovers "
        "another."
    )


def _figures(run: LoadedRun, found: DetectionDiagnosis, name: str) -> list[Html]:
    top = max((sum(_parts(cell).values()) for cell in found.cells if cell.errors_present), default=0.0)
    drawn = []
    for panel in panels(run, name):
        cells = [
            (cell.codec_quality, _parts(cell))
            for cell in found.cells
            if cell.codec in panel.settings
            and cell.mitigation == panel.mitigation
            and cell.errors_present
            and cell.codec_quality is not None
        ]
        drawn.append(stacked(panel.name, panel.caption, "points of AP50", cells, top))
    return [figure for figure in drawn if figure is not None]


def _parts(cell: DetectionCell) -> Parts:
    return {told: 100 * getattr(cell.errors_present, error) for error, told in ERRORS.items()}


def _errors_table(run: LoadedRun, found: DetectionDiagnosis) -> Html:
    rows = [
        row(
            run.cell_name(cell.codec, cell.mitigation),
            [
                percent(cell.errors_present.ap50),
                *(f"{points:.1f}" for points in _parts(cell).values()),
                percent(cell.errors_present.false_positives),
                percent(cell.errors_present.false_negatives),
            ],
        )
        for cell in found.cells
        if cell.errors_present is not None
    ]
    head = ["setting", "AP50", *ERRORS.values(), "all that is wrong", "all that is missing"]
    return table(f"{run.name}: points of AP50 that each error costs.", head, rows)


def _sizes_table(run: LoadedRun, found: DetectionDiagnosis) -> Html:
    sizes = list(found.cells[0].by_size) if found.cells else []
    rows = [
        row(
            run.cell_name(cell.codec, cell.mitigation),
            [percent(cell.by_size[size].ap) for size in sizes if size in cell.by_size],
        )
        for cell in found.cells
    ]
    counts = [f"{size} ({found.cells[0].by_size[size].n_objects})" for size in sizes]
    caption = "AP by the objects' size (32 x 32 and 96 x 96 pixels divide them), with how many there are."
    return table(f"{run.name}: {caption}", ["setting", *counts], rows)


def _classes_table(run: LoadedRun, found: DetectionDiagnosis) -> Html | None:
    """The classes whose AP falls most at the headline's setting."""
    cells = {(cell.codec, cell.mitigation): cell for cell in found.cells}
    there = cells.get((run.losses.headline or "", NONE))
    clean = cells.get((CLEAN, NONE))
    if there is None or clean is None:
        return None
    ranked = sorted(_fallen(clean, there), key=lambda entry: entry[0])[:MAX_CLASSES]
    if not ranked:
        return None
    rows = [
        row(
            run.class_of(class_id),
            [str(before.n_objects), percent(before.ap), percent(after.ap), f"{100 * fell:+.1f}"],
        )
        for fell, class_id, before, after in ranked
    ]
    where = spoken(there.codec)
    caption = (
        f"the classes with {FEWEST_OBJECTS} objects or more whose AP falls most at {where}. With few objects each, the "
        "top is partly chance."
    )
    return table(f"{run.name}: {caption}", ["class", "objects", "AP clean", f"AP {where}", "points"], rows)


def _fallen(clean: DetectionCell, there: DetectionCell) -> Sequence[tuple[float, int, PartPrecision, PartPrecision]]:
    """The change of AP, the class, and what it is clean and there."""
    return [
        (after.ap - before.ap, class_id, before, after)
        for class_id, before in clean.by_class.items()
        if (after := there.by_class.get(class_id)) is not None
        and before.ap is not None
        and after.ap is not None
        and before.n_objects >= FEWEST_OBJECTS
    ]
