"""Each class, split or folder as one thin strip: where its images lie between quality 1 and 100, the darker the more.

Ranked by how far a group's images lie from all images, in points of quality: between those with a quality the earth
mover's distance on the axis (the area between the two cumulative distributions), times the group's share of such; plus
100 points for each image too many or too few without a quality or of another format (total variation). All times the
square root of the group's size: under chance the distance falls with that root, so that small groups do not lead a
list just for being small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from unlossy.report.audit.facts import N_PLACES, NO_QUALITY, OTHER, Facts, Named
from unlossy.report.document import Section
from unlossy.report.markup import Html, tag
from unlossy.report.tabular import scrolling

MAX_STRIPS, MAX_BY_CHANCE = 60, 20
FEW = 5
"""Groups whose median size is less are ranked by little more than chance, and fewer of them are shown."""

PLURALS = {"class": "classes", "split": "splits", "shard": "shards", "folder": "folders"}
HEADINGS = {"class": "Class by class", "split": "Split by split", "shard": "Shard by shard", "folder": "By folder"}


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A group's images by place, and how far they lie from all images (points, see above)."""

    name: str
    counts: Int64[np.ndarray, "104"]
    distance: float

    @property
    def n(self) -> int:
        """Its images."""
        return int(self.counts.sum())


def strip_sections(facts: Facts) -> list[Section]:
    """A section for each dimension that tells groups apart; folders only where they are not the classes."""
    found = []
    for dimension in ("class", "split", "shard", "folder"):
        of = facts.groups.get(dimension)
        if of is None or len(of.names) < 2 or (dimension == "folder" and "class" in facts.groups):
            continue
        content = _section(dimension, ranked_strips(facts, of))
        found.append(Section(f"by-{dimension}", HEADINGS[dimension], content))
    return found


def ranked_strips(facts: Facts, of: Named) -> list[Strip]:
    """The groups of a dimension, the most different first, equal ones by name."""
    inside = of.codes >= 0
    flat = of.codes[inside] * N_PLACES + facts.places[inside]
    by_group = np.bincount(flat, minlength=len(of.names) * N_PLACES).reshape(len(of.names), N_PLACES)
    distances = distances_from_all(by_group) * np.sqrt(by_group.sum(1))
    strips = [Strip(name, by_group[n], float(distances[n])) for n, name in enumerate(of.names) if by_group[n].any()]
    return sorted(strips, key=lambda strip: (-round(strip.distance, 9), strip.name))


def distances_from_all(by_group: Int64[np.ndarray, "groups 104"]) -> Float64[np.ndarray, " groups"]:
    """How far each group lies from all, in points of quality, 0..200; its size plays no part here."""
    whole = by_group.sum(0, keepdims=True)
    kinds, of_all = (_shares(_kinds(counts)) for counts in (by_group, whole))
    qualities, all_qualities = (np.cumsum(_shares(counts[:, :NO_QUALITY]), axis=1) for counts in (by_group, whole))
    along = np.abs(qualities - all_qualities).sum(1)
    return kinds[:, 0] * along + 100 * np.abs(kinds - of_all).sum(1) / 2


def _kinds(counts: Int64[np.ndarray, "groups 104"]) -> Int64[np.ndarray, "groups 4"]:
    """Images with a quality, and in each of the three other places."""
    return np.column_stack([counts[:, :NO_QUALITY].sum(1), counts[:, NO_QUALITY:]])


def _shares(counts: Int64[np.ndarray, "groups k"]) -> Float64[np.ndarray, "groups k"]:
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)


def _section(dimension: str, strips: Sequence[Strip]) -> Html:
    median = float(np.median([strip.n for strip in strips]))
    shown = strips[: MAX_STRIPS if median >= FEW else MAX_BY_CHANCE]
    left = len(strips) - len(shown)
    chance = f"; with so few images in each (median {median:g}) that order is mostly chance" if median < FEW else ""
    told = [
        f"One strip per {dimension}, from quality 1 to 100: the darker, the larger the share of its images.",
        f"Those that differ most from all images stand first{chance}.",
        *([f"And {left:,} more {PLURALS[dimension]}, which lie closer to the whole."] if left else []),
    ]
    return tag("div", tag("p", " ".join(told)), _table(dimension, shown))


def _table(dimension: str, strips: Sequence[Strip]) -> Html:
    ticks = [tag("span", str(tick), style=f"left:{tick - 0.5}%") for tick in (1, 50, 100)]
    head = tag(
        "tr",
        tag("th", dimension, scope="col", class_="text"),
        tag("th", tag("div", *ticks, class_="scale"), scope="col", class_="strip", aria_label="quality 1 to 100"),
        *[tag("th", name, scope="col") for name in ("images", "median", "5 % at or below", "no quality", "not JPEG")],
    )
    caption = tag("caption", tag("span", f"IJG quality of luma by {dimension}, the most different first."))
    inner = tag("table", caption, tag("thead", head), tag("tbody", *map(_row, strips)), class_="strips")
    return scrolling(inner, f"IJG quality by {dimension}")


def _row(strip: Strip) -> Html:
    qualities = strip.counts[:NO_QUALITY]
    n = int(qualities.sum())
    middle, low = (_quantile(qualities, share) for share in (0.5, 0.05))
    other = int(strip.counts[OTHER:].sum())
    return tag(
        "tr",
        tag("th", strip.name, scope="row", class_="text"),
        tag("td", _drawing(qualities, strip.n), class_="strip"),
        tag("td", f"{strip.n:,}"),
        tag("td", middle if n else ""),
        tag("td", low if n else ""),
        tag("td", f"{int(strip.counts[NO_QUALITY]):,}" if strip.counts[NO_QUALITY] else ""),
        tag("td", f"{other:,}" if other else ""),
    )


def _quantile(qualities: Int64[np.ndarray, "101"], share: float) -> str:
    """The least quality that at least this share of the images with one do not exceed."""
    total = np.cumsum(qualities)
    return str(int(np.searchsorted(total, share * total[-1])))


def _drawing(qualities: Int64[np.ndarray, "101"], n: int) -> Html:
    """A cell per quality; ink grows with the root of the share, so that one image in a hundred is seen."""
    cells = [
        tag("rect", x=int(q) - 1, y=0, width=1, height=1, opacity=float(0.15 + 0.85 * np.sqrt(qualities[q] / n)))
        for q in np.flatnonzero(qualities)
    ]
    view = {"viewBox": "0 0 100 1", "preserveAspectRatio": "none"}
    return tag("svg", *cells, **view, class_="heat", aria_hidden="true")
