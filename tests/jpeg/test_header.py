import io

import numpy as np
import pytest
from PIL import Image

from tests.jpeg import streams
from tests.jpeg.streams import GREY, SOI, YCC_420, dqt, encoded, header, segment, sof, sos, stream
from unlossy.core.blobs import BytesBlob
from unlossy.jpeg import JpegError, JpegTruncatedError, read_header

FLAT = np.full((8, 8), 7)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True, "restart_marker_blocks": 3}])
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_header_equals_what_pillow_was_asked_to_write(sampling, options):
    got = header(encoded(size=(37, 23), subsampling=sampling, quality=40, **options))
    assert (got.width, got.height, got.precision, got.sampling) == (37, 23, 8, sampling)
    assert got.process == ("progressive" if "progressive" in options else "baseline")
    assert got.restart_interval == options.get("restart_marker_blocks", 0)
    assert (got.colorspace, got.entropy_coding, got.has_jfif, got.truncated) == ("YCbCr", "huffman", True, False)


@pytest.mark.parametrize(("mode", "colorspace"), [("L", "grey"), ("CMYK", "CMYK")])
def test_colour_spaces_of_pillow(mode, colorspace):
    assert header(encoded(mode=mode)).colorspace == colorspace


def test_keep_rgb_is_told_by_the_adobe_marker():
    got = header(encoded(keep_rgb=True))
    assert (got.colorspace, got.hints()) == ("RGB", None)


def test_tables_equal_pillows_in_natural_order():
    data = encoded(quality=33)
    expected = Image.open(io.BytesIO(data)).quantization
    assert {table.id: table.entries.reshape(64).tolist() for table in header(data).tables} == expected


def test_metadata_is_found_behind_large_segments():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(exif=exif, icc_profile=b"p" * 200_000, comment=b"c" * 60_000)
    got = header(data)
    assert (got.has_exif, got.has_icc, got.exif_orientation, got.sampling) == (True, True, 6, "4:2:0")


class CountingBlob(BytesBlob):
    reads: list = []  # noqa: RUF012 (set anew by the test)

    def read(self, offset: int, size: int) -> bytes:
        self.reads.append(size)
        return super().read(offset, size)

    def all(self) -> bytes:
        raise AssertionError("the whole file was read")


def test_little_is_read_of_a_large_file():
    CountingBlob.reads = []
    data = encoded(icc_profile=b"p" * 3_000_000, size=(400, 300), quality=95)
    read_header(CountingBlob(data))
    assert sum(CountingBlob.reads) < 0.15 * len(data)


@pytest.mark.parametrize(
    ("code", "process", "coding"),
    [
        (0xC0, "baseline", "huffman"),
        (0xC1, "extended sequential", "huffman"),
        (0xC2, "progressive", "huffman"),
        (0xC3, "lossless", "huffman"),
        (0xC9, "extended sequential, arithmetic", "arithmetic"),
        (0xCA, "progressive, arithmetic", "arithmetic"),
        (0xCB, "lossless, arithmetic", "arithmetic"),
    ],
)
def test_process_follows_the_sof_code(code, process, coding):
    got = header(stream(dqt(0, FLAT), sof(5, 4, GREY, code)))
    assert (got.process, got.entropy_coding) == (process, coding)
    assert (got.hints() is None) == ("lossless" in process)


@pytest.mark.parametrize(
    ("factors", "sampling"),
    [
        (((1, 1), (1, 1), (1, 1)), "4:4:4"),
        (((2, 1), (1, 1), (1, 1)), "4:2:2"),
        (((2, 2), (1, 1), (1, 1)), "4:2:0"),
        (((1, 2), (1, 1), (1, 1)), "4:4:0"),
        (((4, 1), (1, 1), (1, 1)), "4:1:1"),
        (((2, 2), (1, 2), (1, 2)), "4:2:2"),
        (((2, 1), (1, 2), (1, 1)), "2x1,1x2,1x1"),
        (((3, 1), (2, 1), (2, 1)), "3x1,2x1,2x1"),
        (((1, 1), (2, 1), (2, 1)), "1x1,2x1,2x1"),
        (((1, 1), (1, 1)), "1x1,1x1"),
        (((2, 2),), "grey"),
    ],
)
def test_sampling_notation(factors, sampling):
    components = [(index + 1, h, v, 0) for index, (h, v) in enumerate(factors)]
    assert header(stream(dqt(0, FLAT), sof(5, 4, components))).sampling == sampling


def test_tables_are_those_in_force_at_the_first_scan():
    later = dqt(0, FLAT + 2)
    got = header(stream(dqt(0, FLAT + 1), dqt(0, FLAT), sof(5, 4, GREY), scan=b"\x11" + later + sos(1) + b"\x22"))
    assert got.tables[0].entries.tolist() == FLAT.tolist()


def test_a_component_without_a_table_in_time_has_none_and_gives_no_hints():
    got = header(stream(dqt(0, FLAT), sof(5, 4, YCC_420)))
    assert got.table_of(got.components[1]) is None
    assert got.hints() is None


def test_hints_name_both_tables_and_the_luma_factors():
    hints = header(stream(dqt(0, FLAT), dqt(1, FLAT * 300, wide=True), sof(5, 4, YCC_420))).hints()
    assert (hints.table_luma[3, 4], hints.table_chroma[0, 0], hints.sampling_hv) == (7, 2100, (2, 2))


def test_two_tables_in_one_segment_and_an_unused_third():
    joint = segment(0xDB, dqt(2, FLAT)[4:] + dqt(0, FLAT + 1)[4:] + dqt(1, FLAT * 100, wide=True)[4:])
    got = header(stream(joint, sof(5, 4, GREY)))
    assert [(table.id, table.entry_bits, table.entries[0, 0]) for table in got.tables] == [
        (0, 8, 8),
        (1, 16, 700),
        (2, 8, 7),
    ]


def test_flags_of_application_segments():
    jfif = segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\2\2" + b"t" * 12)
    parts = (jfif, segment(0xE2, b"MPF\0more"), segment(0xEE, b"Adobe\0\x64\0\0\0\0\2"), dqt(0, FLAT), sof(5, 4, GREY))
    got = header(stream(*parts))
    assert (got.has_jfif, got.has_thumbnail, got.has_mpf, got.has_adobe, got.adobe_transform) == (
        True,
        True,
        True,
        True,
        2,
    )
    assert (got.has_exif, got.has_icc, got.exif_orientation) == (False, False, None)


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_thumbnail_and_orientation_in_both_byte_orders(order):
    import struct

    first = struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, 8, 0, 26)
    second = struct.pack(order + "HHHIII", 1, 0x0202, 4, 1, 99, 0)
    tiff = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8) + first + second
    got = header(stream(segment(0xE1, b"Exif\0\0" + tiff), dqt(0, FLAT), sof(5, 4, GREY)))
    assert (got.exif_orientation, got.has_thumbnail) == (8, True)


def test_broken_exif_is_absent_and_no_error():
    got = header(stream(segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\x7f"), dqt(0, FLAT), sof(5, 4, GREY)))
    assert (got.has_exif, got.exif_orientation) == (True, None)


def test_fill_bytes_and_junk_between_segments_are_stepped_over():
    got = header(stream(b"\xff\xff\xff" + dqt(0, FLAT), b"junk\xff\x00", sof(5, 4, GREY)))
    assert (got.width, len(got.tables)) == (5, 1)


def test_a_height_of_zero_is_taken_from_dnl_or_unknown():
    parts = (dqt(0, FLAT), sof(5, 0, GREY))
    assert header(stream(*parts, scan=b"\x11\xff\xd0\xff\x00" + segment(0xDC, b"\x01\x02"))).height == 0x0102
    assert header(stream(*parts)).height is None


def test_a_hierarchical_file_has_the_size_of_its_last_frame():
    dhp = b"\xff\xde" + sof(64, 48, GREY)[2:]
    got = header(stream(dqt(0, FLAT), dhp, sof(32, 24, GREY, 0xC1)))
    assert (got.is_hierarchical, got.width, got.height) == (True, 64, 48)


WHOLE = encoded(size=(64, 64), quality=90)


@pytest.mark.parametrize(
    ("data", "truncated"),
    [
        (WHOLE, False),
        (WHOLE[:-2], True),
        (WHOLE[: len(WHOLE) * 3 // 4], True),
        (WHOLE[:-100] + bytes(10_000), True),
        (WHOLE + bytes(10_000), False),
        (WHOLE + b"maker's trailer" * 1000, False),
        (WHOLE + WHOLE, False),
    ],
    ids=["whole", "no EOI", "three quarters", "cut, zero padded", "zero padded", "trailer", "two pictures"],
)
def test_truncation_is_judged_by_the_end_marker(data, truncated):
    assert header(data).truncated is truncated


def test_an_end_marker_on_the_border_of_two_reads_is_found():
    start = len(stream(dqt(0, FLAT), sof(5, 4, GREY), scan=b"", end=b""))
    data = stream(dqt(0, FLAT), sof(5, 4, GREY), scan=b"\x11" * (2**20 - 1), end=streams.EOI + bytes(9000))
    assert data.index(streams.EOI) == start + 2**20 - 1
    assert header(data).truncated is False


def test_a_file_cut_anywhere_behind_its_frame_header_is_truncated_and_before_it_an_error():
    frame_end = WHOLE.index(b"\xff\xc0") + 2 + 17
    for end in range(2, len(WHOLE) - 1, 7):
        if end < frame_end:
            with pytest.raises(JpegTruncatedError):
                header(WHOLE[:end])
        else:
            assert header(WHOLE[:end]).truncated is True


MALFORMED = {
    "not a JPEG": b"\x89PNG\r\n\x1a\n",
    "no frame": stream(dqt(0, FLAT)),
    "two frames": stream(dqt(0, FLAT), sof(5, 4, GREY), sof(6, 4, GREY)),
    "no scan": SOI + dqt(0, FLAT) + sof(5, 4, GREY) + streams.EOI,
    "second SOI": SOI + stream(dqt(0, FLAT), sof(5, 4, GREY)),
    "JPEG-LS": SOI + sof(5, 4, GREY, 0xF7),
    "no width": stream(sof(0, 4, GREY)),
    "no components": stream(sof(5, 4, [])),
    "factors of 0": stream(sof(5, 4, [(1, 0, 1, 0)])),
    "short table": stream(segment(0xDB, b"\0" + bytes(63)), sof(5, 4, GREY)),
    "table id 4": stream(segment(0xDB, b"\4" + bytes(64)), sof(5, 4, GREY)),
    "long DRI": stream(segment(0xDD, bytes(3)), sof(5, 4, GREY)),
    "length 1": SOI + b"\xff\xc4\x00\x01" + sof(5, 4, GREY),
    "reserved marker": SOI + b"\xff\x02" + sof(5, 4, GREY),
    "endless segments": SOI + b"\xff\xfe\x00\x02" * 30_000,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_headers_are_a_jpeg_error_of_kind_decode(name):
    with pytest.raises(JpegError) as caught:
        header(MALFORMED[name])
    assert caught.value.kind == "decode"


def test_an_endless_header_is_refused_in_bounded_time_and_reading():
    with pytest.raises(JpegError, match="hostile"):
        header(SOI + bytes(40 * 2**20))
