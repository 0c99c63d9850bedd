"""Pictures of an audit's page: upright, from the right place, nothing of the file but pixels, named where missing."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.report.made_audit import item_of, jpeg_bytes
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import ReadError
from unlossy.core.types import Blob, Item
from unlossy.report.audit.thumbnails import MAX_PIXELS, REGION_PX, THUMB_PX, Shown, Wanted, load_pictures, region_xywh


def decoded(uri):
    kind, _, text = uri.partition(";base64,")
    assert kind in ("data:image/jpeg", "data:image/png")
    return Image.open(io.BytesIO(base64.b64decode(text)))


def one(data, form="jpeg", orientation=None, n_pixels=100):
    (picture,) = load_pictures([item_of("k", data)], [Wanted("k", form, orientation, n_pixels)]).values()
    return picture


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_as_pillow_applies_it(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg_bytes(120, 56, quality=95, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        wanted = ImageOps.exif_transpose(image).convert("RGB")
    shown = one(data, orientation=orientation)
    assert shown.size_wh == wanted.size
    difference = np.asarray(decoded(shown.thumb), float) - np.asarray(wanted, float)
    assert np.abs(difference).mean() < 4


def test_the_region_is_where_the_detail_is_and_holds_the_true_pixels():
    image = np.full((600, 1000, 3), 90, np.uint8)
    image[400:480, 640:720] = np.random.default_rng(0).integers(0, 256, (80, 80, 3))
    x, y, wide, high = region_xywh(image)
    assert (wide, high) == (REGION_PX, REGION_PX)
    assert abs(x - 644) <= 8
    assert abs(y - 404) <= 8
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    shown = one(buffer.getvalue(), "png")
    assert np.array_equal(np.asarray(decoded(shown.region)), image[y : y + high, x : x + wide])
    assert shown.frame == (x / 1000, y / 600, wide / 1000, high / 600)
    assert shown.size_wh == (THUMB_PX, 144)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (3000, 2), (71, 73)])
def test_any_shape_is_shown(size):
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, "PNG")
    shown = one(buffer.getvalue(), "png")
    assert isinstance(shown, Shown)
    assert shown.region_wh == (min(REGION_PX, size[0]), min(REGION_PX, size[1]))


def test_nothing_of_the_file_but_its_pixels():
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    shown = one(jpeg_bytes(exif=exif, comment=b"secret remark"))
    for uri in (shown.thumb, shown.region):
        data = base64.b64decode(uri.partition(",")[2])
        assert b"secret" not in data
        assert b"Exif" not in data


class Broken(Blob):
    size_bytes = 10

    def read(self, offset, size):
        raise ReadError("cannot read the file: gone")

    def all(self):
        return self.read(0, 10)


def test_what_cannot_be_shown_says_why():
    data = jpeg_bytes(quality=50)
    assert one(data[:300]).startswith("it does not decode")
    assert one(b"%!PS-Adobe-3.0 EPSF-3.0\n", "eps") == "pictures of this format (eps) are not decoded here"
    assert one(data, n_pixels=MAX_PIXELS + 1) == "too large to show: 64 megapixels"
    items = [Item("k", Broken()), item_of("other", data)]
    assert "gone" in load_pictures(items, [Wanted("k", "jpeg", None, 100)])["k"]
    assert load_pictures([], [Wanted("k", "jpeg", None, 100)]) == {"k": "it is no longer there"}


def test_a_cut_jpeg_is_shown_as_far_as_it_goes():
    data = jpeg_bytes(400, 400, quality=95)
    assert isinstance(one(data[: len(data) * 2 // 3]), Shown)


def test_reading_stops_at_the_last_picture_wanted():
    seen = []

    def items():
        for number in range(1000):
            seen.append(number)
            yield Item(f"{number}", BytesBlob(jpeg_bytes()))

    load_pictures(items(), [Wanted(f"{number}", "jpeg", None, 100) for number in (3, 7)])
    assert seen == list(range(8))
