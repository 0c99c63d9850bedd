import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.codecs.test_conformance import picture
from unlossy.codecs import decode_source
from unlossy.core.errors import DecodeError, TooLargeError, TruncatedError


def saved(image: Image.Image, format_name: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


RGB = picture(50, 70)


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_come_back_exactly(format_name):
    assert np.array_equal(decode_source(saved(Image.fromarray(RGB), format_name)), RGB)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpegs_equal_pillows_pixels(mode):
    data = saved(Image.fromarray(RGB).convert(mode), "JPEG", quality=85)
    expected = Image.open(io.BytesIO(data))
    expected = np.asarray(expected if mode == "L" else expected.convert("RGB"))
    assert np.array_equal(decode_source(data), expected.reshape(*expected.shape[:2], -1))


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_samples_that_do_not_say_what_is_white_are_refused(kind):
    data = saved(Image.fromarray(RGB[:, :, 0].astype(kind)), "TIFF")
    with pytest.raises(DecodeError, match="do not say what white is"):
        decode_source(data)
    assert decode_source(data, any_range=True).shape == (50, 70, 1 if kind is np.int32 else 3)


def test_a_16_bit_png_is_scaled_not_clipped():
    wide = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)  # every 257th value is an 8-bit one exactly
    assert np.array_equal(decode_source(saved(Image.fromarray(wide), "PNG"))[:, :, 0].ravel(), np.arange(256))


def test_a_palette_is_looked_up_and_alpha_dropped():
    palette = Image.fromarray(RGB).quantize(16)
    assert np.array_equal(decode_source(saved(palette, "PNG")), np.asarray(palette.convert("RGB")))
    alpha = np.dstack([RGB, np.full(RGB.shape[:2], 128, np.uint8)])
    assert np.array_equal(decode_source(saved(Image.fromarray(alpha), "PNG")), RGB)


def test_orientation_is_not_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.fromarray(RGB), "JPEG", exif=exif)
    assert decode_source(data).shape == RGB.shape


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_partial_jpeg_is_an_error(kept, options):
    data = saved(Image.fromarray(picture(200, 200)), "JPEG", **options)
    with pytest.raises(TruncatedError, match="ends early"):
        decode_source(data[: int(len(data) * kept)])


def test_a_partial_png_is_an_error():
    data = saved(Image.fromarray(RGB), "PNG")
    with pytest.raises(DecodeError):
        decode_source(data[: len(data) // 2])


def test_junk_between_segments_is_harmless():
    data = saved(Image.fromarray(RGB), "JPEG")
    assert np.array_equal(decode_source(data[:-2] + b"junk" + data[-2:]), decode_source(data))


NO_IMAGES = [b"", b"hello", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"GIF89a", b"\x89PNG\r\n\x1a\n", bytes(100)]


@pytest.mark.parametrize("data", NO_IMAGES)
def test_what_is_no_image_is_a_decode_error(data):
    with pytest.raises(DecodeError):
        decode_source(data)


def test_equal_failures_have_equal_messages():
    messages = set()
    for _ in range(3):
        with pytest.raises(DecodeError) as caught:
            decode_source(b"hello")
        messages.add(str(caught.value))
    assert len(messages) == 1


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_giant_header_is_refused_before_anything_is_allocated():
    jpeg = bytearray(saved(Image.fromarray(RGB), "JPEG"))
    start = jpeg.index(b"\xff\xc0") + 5
    jpeg[start : start + 4] = struct.pack(">HH", 60_000, 60_000)
    png = bytearray(saved(Image.fromarray(RGB), "PNG"))
    png[16:24] = struct.pack(">II", 60_000, 60_000)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    for data in (jpeg, png):
        with pytest.raises(TooLargeError):
            decode_source(bytes(data))
