"""The quick walks hand on the bytes that the careful one does, or refuse."""

import numpy as np
import pytest

from tests.jpeg.streams import GREY, YCC_420, dqt, encoded, segment, sof, stream
from unlossy.core.blobs import BytesBlob
from unlossy.jpeg.lanes import walk_lanes
from unlossy.jpeg.markers import Window, walk
from unlossy.jpeg.skim import payload_bytes, skim

TABLE = np.arange(1, 65).reshape(8, 8)
FRAME = (dqt(0, TABLE), sof(9, 8, YCC_420))
FILES = {
    "baseline": encoded(),
    "optimised": encoded(optimize=True),
    "progressive": encoded(progressive=True),
    "grey, restarts": encoded(mode="L", restart_marker_blocks=2),
    "long Exif over several pages": stream(segment(0xE1, b"Exif\0\0" + bytes(9000)), *FRAME),
    "skipped APPn": stream(segment(0xE5, bytes(60_000)), segment(0xE7, bytes(3)), *FRAME),
    "table across a page": stream(segment(0xFE, bytes(4000)), *FRAME),
}


def careful(data: bytes) -> list[tuple[int, bytes]]:
    segments = walk(Window(BytesBlob(data)))
    return [(one.code, one.head(payload_bytes(one.code, one.head(32), one.size_bytes))) for one in segments]


@pytest.mark.parametrize("head_bytes", [64, 1024, 4096])
@pytest.mark.parametrize("name", FILES)
def test_segments_are_those_of_the_careful_walk(name, head_bytes):
    data = FILES[name]
    skimmed = skim(data[:head_bytes], len(data), BytesBlob(data).read)
    assert list(skimmed.segments) == careful(data)
    assert skimmed.scan_offset == [segment.end for segment in walk(Window(BytesBlob(data)))][-1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        stream(b"\xff", *FRAME),  # a fill byte
        stream(b"\0", *FRAME),
        stream(segment(0xDE, b"hierarchical"), *FRAME),
        stream(b"\xff\xe0\0\1", *FRAME),
        stream(*FRAME)[:60],
        stream(*[segment(0xFE, b"x")] * 300, *FRAME),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_careful_walk(data):
    assert skim(data[:1024], len(data), BytesBlob(data).read) is None


def test_skipping_reads_little():
    data, reads = FILES["skipped APPn"], []
    skim(data[:1024], len(data), lambda offset, size: reads.append(size) or data[offset : offset + size])
    assert sum(reads) < 9000


def test_lanes_find_frame_and_scan_of_each_file():
    others = [b"", b"\xff\xd8\xff", b"text" * 9, encoded()[:200], FILES["long Exif over several pages"]]
    plain = [FILES[name] for name in ("baseline", "optimised", "progressive", "grey, restarts")]
    lanes = walk_lanes([data[:2000] for data in [*others, *plain]])
    assert lanes.is_plain.tolist() == [False] * 5 + [True] * 4
    for lane, data in enumerate(plain, start=5):
        frame, scan = lanes.frame[lane], lanes.scan[lane]
        assert data[frame : frame + 2] in (b"\xff\xc0", b"\xff\xc2")
        assert data[scan : scan + 2] == b"\xff\xda"
        assert lanes.scan_end[lane] == skim(data, len(data), BytesBlob(data).read).scan_offset
        assert (lanes.width[lane], lanes.height[lane]) == (24, 17)
    assert lanes.huffman.tolist()[5:] == [0, 0x100100111, 0x10001, 0]  # DC 0, AC 0, DC 1, AC 1; DC 0, DC 1


@pytest.mark.parametrize(
    "odd",
    [
        stream(*FRAME, sof(9, 8, GREY)),
        stream(dqt(0, TABLE), sof(0, 8, GREY)),
        stream(dqt(0, TABLE), sof(9, 0, GREY)),
        stream(dqt(0, TABLE)),
        stream(segment(0xE0, bytes(1000)), *FRAME),
        stream(segment(0xE1, b"Exif\0\0"), *FRAME),
    ],
)
def test_lanes_that_are_not_plain_are_left_alone(odd):
    assert walk_lanes([encoded(), odd, encoded()]).is_plain.tolist() == [True, False, True]
