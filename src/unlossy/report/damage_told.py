"""What `unlossy damage` found, in words: for the terminal and at the top of the page."""

from collections.abc import Mapping, Sequence
from typing import Final

from unlossy.metrics.stats import Interval
from unlossy.runs.damage import DamageCell, DamageResult
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import at, spoken
from unlossy.store import NONE

NAMES: Final[Mapping[str, str]] = {
    "magnitude_agreement": "magnitude agreement",
    "orientation_agreement": "orientation agreement",
    "gradient_cosine": "cosine of the fields",
    "lost_edges": "lost edges",
    "phantom_edges": "phantom edges",
    "phantom_on_grid": "phantom on the grid",
    "grid_excess": "grid excess",
}
AGREEMENTS: Final = ("magnitude_agreement", "orientation_agreement", "gradient_cosine")


def sentences(found: DamageResult) -> list[str]:
    """In words: the strongest compression, what each mitigation makes of it, and how far up the grid shows."""
    measured = [cell for cell in found.cells if cell.n]
    first = [cell for cell in measured if cell.mitigation == found.mitigations[0]]
    if not first:
        return ["No picture could be compared."]
    worst, names = min(first, key=_cosine), short_names(found.mitigations)
    with_what = "" if worst.mitigation == NONE else f" and with {names[worst.mitigation]}"
    place = at(worst.codec)
    told = [f"{place[0].upper()}{place[1:]}{with_what}, {_told(worst)}"]
    others = [cell for cell in measured if cell.codec == worst.codec and cell is not worst]
    told += [f"With {names[cell.mitigation]}, {_told(cell)}" for cell in others]
    return [*told, *_grid_sentences(first)]


def _cosine(cell: DamageCell) -> float:
    mean = cell.mean("gradient_cosine")
    return 1.0 if mean is None else mean


def _told(cell: DamageCell) -> str:
    shares = (cell.metrics[name] for name in ("lost_edges", "phantom_edges", "phantom_on_grid"))
    lost, phantom, on_grid = (percent_text(share) or "an unknown share" for share in shares)
    turned = cell.mean("orientation_agreement")
    gradients = "" if turned is None else f"; the gradients agree in direction by {turned:.2f} (1 is unchanged)"
    return (
        f"{lost} of a picture's edges are lost, and of those that it shows {phantom} were never there, "
        f"{on_grid} across borders of blocks{gradients}."
    )


def _grid_sentences(cells: Sequence[DamageCell]) -> list[str]:
    """For each family of settings the highest quality at which its edges lie on the grid more than clean ones do."""
    told = []
    for family in dict.fromkeys(cell.family for cell in cells if cell.family):
        swept = sorted((cell for cell in cells if cell.family == family), key=lambda cell: cell.codec_quality or 0.0)
        shows = [cell for cell in swept if (excess := cell.metrics["grid_excess"]) is not None and excess.low > 0]
        if shows and shows[-1] is swept[-1]:
            told.append(f"The 8 x 8 grid shows in the edges {at(swept[-1].codec)} still.")
        elif shows:
            told.append(f"The 8 x 8 grid shows in the edges up to {spoken(shows[-1].codec)}.")
        elif len(swept) > 1:
            told.append(f"The 8 x 8 grid shows in the edges at none of the {spoken(family)} settings.")
    return told


def percent_text(interval: Interval | None) -> str:
    """A share as "12 % [10, 14]"; empty where it is undefined."""
    if interval is None:
        return ""
    mean, low, high = (f"{100 * value + 0.0:.0f}" for value in (interval.mean, interval.low, interval.high))
    return f"{mean} % [{low}, {high}]"
