"""Characters misread, missed and invented over the quality, and the commonest confusions."""

from typing import Final

from unlossy.report.diagnoses.stacks import stacked
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, join, tag
from unlossy.report.tabular import row, table
from unlossy.runs.diagnosis_text import TextCell, TextDiagnosis
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import at, spoken
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
    names, drawn = short_names(run.result.plan.mitigations), []
    top = max((sum(_parts(cell).values()) for cell in found.cells), default=0.0)
    for number, family in enumerate(family for family in run.families if family.swept):
        for place, mitigation in enumerate(run.result.plan.mitigations):
            cells = [
                (cell.codec_quality, _parts(cell))
                for cell in found.cells
                if cell.codec in family.settings and cell.mitigation == mitigation and cell.codec_quality is not None
            ]
            caption = f"{spoken(family.name)}, {'no mitigation' if mitigation == NONE else names[mitigation]}"
            drawn.append(stacked(f"{name}-{number}-{place}", caption, "of 100 characters", cells, top))
    return [figure for figure in drawn if figure is not None]


def _parts(cell: TextCell) -> dict[str, float]:
    return {told: 100 * getattr(cell, error) / max(cell.chars, 1) for error, told in ERRORS.items()}


def _cells_table(run: LoadedRun, found: TextDiagnosis) -> Html:
    names = short_names(run.result.plan.mitigations)
    rows = [
        row(
            spoken(cell.codec) + ("" if cell.mitigation == NONE else f", {names[cell.mitigation]}"),
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
