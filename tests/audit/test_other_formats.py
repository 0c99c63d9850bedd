import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from unlossy.audit.other_formats import OtherHeader, format_of, read_other_header
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import DecodeError, ItemError, TooLargeError


def read(data: bytes) -> OtherHeader:
    return read_other_header(BytesBlob(data), format_of(data[:16]))


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 40)) -> Image.Image:
    pixels = np.random.default_rng(9).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    if mode == "RGBA":
        image.putalpha(100)
    return image


def saved(kind: str, mode: str = "RGB", **options: object) -> bytes:
    if kind in ("AVIF", "WEBP") and not features.check(kind.lower()):
        pytest.skip(f"this Pillow writes no {kind}", allow_module_level=True)
    buffer = io.BytesIO()
    image = picture(mode)
    if options.pop("frames", 1) == 2:
        options |= {"save_all": True, "append_images": [image.rotate(180)]}
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_tiff_has_its_size_as_stored(orientation):
    header = read(saved("TIFF", tiffinfo={274: orientation}))
    assert (header.width, header.height) == (48, 40)


def png_header(width, height):
    """The header of a PNG of one bit a pixel, and nothing behind it but an empty IDAT."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b""))
    parts = [struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4) for kind, data in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_pictures_of_up_to_500_megapixels_are_read_whatever_pillow_takes(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    assert read(png_header(20_000, 10_000)).width == 20_000
    assert read(png_header(20_000, 25_000)).height == 25_000
    with pytest.raises(TooLargeError):
        read(png_header(20_000, 25_001))
    assert Image.MAX_IMAGE_PIXELS == 1_000_000


@pytest.mark.parametrize(
    ("kind", "mode", "options", "facts"),
    [
        ("WEBP", "RGB", {"quality": 60}, (8, "4:2:0", False, ())),
        ("WEBP", "RGB", {"lossless": True}, (8, "4:4:4", True, ())),
        ("WEBP", "RGBA", {"quality": 60}, (8, "4:2:0", False, ("alpha",))),
        ("WEBP", "RGB", {"quality": 60, "frames": 2}, (8, "4:2:0", False, ("animated",))),
        ("WEBP", "RGB", {"lossless": True, "frames": 2}, (8, "4:4:4", True, ("animated",))),
        ("AVIF", "RGB", {"subsampling": "4:2:0"}, (8, "4:2:0", None, ())),
        ("AVIF", "RGB", {"subsampling": "4:2:2"}, (8, "4:2:2", None, ())),
        ("AVIF", "RGB", {"subsampling": "4:4:4"}, (8, "4:4:4", None, ())),
        ("AVIF", "RGBA", {"subsampling": "4:2:0"}, (8, "4:2:0", None, ())),
        ("AVIF", "L", {}, (8, "grey", None, ())),
        ("PNG", "RGB", {}, (8, None, True, ())),
        ("PNG", "1", {}, (1, None, True, ())),
        ("PNG", "I;16", {}, (16, None, True, ())),
        ("PNG", "P", {}, (8, None, True, ())),
        ("GIF", "P", {}, (8, None, True, ())),
        ("BMP", "RGB", {}, (None, None, True, ())),
        ("TIFF", "RGB", {}, (8, None, True, ())),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}, (8, None, True, ())),
        ("TIFF", "RGB", {"compression": "jpeg"}, (8, None, False, ())),
        ("PPM", "RGB", {}, (None, None, None, ())),
    ],
)
def test_headers_of_pillows_files(kind, mode, options, facts):
    got = read(saved(kind, mode, **options))
    assert (got.width, got.height) == (48, 40)
    remarks = tuple(text for text in got.remarks if not (text == "alpha" and mode == "RGB"))  # Pillow adds it itself
    assert (got.precision, got.sampling, got.lossless, remarks) == facts


@pytest.mark.parametrize(
    ("options", "lossless", "word"),
    [
        ({}, None, "5/3"),
        ({"irreversible": True, "quality_mode": "rates", "quality_layers": [20]}, False, "9/7"),
        ({"no_jp2": True}, None, "5/3"),
    ],
)
def test_the_wavelet_of_jpeg_2000(options, lossless, word):
    got = read(saved("JPEG2000", **options))
    assert (got.format, got.width, got.height, got.precision, got.sampling) == ("jpeg2000", 48, 40, 8, "4:4:4")
    assert (got.lossless, word in got.remarks[0]) == (lossless, True)


@pytest.mark.parametrize(
    ("mode", "sampling", "precision"), [("L", "grey", 8), ("I;16", "grey", 16), ("RGBA", "4:4:4", 8)]
)
def test_components_of_jpeg_2000(mode, sampling, precision):
    got = read(saved("JPEG2000", mode))
    assert (got.sampling, got.precision) == (sampling, precision)


def test_subsampled_jpeg_2000_with_an_offset():
    # T.800, A.5.1: SIZ of 3 components on a reference grid of 100 x 60 from (4, 8), chroma of half size both ways
    size = struct.pack(">H8IH", 0, 100, 60, 4, 8, 100, 60, 0, 0, 3) + bytes((9, 1, 1, 9, 2, 2, 9, 2, 2))
    data = b"\xff\x4f\xff\x51" + struct.pack(">H", len(size) + 2) + size + b"\xff\x90\0\x0a"
    got = read(data)
    assert (got.width, got.height, got.precision, got.sampling, got.lossless) == (96, 52, 10, "4:2:0", None)


def heif_by(properties: bytes, associations: bytes, *more: bytes, brand: bytes = b"mif1") -> bytes:
    ipco = box(b"iprp", box(b"ipco", properties) + box(b"ipma", b"\0\0\0\0\0\0\0\x01" + associations))
    meta = b"\0\0\0\0" + box(b"pitm", b"\0\0\0\0\0\x05") + ipco + b"".join(more)
    return box(b"ftyp", brand + b"\0\0\0\0") + box(b"meta", meta)


HVCC_10_BIT_422 = bytes(16) + bytes((0xFE, 0xFA, 0xFA)) + bytes(4)  # 14496-15, 8.3.3: chroma_format 2, bits - 8 twice
AV1C_12_BIT_444 = bytes((0x81, 0x44, 0x60, 0))
ISPE = box(b"ispe", struct.pack(">III", 0, 4032, 3024))


def test_heif_by_its_properties():
    data = heif_by(ISPE + box(b"hvcC", HVCC_10_BIT_422), b"\0\x05\x02\x81\x02", brand=b"heic")
    assert read(data) == OtherHeader("heif", 4032, 3024, 10, "4:2:2", None)


def test_a_brand_that_names_no_codec_is_named_by_its_codec():
    assert read(heif_by(ISPE + box(b"av1C", AV1C_12_BIT_444), b"\0\x05\x02\x01\x82")) == OtherHeader(
        "avif", 4032, 3024, 12, "4:4:4", None
    )


def test_a_grid_has_the_size_of_the_whole_and_the_coding_of_a_tile():
    properties = ISPE + box(b"ispe", struct.pack(">III", 0, 512, 512)) + box(b"hvcC", HVCC_10_BIT_422)
    items = b"\0\0\0\0\0\0\0\x02" + b"\0\x05\x01\x01" + b"\0\x01\x02\x02\x03"
    iprp = box(b"iprp", box(b"ipco", properties) + box(b"ipma", items))
    iref = box(b"iref", b"\0\0\0\0" + box(b"dimg", b"\0\x05\0\x02\0\x01\0\x02"))
    meta = box(b"meta", b"\0\0\0\0" + box(b"pitm", b"\0\0\0\0\0\x05") + iprp + iref)
    got = read(box(b"ftyp", b"heic\0\0\0\0") + meta)
    assert (got.width, got.height, got.precision, got.sampling) == (4032, 3024, 10, "4:2:2")


@pytest.mark.parametrize(("chroma", "sampling"), [(420, "4:2:0"), (444, "4:4:4")])
def test_heif_by_libheif(chroma, sampling):
    pillow_heif = pytest.importorskip("pillow_heif", reason="wants pillow-heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(picture()).save(buffer, chroma=chroma)
    got = read(buffer.getvalue())
    assert (got.format, got.precision, got.sampling, got.lossless) == ("heif", 8, sampling, None)


class Bits:
    """The bits of a JPEG XL header, lowest first, as 18181-1 writes them."""

    def __init__(self) -> None:
        self.bits: list[int] = []

    def put(self, value: int, count: int) -> "Bits":
        self.bits += [value >> place & 1 for place in range(count)]
        return self

    def bytes(self) -> bytes:
        padded = self.bits + [0] * (-len(self.bits) % 8)
        return bytes(
            sum(bit << place for place, bit in enumerate(padded[at : at + 8])) for at in range(0, len(padded), 8)
        )


def test_jxl_bit_by_bit():
    # not small; height 1 + u(13) with 1999; ratio 0; width 1 + u(9) with 299
    size = Bits().put(0, 1).put(1, 2).put(1999, 13).put(0, 3).put(0, 2).put(299, 9)
    default = size.put(1, 1).bytes()  # all metadata default: 8 bits, XYB
    got = read(b"\xff\x0a" + default + bytes(8))
    assert (got.width, got.height, got.precision, got.lossless) == (300, 2000, 8, False)


def test_jxl_with_everything_before_the_flag():
    bits = Bits().put(1, 1).put(9, 5).put(4, 3)  # height 8 * (1 + 9), ratio 3:2
    bits.put(0, 1).put(1, 1)  # not default, extra fields:
    bits.put(5, 3).put(0, 1).put(0, 1)  # orientation, no intrinsic size, no preview
    bits.put(1, 1).put(0, 2).put(0, 2).put(0, 2).put(0, 1)  # animation: 100 / 1 ticks, no loops, no time codes
    bits.put(0, 1).put(2, 2).put(0, 1).put(1, 2)  # 12 bits, no 16-bit buffers, one extra channel:
    bits.put(0, 1).put(0, 2).put(0, 1).put(0, 2).put(0, 2).put(1, 2).put(3, 4).put(0x746573, 24).put(
        1, 1
    )  # alpha, a name
    bits.put(0, 1)  # not XYB
    got = read(b"\xff\x0a" + bits.bytes() + bytes(8))
    assert got == OtherHeader("jxl", 120, 80, 12, None, None, ("animated", "alpha"))


def test_a_jpeg_inside_jxl_is_lossy():
    codestream = (
        b"\xff\x0a" + Bits().put(1, 1).put(1, 5).put(1, 3).put(0, 1).put(0, 1).put(0, 3).put(0, 1).bytes() + bytes(20)
    )
    start = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    plain = read(start + box(b"jxlc", codestream))
    jpeg = read(start + box(b"jbrd", b"x") + box(b"jxlp", b"\0\0\0\0" + codestream[:9]) + box(b"jxlp", codestream))
    assert (plain.width, plain.height, plain.lossless, plain.remarks) == (16, 16, None, ())
    assert (jpeg.lossless, "JPEG" in jpeg.remarks[0]) == (False, True)


@pytest.mark.parametrize(("options", "lossless"), [({"quality": 80}, False), ({"lossless": True}, None)])
def test_jxl_by_libjxl(options, lossless):
    pytest.importorskip("pillow_jxl", reason="wants pillow-jxl-plugin")
    got = read(saved("JXL", **options))
    assert (got.format, got.width, got.height, got.precision, got.lossless) == ("jxl", 48, 40, 8, lossless)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"RIFF\x10\0\0\0WEBPVP8X\x04\0\0\0\0\0\0\0", "ends inside"),
        (b"RIFF\x20\0\0\0WEBPVP8 \x0a\0\0\0" + bytes(10), "key frame"),
        (b"RIFF\x20\0\0\0WEBPVP8L\x05\0\0\0" + bytes(5), "signature"),
        (b"RIFF\x20\0\0\0WEBP" + b"JUNK\0\0\0\0" * 5000, "without a picture"),
        (b"\0\0\0\x18ftypheic" + bytes(12), "meta"),
        (heif_by(box(b"hvcC", HVCC_10_BIT_422), b"\0\x05\x01\x01", brand=b"heic"), "size"),
        (heif_by(ISPE + box(b"hvcC", b"\0\0"), b"\0\x05\x02\x01\x02", brand=b"heic"), "cut short"),
        (heif_by(ISPE[:12], b"\0\x05\x01\x01", brand=b"heic"), "header"),
        (b"\0\0\0\x18ftypavif" + bytes(12) + b"\0\0\0\x03meta", "impossible size"),
        (b"\0\0\0\x18ftypavif" + bytes(12) + box(b"free", b"") * 2000, "hostile"),
        (b"\xff\x4f\xff\x51\0\x04\0\0", "SIZ"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + box(b"jp2h", b""), "codestream"),
        (b"\xff\x0a\x00", "ends inside"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"jxlc", b"none"), "codestream"),
    ],
)
def test_damaged_headers_say_what_is_wrong(data, words):
    with pytest.raises(DecodeError, match=words):
        read(data)


def test_sizes_that_no_row_holds_are_refused():
    size = struct.pack(">H8IH", 0, 2**32 - 1, 9, 0, 0, 9, 9, 0, 0, 1) + bytes((7, 1, 1))
    with pytest.raises(TooLargeError, match="4294967295"):
        read(b"\xff\x4f\xff\x51" + struct.pack(">H", len(size) + 2) + size + b"\xff\x90\0\x0a")
    with pytest.raises(DecodeError, match="no picture"):
        read(heif_by(box(b"ispe", bytes(12)) + box(b"av1C", AV1C_12_BIT_444), b"\0\x05\x02\x01\x02"))


SAMPLES = [
    saved("WEBP", "RGBA", quality=50),
    saved("WEBP", lossless=True, frames=2),
    saved("AVIF"),
    saved("JPEG2000"),
    heif_by(ISPE + box(b"hvcC", HVCC_10_BIT_422), b"\0\x05\x02\x81\x02", brand=b"heic"),
    b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"jbrd", b"x") + box(b"jxlc", b"\xff\x0a" + bytes(range(40))),
]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.none() | st.integers(0, 300),
)
def test_damage_is_an_item_error_or_a_size(data, changes, end):
    broken = bytearray(data)
    for place, value in changes:
        broken[place % len(broken)] = value
    try:
        got = read_other_header(BytesBlob(bytes(broken[:end])), format_of(data[:16]))
    except ItemError:
        return
    assert 0 < got.width < 2**31
    assert 0 < got.height < 2**31
