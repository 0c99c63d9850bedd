import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.jpeg.streams import GREY, dqt, encoded, segment, sof, sos, stream
from unlossy.core.blobs import BytesBlob
from unlossy.jpeg.marker_map import MAX_PARTS, Part, marker_map
from unlossy.jpeg.markers import Window, walk
from unlossy.jpeg.tables import LUMINANCE


def parts(data: bytes) -> list[Part]:
    return list(marker_map(BytesBlob(data)))


def named(data: bytes) -> dict[str, str]:
    return {part.name: part.says for part in parts(data)}


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1, "comment": "hi"}], ids=str)
def test_the_parts_cover_the_file_and_agree_with_the_walk(options):
    data = encoded(size=(60, 50), icc_profile=b"p" * 3000, **options)
    found = parts(data)
    assert [part.offset for part in found] == [sum(p.size_bytes for p in found[:n]) for n in range(len(found))]
    assert found[-1].offset + found[-1].size_bytes == len(data)
    walked = [segment.code for segment in walk(Window(BytesBlob(data)))]
    first_scan = [part.name for part in found].index("scan data")
    assert [int(part.code[2:], 16) for part in found[1:first_scan]] == walked


def test_what_segments_say():
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    got = named(
        stream(
            segment(0xE0, b"JFIF\0\x01\x02\x01\x01\x2c\x01\x2c\0\0"),
            segment(0xE1, exif),
            segment(0xE2, b"ICC_PROFILE\0\x02\x03data"),
            segment(0xEC, b"Ducky\0\x01\0\x04\0\0\0\x3c\0\0"),
            segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01"),
            segment(0xFE, b"line\x1b[31m one\n"),
            dqt(0, LUMINANCE, wide=True),
            segment(0xDD, b"\0\x07"),
            segment(0xC4, b"\x11" + bytes((1,)) + bytes(15) + b"\x05"),
            sof(16, 9, GREY),
            scan=b"\x01\xff\x00\xff\xd0\x02\xff\xd1\x03",
        )
    )
    assert got["APP0"] == "JFIF 1.02, 300 x 300 dots per inch"
    assert got["APP1"] == "Exif, orientation 6"
    assert got["APP2"] == "ICC profile, part 2 of 3"
    assert got["APP12"] == "Ducky, quality 60"
    assert got["APP14"] == "Adobe, transform 1"
    assert got["COM"] == "line\\x1b[31m one"
    assert got["DQT"] == "table 0 of 16 bits"
    assert got["DRI"] == "every 7 MCUs"
    assert got["DHT"] == "AC 1; made for this file"
    assert got["SOF0"] == "baseline, 16 x 9, 8 bits; 1: 1x1 table 0"
    assert got["SOS"] == "component 1, coefficients 0 to 63"
    assert got["scan data"] == "2 restart markers"


@pytest.mark.parametrize("before", [2**16 - 1, 2**16 - 2, 2**16])
def test_a_restart_on_the_border_of_two_pages_is_counted_once(before):
    data = stream(dqt(0, LUMINANCE), sof(8, 8, GREY), scan=bytes(before) + b"\xff\xd0" + bytes(9))
    assert named(data)["scan data"] == "1 restart markers"


def test_bytes_behind_the_end_are_named():
    data = stream(dqt(0, LUMINANCE), sof(8, 8, GREY))
    assert parts(data + data)[-1].says.startswith("another JPEG")
    assert parts(data + b"\0\0\0\x18ftypmp42")[-1].says == "a film (MP4)"
    assert parts(data + b"\0" * 5)[-1] == Part(len(data), "", "bytes behind the end", 5, "zeros")


def test_a_cut_file_says_where_it_ends():
    cut = stream(dqt(0, LUMINANCE), sof(8, 8, GREY), end=b"")
    assert parts(cut)[-1].says == "the file ends in it"
    assert parts(b"\xff\xd8\xff\xdb\x00")[-1].says == "the file ends here"


def test_many_parts_are_bounded():
    data = b"\xff\xd8" + segment(0xFE, b"x") * 5000 + sos(1)
    found = parts(data)
    assert len(found) == MAX_PARTS + 1
    assert found[-1].name == "the rest"
    assert found[-1].offset + found[-1].size_bytes == len(data)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"\xff", b"\xd8", b"\xda", b"\xdb\0\x05", b"\xe1\0\x08Exif\0", b"\xda\0\x04\x03\0", b"\xc0", b"\0"]
        ),
        max_size=40,
    )
)
def test_any_bytes_are_covered_without_an_error(pieces):
    data = b"".join(pieces)
    found = parts(data)
    assert sum(part.size_bytes for part in found) == len(data)
    assert all(part.size_bytes > 0 for part in found)
