"""Characters misread, missed and invented over the quality, and the commonest confusions."""

from typing import Final

from unlossy.report.diagnoses.stacks import panels, stacked
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, join, tag
from unlossy.report.tabular import row, table
from unlossy.runs.diagnosis_text import TextCell, TextDiagnosis
from unlossy.runs.settings import at
from unlossy.store import NONE

ERRORS: Final = {"substituted": "read as another", "missed": "missed", "invented": "invented"}
MAX_CONFUSIONS: Final = 20


def texts_diagnosis(run: LoadedRun, found: TextDiagnosis, name: str) -> Html:
    """Stacked errors for each method, a table of them, and the confusions at the headline's setting."""
    against = "the labels" if found.against == "truth" else "what is read on the clean pictures"
    about = f"Characters in a hundred, against {against}, after the metrics' normalisation."
    parts = [tag("p", about), tag("div", *_figures(run, found, name), class_="charts")]
    return join([*parts, _cells_table(run, found), _confusions_table(run, found)])


def _figures(run: LoadedRun, found: TextDiagnosis, name: str) -> list[Html]:
    top = max((sum(_parts(cell).values()) for cell in found.cells), default=0.0)
    drawn = []
    for panel in panels(run, name):
        cells = [
            (cell.codec_quality, _parts(cell))
            for cell in found.cells
            if cell.codec in panel.settings and cell.mitigation == panel.mitigation and cell.codec_quality is not None
        ]
        drawn.append(stacked(panel.name, panel.caption, "of 100 characters", cells, top))
    return [figure for figure in drawn if figure is not None]


def _parts(cell: TextCell) -> dict[str, float]:
    return {told: 100 * getattr(cell, error) / max(cell.chars, 1) for error, told in ERRORS.items()}


def _cells_table(run: LoadedRun, found: TextDiagnosis) -> Html:
    rows = [
        row(
            run.cell_name(cell.codec, cell.mitigation),
            [*(f"{part:.1f}" for part in _parts(cell).values()), str(cell.chars), str(cell.n)],
        )
        for cell in found.cells
    ]
    head = ["setting", *ERRORS.values(), "characters", "images"]
    return table(f"{run.name}: of a hundred characters.", head, rows)


def _confusions_table(run: LoadedRun, found: TextDiagnosis) -> Html | None:
    there = next((c for c in found.cells if c.codec == run.losses.headline and c.mitigation == NONE), None)
    if there is None or not there.confusions:
        return None
    rows = [
        row(one.true or "nothing", [one.read or "nothing", str(one.count), str(one.clean_count)], texts=(1,))
        for one in there.confusions[:MAX_CONFUSIONS]
    ]
    head = ["written", "read", f"times {at(there.codec)}", "times clean"]
    return table(f"{run.name}: the commonest confusions {at(there.codec)}.", head, rows, texts=(1,))
