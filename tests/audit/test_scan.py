import hashlib
import io
import os
import zlib

import pytest
from PIL import Image

from tests.jpeg.streams import GREY, dqt, encoded, sof, stream
from unlossy.audit.rows import AuditRow
from unlossy.audit.scan import ScanOptions, examine
from unlossy.core.blobs import BytesBlob, FileBlob
from unlossy.core.errors import ReadError
from unlossy.core.types import Item
from unlossy.jpeg.tables import LUMINANCE


def row(data: bytes) -> AuditRow:
    return examine(Item("x", BytesBlob(data), groups={"class": "cat"})).row


def other(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(buffer, kind)
    return buffer.getvalue()


def test_a_jpegs_row_says_what_it_was_encoded_with():
    data = encoded(size=(48, 32), quality=37, subsampling="4:2:2", progressive=True)
    got = row(data)
    assert (got.key, got.groups, got.format, got.width, got.height) == ("x", {"class": "cat"}, "jpeg", 48, 32)
    assert (got.ijg_quality_luma, got.ijg_quality_chroma, got.quality_exact) == (37, 37, True)
    assert (got.components, got.precision, got.sampling, got.process) == (3, 8, "4:2:2", "progressive")
    assert got.rate_bpp == pytest.approx(8 * len(data) / (48 * 32))
    assert (got.truncated, got.lossless, got.error_kind, got.scans, got.trailing_bytes) == (False, False, *[None] * 3)
    assert (got.encoder, got.sha256, got.blockiness) == ("libjpeg (quality 37)", None, None)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF", "JPEG2000"])
def test_other_formats_have_a_size_and_nothing_about_jpeg(kind):
    got = row(other(kind))
    assert (got.format, got.width, got.height, got.error_kind) == (kind.lower(), 30, 20, None)
    jpeg_alone = ("ijg_quality_luma", "quality_exact", "process", "truncated", "quantization_tables", "encoder")
    assert [getattr(got, name) for name in jpeg_alone] == [None] * 6
    assert got.lossless is not False or kind in ("WEBP", "JPEG2000", "AVIF")


def test_a_cut_jpeg_keeps_its_evidence_and_is_no_error():
    got = row(encoded(size=(64, 64), quality=50)[:-300])
    assert (got.truncated, got.ijg_quality_luma, got.error_kind) == (True, 50, None)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "decode", "empty"),
        (b"hello, world, this is text", "decode", "not an image"),
        (encoded()[:90], "truncated", "ends"),
        (stream(dqt(0, LUMINANCE), sof(5, 4, GREY))[:84], "truncated", "before its first scan"),
        (stream(dqt(0, LUMINANCE), sof(5, 0, GREY)), "decode", "DNL"),
        (b"\xff\xd8\xff\x02" + bytes(99), "decode", "no marker"),
        (other("PNG")[:20], "decode", "png"),
        (b"\0\0\0\x18ftypheic" + bytes(90), "decode", "heif"),
    ],
)
def test_what_cannot_be_read_is_a_row_with_an_error(data, kind, words):
    got = row(data)
    assert (got.error_kind, words in got.error_message) == (kind, True), got.error_message
    assert got.size_bytes == len(data)
    assert got.truncated is (True if kind == "truncated" else got.truncated)


def test_a_file_that_ends_before_its_scan_keeps_its_size():
    got = row(stream(dqt(0, LUMINANCE), sof(5, 4, GREY))[:84])
    assert (got.error_kind, got.width, got.height, got.truncated) == ("truncated", 5, 4, True)


class BrokenBlob(BytesBlob):
    def read(self, offset: int, size: int) -> bytes:
        raise ReadError("the disk says no\nand more")


def test_a_read_error_is_a_row_on_one_line():
    got = examine(Item("x", BrokenBlob(b"12345"))).row
    assert (got.error_kind, got.error_message, got.size_bytes) == ("read", "the disk says no\\nand more", 5)


def test_a_read_error_inside_pillow_is_a_read_error():
    class Late(BytesBlob):
        def read(self, offset: int, size: int) -> bytes:
            if size > 16:
                raise ReadError("gone")
            return super().read(offset, size)

    assert examine(Item("x", Late(other("PNG")))).row.error_kind == "read"


def test_a_missing_file_is_a_row(tmp_path):
    got = examine(Item("x", FileBlob(tmp_path / "gone.jpg"))).row
    assert (got.error_kind, got.size_bytes) == ("read", None)


def test_a_png_of_many_megapixels_costs_no_pixels():
    data = bytearray(other("PNG"))
    data[16:24] = (12_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    got = row(bytes(data))
    assert (got.width, got.height, got.error_kind) == (12_000, 12_000, None)


def test_examine_hands_the_header_over_where_there_is_one():
    assert examine(Item("x", BytesBlob(encoded()))).header.has_jfif
    assert examine(Item("x", BytesBlob(other("PNG")))).header is None


def test_more_is_read_only_where_it_was_asked_for():
    data = encoded(size=(40, 40), progressive=True)
    item = Item("x", BytesBlob(data + b"behind"))
    got = examine(item, ScanOptions(deep=True, sha256=True, pixels=True)).row
    assert got.scans == data.count(b"\xff\xda")  # entropy-coded data hold no FF DA
    assert (got.trailing_bytes, got.sha256) == (6, hashlib.sha256(data + b"behind").hexdigest())
    assert got.blockiness > 0
    assert got.error_kind is None


def test_a_file_that_does_not_decode_keeps_its_headers_columns():
    data = encoded(size=(64, 64), quality=50)
    got = examine(Item("x", BytesBlob(data[:-300] + b"\xff\xd9")), ScanOptions(pixels=True)).row
    assert (got.error_kind is None, got.ijg_quality_luma, got.width, got.blockiness) == (False, 50, 64, None)


def test_a_fifo_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    item = Item("pipe.jpg", FileBlob(tmp_path / "pipe.jpg"))
    assert examine(item, ScanOptions(pixels=True)).row.error_kind == "read"
