"""Whatever bytes come, the walk ends soon, and nothing but ItemErrors comes out."""

import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.jpeg.streams import YCC_420, dqt, encoded, segment, sof, stream
from unlossy.core.blobs import BytesBlob, FileBlob
from unlossy.core.errors import ItemError
from unlossy.jpeg import JpegError, estimate_quality, read_header
from unlossy.jpeg.scans import read_scans

TABLE = np.arange(1, 65).reshape(8, 8)
EXIF = segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x1a\0\0\0")
SEEDS = (
    encoded(size=(16, 16), quality=50),
    encoded(size=(16, 16), progressive=True, mode="CMYK"),
    stream(EXIF, dqt(0, TABLE), dqt(1, TABLE, wide=True), sof(9, 0, YCC_420, 0xC9), segment(0xDD, b"\0\2")),
)


def read(blob):
    """The header's every derived property, or None where the file is refused."""
    try:
        header = read_header(blob)
    except JpegError:
        return None
    return header.sampling, header.colorspace, header.hints(), estimate_quality(header)


def mutated(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """The seed with bytes put in, written over, or put in the place of four."""
    data = bytearray(seed)
    for place, kind, new in edits:
        at = place % (len(data) + 1)
        data[at : at + (0, len(new), 4)[kind]] = new
    return bytes(data)


@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.integers(0, 800), st.integers(0, 2), st.binary(max_size=6)), max_size=6),
    end=st.integers(0, 2000),
)
@settings(max_examples=400, deadline=500, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_mutated_streams_raise_nothing_but_jpeg_errors(seed, edits, end):
    data = mutated(seed, edits)
    read(BytesBlob(data[:end] if end > 3 else data))


@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.integers(200, 2000), st.integers(0, 2), st.binary(max_size=6)), max_size=6),
)
@settings(max_examples=200, deadline=500, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_scans_of_mutated_streams_are_counted_or_refused(seed, edits):
    data = mutated(seed, edits)
    with suppress(ItemError):
        found = read_scans(BytesBlob(data))
        assert 0 <= (found.trailing_bytes or 0) <= len(data)
        assert found.scans is None or 0 <= found.scans <= data.count(b"\xff\xda")


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=500, derandomize=True)
def test_random_bytes_behind_soi_raise_nothing_but_jpeg_errors(data):
    read(BytesBlob(b"\xff\xd8" + data))


ROBUST = Path(__file__).parents[2].parent / "shared" / "data" / "robust" / "jpeg"


@pytest.mark.data
@pytest.mark.skipif(not ROBUST.is_dir(), reason="the developers' data set is not beside the checkout")
def test_every_file_of_the_robust_set_is_read_or_refused_within_a_second():
    files = sorted(ROBUST.iterdir())
    assert len(files) == 781
    for file in files:
        begin = time.perf_counter()
        with suppress(ItemError):
            estimate_quality(read_header(FileBlob(file)))
        assert time.perf_counter() - begin < 1, file.name
