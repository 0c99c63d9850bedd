"""The pixel facts of files: right where they decode, errors where they do not, and nothing large allocated."""

import io
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.jpeg.streams import GREY, SOI, YCC_420, dqt, encoded, segment, sof, sos, stream
from unlossy.audit.luma import PLAUSIBLE
from unlossy.audit.pixels import PixelFacts, measure, measure_all
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import DecodeError, ReadError, TooLargeError, TruncatedError
from unlossy.jpeg.tables import LUMINANCE
from unlossy.metrics.blockiness import measure_blockiness


def picture(size: tuple[int, int] = (160, 120)) -> Image.Image:
    y, x = np.mgrid[: size[1], : size[0]]
    grain = np.random.default_rng(3).normal(0, 5, (*x.shape, 3))
    planes = np.stack([110 + 80 * np.sin(x / 19), 100 + 70 * np.cos(y / 23), 60 + (x + y) % 190 / 2], 2)
    return Image.fromarray(np.clip(planes + grain, 0, 255).astype(np.uint8))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def facts(data: bytes, format_: str | None = None) -> PixelFacts:
    return measure(BytesBlob(data), format_)


def of_plane(image: Image.Image) -> PixelFacts:
    found = measure_blockiness(np.array(image.convert("L")))
    return PixelFacts(found.blockiness, found.grid_offset, found.clipped_share)


def test_a_jpegs_luma_is_measured():
    data = saved(picture(), "JPEG", quality=20)
    found = facts(data, "jpeg")
    luma = Image.open(io.BytesIO(data))
    luma.draft("L", luma.size)  # the luma plane as it is coded, by Pillow's own libjpeg
    assert found == of_plane(luma)
    assert found.grid_offset == (0, 0)
    assert found.blockiness > 1


def test_a_grid_survives_in_a_cropped_png():
    jpeg = Image.open(io.BytesIO(saved(picture(), "JPEG", quality=20)))
    found = facts(saved(jpeg.crop((3, 6, 150, 118)), "PNG"), "png")
    assert found == of_plane(jpeg.crop((3, 6, 150, 118)))
    assert found.grid_offset == (5, 2)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16", "CMYK"])
def test_every_mode_becomes_luma(mode):
    image = picture().convert("L").convert(mode) if mode == "I;16" else picture().convert(mode)
    found = facts(saved(image, "TIFF" if mode == "CMYK" else "PNG"))
    assert found.clipped_share is not None
    if mode in ("RGB", "RGBA", "L", "CMYK"):
        assert found == of_plane(image.convert("RGB") if mode == "CMYK" else image)


def test_16_bits_are_scaled_and_not_clipped():
    wide = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    assert facts(saved(Image.fromarray(wide), "PNG")).clipped_share < 0.02


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_jpegs_of_other_colours_are_measured(mode):
    assert facts(encoded(mode=mode, size=(70, 60)), "jpeg").blockiness is not None


def test_the_first_picture_of_an_animation_is_taken():
    frames = [picture((64, 64)), Image.new("RGB", (64, 64), "white")]
    for kind in ("WEBP", "TIFF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert facts(data) == of_plane(frames[0])


def test_harmless_junk_between_segments_is_no_error():
    data = encoded(size=(64, 64), mode="L")
    assert facts(data[:20] + b"\x00\x00" + data[20:]) == facts(data)


CUT = encoded(size=(64, 64))[:-200]
PNG = saved(picture(), "PNG")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", DecodeError),
        (b"this is a letter", DecodeError),
        (CUT, TruncatedError),
        (encoded(size=(64, 64), progressive=True)[:-200], TruncatedError),
        (PNG[:-300], TruncatedError),
        (PNG[:60] + bytes(40) + PNG[100:], DecodeError),
        (stream(dqt(0, LUMINANCE), sof(5, 4, GREY)), DecodeError),
        (b"\0\0\0\x18ftypheic" + bytes(90), DecodeError),
    ],
)
def test_what_does_not_decode_whole_is_an_error(data, error):
    with pytest.raises(error):
        facts(data)


def claiming(width: int, height: int, code: int = 0xC0) -> bytes:
    """A whole small JPEG whose frame header claims another size."""
    data = bytearray(encoded(size=(64, 64), progressive=code == 0xC2))
    at = data.index(bytes((0xFF, code))) + 5
    data[at : at + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(data)


def png_claiming(width: int, height: int) -> bytes:
    data = bytearray(PNG)
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (claiming(65535, 65535), TooLargeError),
        (claiming(65535, 65535, 0xC2), TooLargeError),
        (claiming(20_000, 20_000), TruncatedError),
        (claiming(20_000, 20_000, 0xC2), TruncatedError),
        (png_claiming(65_535, 65_535), TooLargeError),
        (png_claiming(20_000, 20_000), TruncatedError),
    ],
)
def test_a_header_that_claims_too_much_allocates_nothing(data, error):
    tracemalloc.start()
    try:
        with pytest.raises(error, match=r"claims \d+ x \d+"):
            facts(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20  # numpy tells tracemalloc of its arrays
    finally:
        tracemalloc.stop()


def test_a_flat_picture_of_few_bytes_is_believed():
    flat = Image.new("L", (3000, 2000), 128)
    for options, pixels_a_byte in (({}, PLAUSIBLE), ({"progressive": True}, PLAUSIBLE), ({"optimize": True}, 250)):
        data = saved(flat, "JPEG", **options)
        assert flat.width * flat.height > pixels_a_byte * len(data)
        assert facts(data) == PixelFacts(0.0, None, 0.0)
    assert facts(saved(flat, "PNG")) == PixelFacts(0.0, None, 0.0)


def test_arithmetic_coding_has_no_least_size():
    header = SOI + dqt(0, LUMINANCE) + segment(0xCC, b"\0\x10") + sof(4000, 4000, YCC_420, 0xC9) + sos(1, 2, 3)
    with pytest.raises(DecodeError) as caught:
        facts(header + b"\x11" * 99 + b"\xff\xd9")
    assert "very least" not in str(caught.value)


def test_a_file_too_large_to_decode_is_not_read():
    class Endless(BytesBlob):
        @property
        def size_bytes(self) -> int:
            return 2**40

    with pytest.raises(TooLargeError, match="MiB"):
        measure(Endless(b""), "jpeg")


class Broken(BytesBlob):
    def all(self) -> bytes:
        raise ReadError("the disk says no")


def test_all_are_measured_in_order_and_errors_keep_their_place():
    good = [saved(picture((80 + n, 70)), "JPEG", quality=30) for n in range(40)]
    blobs = [BytesBlob(data) for data in good]
    blobs[7:7] = [Broken(b"x"), BytesBlob(CUT)]
    found = list(measure_all((blob, "jpeg") for blob in blobs))
    assert (type(found[7]), type(found[8])) == (ReadError, TruncatedError)
    assert found[:7] + found[9:] == [facts(data) for data in good]


def test_blobs_are_pulled_a_bounded_number_ahead():
    pulled = 0

    def blobs():
        nonlocal pulled
        for _ in range(200):
            pulled += 1
            yield BytesBlob(CUT), "jpeg"

    found = measure_all(blobs())
    next(found)
    assert pulled <= 33
    found.close()


def test_a_missing_plugin_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(DecodeError, match="formats"):
        facts(b"\0\0\0\x18ftypheic" + bytes(90), "heif")
