"""The pictures: answers that changed, pixel by pixel; strips asked for; what blocking does to edges."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, tag
from unlossy.report.pixels import Budget, data_uri, edge_picture, gradients, grid_gradient, read_cell, zoomed
from unlossy.runs.pictures import PictureCell, PictureItem
from unlossy.runs.settings import spoken
from unlossy.store import NONE

N_EDGES = 3
SMALL_PX = 160
Pixels = UInt8[np.ndarray, "h w 3"]


def shown_section(run: LoadedRun, budget: Budget) -> Html | None:
    """The items that were asked for by key, in every setting; None where none was."""
    if run.pictures is None or not run.pictures.shown:
        return None
    return tag("div", *[_article(run, item, budget, zoom=False) for item in run.pictures.shown])


def changed_section(run: LoadedRun, budget: Budget) -> Html:
    """The pictures that changed their answer, with an enlarged region of each version."""
    if run.pictures is None:
        return tag(
            "p",
            "This run holds no pictures. Run the same study again to have them made; nothing else is done twice.",
            class_="note",
        )
    if NONE not in run.result.plan.mitigations:
        return tag("p", "Pictures are kept of the model without mitigation, which this study left out.", class_="note")
    if not run.pictures.changed:
        return tag("p", "No image that was right at first is wrong at the lowest quality looked at.", class_="note")
    missing = [tag("p", f"Not shown: {key} ({reason})", class_="note") for key, reason in run.pictures.missing[:5]]
    return tag("div", *[_article(run, item, budget, zoom=True) for item in run.pictures.changed], *missing)


def edges_section(run: LoadedRun, budget: Budget) -> Html | None:
    """The gradient of the first few changed pictures; None where there are none."""
    if run.pictures is None or not run.pictures.changed:
        return None
    return tag("div", *[_edges(run, item, budget) for item in run.pictures.changed[:N_EDGES]])


def _article(run: LoadedRun, item: PictureItem, budget: Budget, *, zoom: bool) -> Html:
    name = run.class_name(item.true_class, item.class_name)
    try:
        pictures = [read_cell(run.folder, cell) for cell in item.cells]
    except (OSError, ValueError) as error:
        return tag("p", f"{item.key}: its pictures cannot be read ({error})", class_="note")
    uris = [data_uri(picture) for picture in pictures]
    regions = [data_uri(zoomed(picture, item)) for picture in pictures] if zoom else []
    if not budget.take([*uris, *regions]):
        return tag("p", f"{name} ({item.key}) is left out: this page has its fill of pictures.", class_="note")
    versions = [
        _version(run, item, cell, uri, regions[number] if zoom else None)
        for number, (cell, uri) in enumerate(zip(item.cells, uris, strict=True))
    ]
    return tag(
        "article",
        tag("h3", name),
        tag("p", _facts(item), class_="facts"),
        tag("div", *versions, class_="versions" if zoom else "versions many"),
        class_="item" if zoom else "item strip",
        data_zoom=" ".join(map(str, item.zoom_xywh)) if zoom else None,
    )


def _facts(item: PictureItem) -> str:
    width, height = item.size_wh
    x, y, wide, high = item.crop_xywh
    parts = [item.key, f"{width} x {height} pixels"]
    if (wide, high) != (width, height):
        parts.append(f"shown: {wide} x {high} of them, from ({x}, {y}), where compression changed most")
    if item.wrong_from is not None:
        parts.append(f"wrong from {spoken(item.wrong_from)} on down")
    return "; ".join(parts)


def _version(run: LoadedRun, item: PictureItem, cell: PictureCell, uri: str, region: str | None) -> Html:
    setting, answer = spoken(cell.codec), run.class_name(cell.answer)
    x, y, wide, high = item.zoom_xywh
    _, _, width, height = item.crop_xywh
    truth = run.class_name(item.true_class, item.class_name)
    frame = (
        f"left:{100 * x / width:.2f}%;top:{100 * y / height:.2f}%;"
        f"width:{100 * wide / width:.2f}%;height:{100 * high / height:.2f}%"
    )
    whole = tag("img", src=uri, alt=f"{truth}, {setting}", width=width, height=height, class_=_pixelated(width))
    square = None if region is None else tag("span", "", class_="frame", style=frame, aria_hidden="true")
    enlarged = (
        None
        if region is None
        else tag("img", src=region, alt=f"The framed region, {setting}", width=wide, height=high, class_="zoom")
    )
    size = None if cell.encoded_bytes is None else tag("span", f"{cell.encoded_bytes / 1000:.1f} kB", class_="size")
    return tag(
        "figure",
        tag("p", tag("b", setting), size, class_="setting"),
        tag("div", whole, square, class_="picture"),
        enlarged,
        tag("figcaption", _answer(answer, cell)),
    )


def _pixelated(width: int) -> str | None:
    """The class of a picture that is always shown larger than it is, so that its pixels stay sharp."""
    return "pixels" if width <= SMALL_PX else None


def _answer(answer: str, cell: PictureCell) -> Html:
    verdict, mark = ("right", "\N{CHECK MARK}") if cell.right else ("wrong", "\N{MULTIPLICATION X}")
    percent = 100 * cell.probability
    return tag(
        "div",
        tag("span", answer, class_="name"),
        tag("span", tag("span", "", style=f"width:{percent:.1f}%"), class_="bar", aria_hidden="true"),
        tag("span", tag("span", mark, aria_hidden="true"), f" {verdict}", class_="judged"),
        tag("span", f"{percent:.0f} %", class_="percent"),
        class_=f"answer {verdict}",
    )


def _edges(run: LoadedRun, item: PictureItem, budget: Budget) -> Html:
    name = run.class_name(item.true_class, item.class_name)
    try:
        pictures = [read_cell(run.folder, cell) for cell in item.cells]
    except (OSError, ValueError) as error:
        return tag("p", f"{item.key}: its pictures cannot be read ({error})", class_="note")
    black_at = max(1.0, float(np.quantile(np.hypot(*gradients(pictures[0])), 0.99)))
    uris = [data_uri(edge_picture(picture, black_at)) for picture in pictures]
    if not budget.take(uris):
        return tag("p", f"{name} is left out: this page has its fill of pictures.", class_="note")
    figures = [
        _edge_figure(name, cell, picture, uri) for cell, picture, uri in zip(item.cells, pictures, uris, strict=True)
    ]
    return tag("article", tag("h3", name), tag("div", *figures, class_="versions"), class_="item edges")


def _edge_figure(name: str, cell: PictureCell, picture: Pixels, uri: str) -> Html:
    ratio, setting = grid_gradient(picture), spoken(cell.codec)
    height, width = picture.shape[:2]
    told = "" if ratio is None else f"{ratio:.2f} times as strong on block borders as inside"
    return tag(
        "figure",
        tag("p", tag("b", setting), class_="setting"),
        tag(
            "div",
            tag("img", src=uri, alt=f"Edges of {name}, {setting}", width=width, height=height),
            class_="picture",
        ),
        tag("figcaption", told),
    )


def any_changed(runs: Sequence[LoadedRun]) -> bool:
    """Whether any run kept pictures that changed their answer."""
    return any(run.pictures is not None and run.pictures.changed for run in runs)
