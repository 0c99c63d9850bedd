"""The qualities of all images as stacked bars, a colour per encoder, and apart what has no quality.

The plot's box is as wide as the page and 240 px high: places are per cent of it, so that letters keep their size on
any screen. One unit of quality is 1 % of the width, quality q from q - 1 % to q %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from unlossy.report.audit.facts import N_PLACES, NO_QUALITY, OTHER, UNKNOWN, UNREAD, Facts
from unlossy.report.chart import linear_axis
from unlossy.report.markup import Html, number, tag
from unlossy.report.tabular import row, table

MAX_ENCODERS = 5
"""With "all others" as many as there are colours."""

HAIR_PERCENT = 0.8
"""The least height of a bar, so that one image among 100 000 is seen."""

X_TICKS = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
APART = {NO_QUALITY: "JPEG without an honest quality", OTHER: "Not JPEG", UNREAD: "No header to read"}


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """An encoder's images by place; `colour` is that of the style sheet's line of this number."""

    name: str
    colour: int
    counts: Int64[np.ndarray, "104"]


def histogram_section(facts: Facts) -> Html:
    """The chart with its legend, what lies apart, and the numbers in a table that can be opened."""
    layers = layers_of(facts)
    total = facts.counts()
    apart = _apart(facts, total)
    if not total[:NO_QUALITY].any():
        return tag("div", tag("p", "No image has an IJG quality, so there is nothing to draw.", class_="note"), apart)
    return tag("div", _legend(layers), _figure(layers, total), apart, _numbers(layers, total))


def layers_of(facts: Facts) -> list[Layer]:
    """The encoders that most images with a quality come from, `unknown` behind the others, the rest in one."""
    table_of = np.zeros((len(facts.encoders.names), N_PLACES), dtype=np.int64)
    np.add.at(table_of, (facts.encoders.codes[facts.has_quality], facts.places[facts.has_quality]), 1)
    sizes = table_of.sum(1)
    ranked = sorted(np.flatnonzero(sizes), key=lambda n: (facts.encoders.names[n] == UNKNOWN, -sizes[n], n))
    known = [n for n in ranked if facts.encoders.names[n] != UNKNOWN]
    alone = known[: MAX_ENCODERS if len(known) <= MAX_ENCODERS else MAX_ENCODERS - 1]
    layers = [Layer(facts.encoders.names[n], colour, table_of[n]) for colour, n in enumerate(alone)]
    if rest := known[len(alone) :]:
        layers.append(Layer(f"{len(rest)} more encoders", MAX_ENCODERS - 1, table_of[rest].sum(0)))
    if UNKNOWN in facts.encoders.names and sizes[n := facts.encoders.names.index(UNKNOWN)]:
        layers.append(Layer("unknown encoder", MAX_ENCODERS, table_of[n]))
    return layers


def _figure(layers: Sequence[Layer], total: Int64[np.ndarray, "104"]) -> Html:
    axis = linear_axis("images", [0.0, float(total[:NO_QUALITY].max())], n_ticks=5)
    span = np.flatnonzero(total[:NO_QUALITY])
    told = f"{int(total[:NO_QUALITY].sum())} images with a quality of {span[0]} to {span[-1]}; the numbers stand below."
    rules = [_rule(100 - 100 * axis.place(tick), f"{tick:,.0f}") for tick in axis.ticks if tick == round(tick)]
    marks = [
        tag("text", str(tick), x=f"{tick - 0.5}%", y="100%", dy=18, text_anchor="middle", class_=_minor(tick))
        for tick in X_TICKS
    ]
    bars = [bar for quality in span for bar in _stack(int(quality), layers, axis.high)]
    drawing = tag(
        "svg",
        tag("title", "IJG quality of luma", id="histogram-title"),
        tag("desc", told, id="histogram-desc"),
        *rules,
        *bars,
        tag("line", x1="0", x2="100%", y1="100%", y2="100%", class_="zero"),
        *marks,
        tag("text", "IJG quality of luma", x="50%", y="100%", dy=40, text_anchor="middle", class_="axis"),
        role="img",
        aria_labelledby="histogram-title histogram-desc",
        class_="chart bars",
    )
    return tag("figure", tag("figcaption", "Images at each quality"), tag("div", drawing, class_="plot"), class_="wide")


def _minor(tick: int) -> str | None:
    """The class of marks that a narrow screen leaves out."""
    return None if tick in (1, 20, 40, 60, 80, 100) else "minor"


def _rule(down: float, told: str) -> Html:
    at = f"{number(down)}%"
    line = tag("line", x1="0", x2="100%", y1=at, y2=at, class_="rule")
    return tag("g", line, tag("text", told, x=-8, y=at, dy=4, text_anchor="end"), class_="grid")


def _stack(quality: int, layers: Sequence[Layer], high: float) -> list[Html]:
    """The bars of one quality from the axis up, each telling a pointer what it stands for."""
    bars, floor = [], 100.0
    for layer in layers:
        if n := int(layer.counts[quality]):
            height = max(100 * n / high, HAIR_PERCENT)
            floor = max(0.0, floor - height)
            told = tag("title", f"quality {quality}, {layer.name}: {images(n)}")
            place = {"x": f"{number(quality - 0.95)}%", "y": f"{number(floor)}%"}
            size = {"width": "0.9%", "height": f"{number(height)}%"}
            bars.append(tag("rect", told, **place, **size, class_=f"bar-of s{layer.colour}"))
    return bars


def _legend(layers: Sequence[Layer]) -> Html:
    keys = [
        tag(
            "li",
            tag("span", "", class_=f"key k1 s{layer.colour}", aria_hidden="true"),
            f"{layer.name}: {int(layer.counts.sum()):,}",
        )
        for layer in layers
    ]
    return tag("ul", *keys, class_="legend")


def _apart(facts: Facts, total: Int64[np.ndarray, "104"]) -> Html | None:
    """What has no place on the axis, as bars of their share of all images."""
    lines = []
    for place, name in APART.items():
        if n := int(total[place]):
            told = f"{name}: {images(n)}{_which(facts, place)}"
            bar = tag("span", tag("span", "", style=f"width:{100 * n / facts.n_rows:.1f}%"), class_="bar")
            lines.append(tag("li", told, bar))
    return tag("ul", *lines, class_="apart") if lines else None


def _which(facts: Facts, place: int) -> str:
    """The formats, or the coding errors, that the images in a place have."""
    of = {OTHER: facts.formats, UNREAD: facts.errors}.get(place)
    if of is None:
        return " (tables too far from any IJG table, coded without loss, or not in the file)"
    codes = of.codes[(facts.places == place) & (of.codes >= 0)]
    counts = np.bincount(codes, minlength=len(of.names))
    listed = [f"{of.names[n]} {int(counts[n]):,}" for n in np.argsort(-counts, kind="stable") if counts[n]]
    return f" ({', '.join(listed[:8])})" if listed else ""


def _numbers(layers: Sequence[Layer], total: Int64[np.ndarray, "104"]) -> Html:
    head = ["quality", "images", *(layer.name for layer in layers)]
    rows = [
        row(str(quality), [f"{int(total[quality]):,}", *(f"{int(layer.counts[quality]):,}" for layer in layers)])
        for quality in np.flatnonzero(total[:NO_QUALITY])
    ]
    told = "Images at each IJG quality of luma, by encoder."
    return tag("details", tag("summary", "The numbers of this chart"), table(told, head, rows))


def images(n: int) -> str:
    """ "1 image", "1,200 images"."""
    return f"{n:,} image" if n == 1 else f"{n:,} images"
