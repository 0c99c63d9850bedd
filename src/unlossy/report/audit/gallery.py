"""The pictures of an audit: the worst images, and samples of each block that stands out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from unlossy.audit.columns import plain
from unlossy.report.audit.facts import Facts
from unlossy.report.audit.thumbnails import Shown, Wanted
from unlossy.report.markup import Html, tag
from unlossy.report.pixels import Budget

SMALL_PX = 160
LOOK = (
    "key",
    "format",
    "exif_orientation",
    "width",
    "height",
    "ijg_quality_luma",
    "quality_exact",
    "encoder",
    "rate_bpp",
)


@dataclass(slots=True)
class Gallery:
    """The pictures there are and what may still be embedded; a picture that is shown twice is embedded twice."""

    facts: Facts
    pictures: Mapping[str, Shown | str]
    budget: Budget

    def show(self, indexes: Int64[np.ndarray, " shown"]) -> Html:
        """A figure for each row, in the order given; a named placeholder where there is no picture."""
        rows = self.facts.rows.select(list(LOOK)).take(pa.array(indexes))
        table = {name: plain(rows[name]).to_pylist() for name in LOOK}
        looks = [{name: values[n] for name, values in table.items()} for n in range(len(indexes))]
        return tag("div", *map(self._figure, looks), class_="versions small")

    def _figure(self, row: dict[str, object]) -> Html:
        picture = self.pictures.get(str(row["key"]), "pictures were not asked for")
        if isinstance(picture, Shown) and not self.budget.take([picture.thumb, picture.region]):
            picture = "this page has its fill of pictures"
        inner = _placeholder(picture) if isinstance(picture, str) else _picture(str(row["key"]), picture)
        return tag("figure", tag("p", tag("b", _quality(row)), class_="setting"), inner, _caption(row))


def wanted(facts: Facts, indexes: Int64[np.ndarray, " pictures"]) -> list[Wanted]:
    """What is needed to fetch these rows' pictures."""
    rows = facts.rows.select(list(LOOK)).take(pa.array(indexes))
    columns = [plain(rows[name]).to_pylist() for name in ("key", "format", "exif_orientation", "width", "height")]
    return [
        Wanted(key, form, orientation, None if width is None or height is None else width * height)
        for key, form, orientation, width, height in zip(*columns, strict=True)
    ]


def _picture(key: str, picture: Shown) -> Html:
    width, height = picture.size_wh
    left, top, wide, high = (100 * share for share in picture.frame)
    place = f"left:{left:.2f}%;top:{top:.2f}%;width:{wide:.2f}%;height:{high:.2f}%"
    fit = f"width:{100 * width / max(width, height):.2f}%"  # of a square, so that tall pictures fit in it too
    pixelated = "pixels" if max(width, height) <= SMALL_PX else None
    whole = tag("img", src=picture.thumb, alt=key, width=width, height=height, class_=pixelated)
    frame = tag("span", "", class_="frame", style=place, aria_hidden="true")
    region_wide, region_high = picture.region_wh
    region = tag(
        "img",
        src=picture.region,
        alt=f"The framed region of {key}",
        width=region_wide,
        height=region_high,
        class_="zoom",
    )
    return tag("div", tag("div", tag("div", whole, frame, class_="picture", style=fit), class_="boxed"), region)


def _placeholder(why: str) -> Html:
    return tag("div", tag("p", why), class_="placeholder")


def _quality(row: Mapping[str, object]) -> str:
    quality, exact = row["ijg_quality_luma"], row["quality_exact"]
    if quality is None:
        return "no honest quality" if row["format"] == "jpeg" else str(row["format"] or "unknown format")
    return f"quality {quality}" if exact else f"nearest quality {quality}"


def _caption(row: Mapping[str, object]) -> Html:
    size = f"{row['width']} x {row['height']}" if row["width"] and row["height"] else None
    rate = f"{row['rate_bpp']:.2f} bits/pixel" if isinstance(row["rate_bpp"], float) else None
    facts = ", ".join(str(part) for part in (size, rate, row["encoder"]) if part)
    return tag("figcaption", tag("span", str(row["key"]), class_="file"), tag("span", facts))
