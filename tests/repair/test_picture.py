"""Pixels and what goes beside them, against Pillow's own reading."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.repair.conftest import photo, pixels, saved
from unlossy.core.errors import CodecError, DecodeError, TruncatedError
from unlossy.repair.encode import encode_picture
from unlossy.repair.names import FORMATS
from unlossy.repair.picture import Extras, _is_deep, claimed_pixels, open_picture, read_extras

RGB = photo(1)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>caf\xc3\xa9</a></x:xmpmeta>'


def exif(orientation):
    block = Image.Exif()
    block[0x0112], block[0x010F], block[0x8298] = orientation, "Maker", "someone"
    return block.tobytes()


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP"])
def test_exif_profile_resolution_and_xmp_come_through(format_name, source):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    also = {"PNG": {"pnginfo": info}, "WEBP": {"xmp": XMP}, "JPEG": {"xmp": XMP}}[source]
    data = saved(RGB, source, exif=exif(6), icc_profile=PROFILE, dpi=(300, 150), **also)
    result = encode_picture(open_picture(data).decoded.pixels_hwc, read_extras(data), format_name)
    with Image.open(io.BytesIO(result)) as image:
        image.load()
        assert image.info["icc_profile"] == PROFILE
        assert dict(image.getexif()) == {0x0112: 6, 0x010F: "Maker", 0x8298: "someone"}
        assert image.info["xmp"] == XMP
        if "WEBP" not in (source, format_name.upper()):
            assert image.info["dpi"] == pytest.approx((300, 150), abs=0.1)
        assert image.size == RGB.size  # turned by nobody: the orientation says how to show it


def test_what_a_tiff_says_of_the_picture_comes_through():
    block = Image.Exif()
    block[0x010F], block[0x0112] = "Maker", 6
    block.get_ifd(0x8769)[0x9003], block.get_ifd(0x8825)[1] = "2020:01:02 03:04:05", "N"
    block.load(block.tobytes())
    data = saved(RGB, "TIFF", exif=block)
    turned = open_picture(data).decoded.pixels_hwc
    assert np.array_equal(turned, np.asarray(RGB.transpose(Image.Transpose.ROTATE_270)))
    with Image.open(io.BytesIO(encode_picture(turned, read_extras(data), "png"))) as image:
        found = image.getexif()
        assert found[0x010F] == "Maker"
        assert dict(found.get_ifd(0x8769)) == {0x9003: "2020:01:02 03:04:05"}
        assert dict(found.get_ifd(0x8825)) == {1: "N"}
        assert set(found) == {0x010F, 0x8769, 0x8825}  # neither the turn, which is done, nor where samples lie
    assert read_extras(saved(RGB, "TIFF")).exif is None


def test_a_profile_of_another_colour_space_is_left_out():
    def kept(array, profile, format_name="png"):
        with Image.open(io.BytesIO(encode_picture(array, Extras(icc=profile), format_name))) as image:
            return image.info.get("icc_profile") == profile

    colour, grey = np.asarray(RGB), np.asarray(RGB)[:, :, :1]
    of_grey, of_lab = (PROFILE[:16] + space + PROFILE[20:] for space in (b"GRAY", b"Lab "))
    assert kept(colour, PROFILE)
    assert kept(grey, of_grey)
    assert not any((kept(colour, of_lab), kept(colour, of_grey), kept(grey, PROFILE), kept(grey, of_lab)))
    assert not kept(grey, of_grey, "webp")  # which has no grey pictures
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    data = saved(RGB.convert("LAB"), "TIFF", icc_profile=lab)
    assert read_extras(data).icc == lab
    assert not kept(open_picture(data).decoded.pixels_hwc, lab)


@pytest.mark.parametrize("format_name", ["png", "webp"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P with a transparent colour", "RGBA, clear where coloured"])
def test_transparency_comes_through_and_no_pixel_changes(format_name, mode):
    image = RGB.convert("RGBA")
    image.putalpha(Image.fromarray(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64).astype(np.uint8)))
    if mode.startswith("P"):
        image = RGB.quantize(16)
        image.info["transparency"] = 3
    data = saved(image.convert("LA") if mode == "LA" else image, "PNG")
    result = encode_picture(open_picture(data).decoded.pixels_hwc, read_extras(data), format_name)
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(result)) as after:
        assert np.array_equal(np.asarray(before.convert("RGBA")), np.asarray(after.convert("RGBA")))


@pytest.mark.parametrize("format_name", ["png", "webp"])
def test_lossless_is_lossless_and_grey_stays_grey(format_name):
    for image in (RGB, RGB.convert("L")):
        array = np.atleast_3d(np.asarray(image))
        result = pixels(encode_picture(array, Extras(), format_name))
        assert np.array_equal(np.atleast_3d(result)[:, :, : array.shape[2]], array)
        assert format_name == "webp" or np.atleast_3d(result).shape == array.shape  # WebP knows no grey


def test_jpeg_is_nearly_lossless_and_refuses_what_it_cannot_hold():
    array = np.asarray(RGB)
    result = encode_picture(array, Extras(), "jpeg")
    assert np.array_equal(pixels(result), pixels(saved(RGB, "JPEG", quality=95, subsampling="4:4:4")))
    with Image.open(io.BytesIO(result)) as image:
        assert image.quantization[0][0] == 2  # IJG quality 95: the first step, 16, becomes 2
        assert [component[1:3] for component in image.layer] == [(1, 1)] * 3  # 4:4:4
    with pytest.raises(CodecError, match="transparency, which JPEG cannot hold; take the format png"):
        encode_picture(array, Extras(alpha=array[:, :, 0]), "jpeg")
    with pytest.raises(CodecError, match=r"webp cannot hold this picture of 16384 x 1: .*take the format png"):
        encode_picture(np.zeros((1, 16384, 3), np.uint8), Extras(), "webp")
    assert pixels(encode_picture(np.zeros((1, 20000, 3), np.uint8), Extras(), "jpeg")).shape == (1, 20000, 3)


def test_cmyk_goes_through_its_profile_and_loses_it():
    cmyk = photo(2).convert("CMYK")
    plain = open_picture(saved(cmyk, "JPEG", quality=90))
    assert plain.note == "CMYK became RGB, without a colour profile"
    assert np.array_equal(
        plain.decoded.pixels_hwc, np.asarray(Image.open(io.BytesIO(saved(cmyk, "JPEG", quality=90))).convert("RGB"))
    )
    broken = open_picture(saved(cmyk, "JPEG", quality=90, icc_profile=b"no profile at all"))
    assert "which is broken" in broken.note
    assert np.array_equal(broken.decoded.pixels_hwc, plain.decoded.pixels_hwc)
    assert read_extras(saved(cmyk, "JPEG", icc_profile=PROFILE)).icc is None
    assert plain.decoded.hints is None


def test_a_cmyk_profile_decides_the_colours():
    """In this profile full cyan and yellow are a grey of L* = 50, (119, 119, 119) in sRGB; all other ink is black."""
    image = Image.new("CMYK", (16, 16), (255, 0, 255, 0))
    picture = open_picture(saved(image, "JPEG", quality=95, icc_profile=cmyk_profile()))
    assert picture.note == "CMYK became sRGB by its colour profile"
    assert np.abs(picture.decoded.pixels_hwc.astype(int) - 119).max() <= 2
    white = open_picture(saved(Image.new("CMYK", (16, 16)), "JPEG", quality=95, icc_profile=cmyk_profile()))
    assert white.decoded.pixels_hwc.min() >= 254


def cmyk_profile():
    """An ICC profile written by hand (ICC.1:2001-04): one A2B0 table of 2 x 2 x 2 x 2 corners to L*a*b*."""
    identity = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    corners = b"".join(bytes([{0b0000: 255, 0b1010: 128}.get(cmyk, 0), 128, 128]) for cmyk in range(16))
    curves = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + 4 * curves + corners + 3 * curves
    tags = struct.pack(">I4sII", 1, b"A2B0", 128 + 16, len(table))
    head = struct.pack(">I4sI4s4s4s", 128 + len(tags) + len(table), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + tags + table


@pytest.mark.parametrize("mode", ["I;16", "RGB"])
def test_more_than_eight_bits_are_recognised(mode, tmp_path):
    wide = Image.fromarray((np.arange(1600, dtype=np.uint16) * 40).reshape(40, 40))
    data = saved(wide, "PNG") if mode == "I;16" else _rgb16_png()
    assert open_picture(data).deep
    assert open_picture(saved(wide, "TIFF")).deep
    assert open_picture(saved(wide.convert("F"), "TIFF")).deep
    assert not open_picture(saved(RGB, "PNG")).deep
    assert not open_picture(saved(RGB, "TIFF")).deep
    assert not open_picture(saved(RGB, "JPEG")).deep


@pytest.mark.parametrize(
    ("header", "n_bytes", "deep"),
    [
        (b"P6\n40 40\n65535\n", 9600, True),
        (b"P6\n40 40\n256\n", 9600, True),
        (b"P6\n40 40\n255\n", 4800, False),
        (b"P6\n40 40\n63\n", 4800, False),
        (b"P5\n40 40\n65535\n", 3200, True),
        (b"P5\n40 40\n255\n", 1600, False),
        (b"P4\n40 40\n", 200, False),
    ],
)
def test_the_largest_value_in_a_ppms_header_tells_its_depth(header, n_bytes, deep):
    assert open_picture(header + bytes(n_bytes)).deep is deep


@pytest.mark.parametrize("no_jp2", [True, False])
def test_more_than_eight_bits_are_recognised_in_jpeg_2000(no_jp2):
    data = saved(RGB, "JPEG2000", no_jp2=no_jp2)
    assert not open_picture(data).deep
    components = data.index(b"\xff\x51") + 40  # T.800, A.5.1: Ssiz, XRsiz, YRsiz for each of three
    assert data[components : components + 9] == bytes((7, 1, 1)) * 3
    deep = data[:components] + bytes((11, 1, 1)) * 3 + data[components + 9 :]
    assert open_picture(deep.replace(b"\0\x03\x07\x07", b"\0\x03\x0b\x07")).deep  # NC, BPC, C of the box ihdr


def test_more_than_eight_bits_are_recognised_in_avif():
    data = saved(RGB, "AVIF")
    at = data.index(b"av1C") + 6  # AV1-ISOBMFF, 2.3.3: marker and version, profile and level, tier and high_bitdepth
    assert not _is_deep(data)
    assert _is_deep(data[:at] + bytes((data[at] | 0x40,)) + data[at + 1 :])


def test_a_ppm_in_digits_may_be_deep_too():
    assert open_picture(b"P3\n2 1\n1023\n0 1 2 3 4 1023\n").deep
    assert not open_picture(b"P3\n2 1\n255\n0 1 2 3 4 255\n").deep


def _rgb16_png():
    """A PNG of 2 x 1 pixels of 16 bits, written by hand (PNG specification, chapter 5)."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = b"\0" + struct.pack(">6H", 1, 2, 3, 65535, 40000, 256)
    head = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_cut_jpeg_is_an_error_or_a_part_as_asked(progressive):
    whole = saved(photo(3, 256, 256), "JPEG", quality=90, progressive=progressive)
    cut = whole[: len(whole) * 2 // 3]
    with pytest.raises(TruncatedError):
        open_picture(cut)
    part = open_picture(cut, partial=True)
    assert part.partial
    assert part.note.startswith("in part: ")
    assert part.decoded.hints is not None
    assert np.array_equal(part.decoded.pixels_hwc[:64], pixels(whole)[:64]) or progressive
    assert not open_picture(whole, partial=True).partial


@pytest.mark.parametrize("mode", ["CMYK", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_part_of_a_jpeg_that_is_not_in_ycbcr(mode, progressive):
    options = {"keep_rgb": True} if mode == "RGB" else {}
    whole = saved(photo(3, 256, 256).convert(mode), "JPEG", quality=90, progressive=progressive, **options)
    cut = whole[: len(whole) * 2 // 3]
    with pytest.raises(TruncatedError):
        open_picture(cut)
    part = open_picture(cut, partial=True)
    assert part.partial
    assert part.note.startswith("in part: ")
    expected = open_picture(whole).decoded.pixels_hwc[:64].astype(int)
    assert np.abs(part.decoded.pixels_hwc[:64] - expected).mean() < (5 if progressive else 0.1)


def test_a_part_of_nothing_is_an_error_all_the_same():
    whole = saved(photo(3, 256, 256), "JPEG")
    scan = whole.index(b"\xff\xda")
    for data in (whole[:scan], whole[: scan + 14], whole[:100]):
        with pytest.raises(DecodeError):
            open_picture(data, partial=True)
    with pytest.raises(TruncatedError):
        open_picture(saved(RGB, "PNG")[:-900], partial=True)


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG", "TIFF"])
def test_several_pictures_in_a_file_are_refused(format_name):
    data = saved(RGB, format_name, save_all=True, append_images=[RGB.rotate(90)])
    with pytest.raises(DecodeError, match="of 2 pictures; split it"):
        open_picture(data)


def test_a_phone_s_second_picture_is_no_animation():
    picture = open_picture(saved(RGB, "MPO", save_all=True, append_images=[RGB.rotate(90)]))
    assert picture.decoded.pixels_hwc.shape == (48, 64, 3)
    assert picture.note == "the first of 2 pictures in the file; the others are not in it"
    assert open_picture(saved(RGB, "JPEG")).note is None


@pytest.mark.parametrize("format_name", ["PNG", "GIF", "TIFF"])
def test_a_palette_is_recognised(format_name):
    assert open_picture(saved(RGB.quantize(16), format_name)).palette
    assert not open_picture(saved(RGB, "PNG")).palette


def test_metadata_that_cannot_be_read_cost_no_picture():
    assert read_extras(b"no image") == Extras()
    assert claimed_pixels(b"no image") == 0
    assert claimed_pixels(saved(RGB, "PNG")) == 48 * 64


@pytest.mark.parametrize(
    ("format_name", "mode"), [("PNG", "RGB"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("TIFF", "CMYK"), ("WEBP", "RGB")]
)
def test_a_callers_lower_limit_of_pillow_does_not_hold(format_name, mode, monkeypatch):
    data = saved(photo().convert(mode), format_name, dpi=(72, 72))
    extras = read_extras(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert claimed_pixels(data) == 64 * 48
    assert open_picture(data).decoded.pixels_hwc.shape == (48, 64, 3)
    assert read_extras(data) == extras
    assert Image.MAX_IMAGE_PIXELS == 100
