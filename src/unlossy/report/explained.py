"""The page of `unlossy explain`: gradients against quality, and for chosen pictures where the network looks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from unlossy.core.words import counted
from unlossy.metrics.stats import Interval
from unlossy.report.chart import Line, Point, chart, linear_axis
from unlossy.report.document import Section, document, write_whole
from unlossy.report.markup import Html, tag
from unlossy.report.pixels import Budget, data_uri
from unlossy.runs.explained import CLEAN, ExplainedItem, Explanation, GradientPoint, Panel
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import spoken
from unlossy.store import NONE

STYLES = ("style.css", "explained.css")
TINT = np.array([235.0, 80.0, 30.0])
"""Of the places where the network looks."""


def write_explanation(found: Explanation, path: Path) -> Path:
    """The file, there only once it is whole; raises RunError where it cannot be written."""
    return write_whole(render_explanation(found), path)


def render_explanation(found: Explanation) -> str:
    """The whole page."""
    sections = [
        Section("gradients", "Gradients", _gradients(found)),
        Section("pictures", "Where the network looks", _pictures(found)),
        Section("numbers", "Every number", _numbers(found)),
    ]
    told = [tag("p", sentence, class_="verdict") for sentence in sentences(found)]
    footer = f"unlossy explain, {found.model}, {counted(found.n_items, 'item')} of {found.data}"
    return document("Why it works", told, sections, footer=footer, styles=STYLES)


def sentences(found: Explanation) -> list[str]:
    """The finding in words: at the strongest compression, without a mitigation (or with the first), then with each."""
    scored = [point for point in found.points if point.weights is not None]
    if not scored:
        return ["No picture could be compared."]
    lead = NONE if NONE in {point.mitigation for point in scored} else scored[0].mitigation
    worst = min((point for point in scored if point.mitigation == lead), key=_mean)
    names = short_names(_mitigations(found))
    led = "" if lead == NONE else f", with {names[lead]},"
    told = [
        f"At {spoken(worst.codec)}{led} the gradients that the network would learn from agree with those on the clean "
        f"picture by a cosine of {_mean(worst):.2f} (1 is the same direction, 0 none)."
    ]
    for point in scored:
        if point.codec == worst.codec and point.mitigation != lead:
            told.append(f"With {names[point.mitigation]} it is {_mean(point):.2f}.")
    return [" ".join(told)]


def _mean(point: GradientPoint) -> float:
    return point.weights.mean if point.weights is not None else float("nan")


def _gradients(found: Explanation) -> Html:
    figures = [_figure(found, "weights", "in the network's weights"), _figure(found, "pixels", "in the pixels")]
    note = (
        "The loss is the cross entropy to the network's own clean answer; its gradient on a picture is compared with "
        "the one on the clean picture by the cosine of their angle, mean over the items with its 95 % interval. "
        "This is the reference study's finding that compression bends the gradients, measured on this model."
    )
    return tag("div", _legend(found), tag("div", *figures, class_="charts"), tag("p", note, class_="note"))


def _mitigations(found: Explanation) -> list[str]:
    return list(dict.fromkeys(point.mitigation for point in found.points))


def _figure(found: Explanation, part: str, where: str) -> Html:
    lines = []
    for number, mitigation in enumerate(_mitigations(found)):
        points = [
            _point(point, getattr(point, part))
            for point in found.points
            if point.mitigation == mitigation and point.codec_quality is not None and getattr(point, part) is not None
        ]
        if points:
            lines.append(Line(number, tuple(sorted(points, key=lambda point: point.x))))
    if not lines:
        return tag(
            "figure", tag("figcaption", where), tag("p", "None of these settings has one quality.", class_="note")
        )
    x = linear_axis("codec quality", [point.x for line in lines for point in line.points])
    y = linear_axis(
        "cosine to the clean gradient", [0.0, *(end for line in lines for p in line.points for end in (p.low, p.high))]
    )
    told = "; ".join(point.told for line in lines for point in line.points[:1] + line.points[-1:])
    drawn = chart(f"cosine-{part}", f"Cosine of the gradients {where}, against quality", told, x, y, lines)
    return tag("figure", tag("figcaption", f"Gradients {where}"), drawn)


def _point(point: GradientPoint, value: Interval) -> Point:
    told = f"{point.codec}, {point.mitigation}: {value.mean:.2f} (95 %: {value.low:.2f} to {value.high:.2f})"
    return Point(point.codec_quality or 0.0, value.mean, value.low, value.high, told, hollow=False)


def _legend(found: Explanation) -> Html:
    items = [
        tag("li", tag("span", "", class_=f"key s{number} k{number % 3}", aria_hidden="true"), name)
        for number, name in enumerate(short_names(_mitigations(found)).values())
    ]
    return tag("ul", *items, class_="legend")


def _pictures(found: Explanation) -> Html:
    budget = Budget()
    names = {CLEAN: CLEAN, **short_names(_mitigations(found))}
    shown = [figure for figure in (_item(item, names, budget) for item in found.items) if figure is not None]
    note = (
        f"Grad-CAM of the clean answer's class at the layer {found.layer} (orange: what the answer rests on), and the "
        "size of the loss's gradient in each pixel (white is large). Items that compression changes come first."
    )
    return tag("div", tag("p", note, class_="note"), *shown)


def _item(item: ExplainedItem, names: Mapping[str, str], budget: Budget) -> Html | None:
    pictures = [(data_uri(p.picture), data_uri(_tinted(p)), data_uri(p.gradient[:, :, None])) for p in item.panels]
    if not budget.take([uri for uris in pictures for uri in uris]):
        return None
    columns = [_column(panel, names[panel.name], uris) for panel, uris in zip(item.panels, pictures, strict=True)]
    return tag("figure", tag("figcaption", f"{item.key} at {spoken(item.codec)}"), tag("div", *columns, class_="why"))


def _column(panel: Panel, name: str, uris: Sequence[str]) -> Html:
    kinds = ("as the network sees it", "where it looks", "gradient of the loss")
    images = [tag("img", src=uri, alt=f"{name}: {kind}") for uri, kind in zip(uris, kinds, strict=True)]
    mark = "right" if panel.right else "wrong"
    answer = tag("span", f"{panel.answer}, {100 * panel.probability:.0f} %", class_=mark)
    return tag("div", tag("strong", name), *images, answer)


def _tinted(panel: Panel) -> UInt8[np.ndarray, "h w 3"]:
    """The picture in grey, coloured where the network looks."""
    grey = panel.picture.astype(np.float64).mean(axis=2, keepdims=True)
    heat = panel.activation[:, :, None] / 255.0
    return np.clip(np.rint((1 - 0.65 * heat) * grey + 0.65 * heat * TINT), 0, 255).astype(np.uint8)


def _numbers(found: Explanation) -> Html:
    head = ("codec", "mitigation", "weights: cosine", "pixels: cosine", "items")
    rows = [
        (point.codec, point.mitigation, _told(point.weights), _told(point.pixels), str(point.n))
        for point in found.points
    ]
    failed = [tag("li", f"{key}: {reason}") for key, reason in found.failed]
    return tag(
        "div",
        tag(
            "table",
            tag("thead", tag("tr", *[tag("th", name, scope="col") for name in head])),
            tag("tbody", *[tag("tr", *[tag("td", value) for value in row]) for row in rows]),
        ),
        tag("div", tag("p", "Left out, because they could not be compared:"), tag("ul", *failed)) if failed else None,
    )


def _told(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
