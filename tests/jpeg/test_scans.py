import pytest

from tests.jpeg.streams import GREY, dqt, encoded, segment, sof, sos, stream
from tests.jpeg.test_skim import TABLE
from unlossy.core.blobs import BytesBlob
from unlossy.jpeg.scans import MAX_MARKERS, Scans, read_scans

HEAD = (dqt(0, TABLE), sof(9, 8, GREY))
CODED = b"\x12\xff\x00\x34\xff\xd0\x56"


def read(data: bytes) -> Scans:
    return read_scans(BytesBlob(data))


def test_scans_of_streams_made_by_hand_are_counted():
    assert read(stream(*HEAD)) == Scans(1, 0)
    more = CODED + segment(0xC4, bytes(40)) + sos(1) + CODED + sos(1) + CODED
    assert read(stream(*HEAD, scan=more)) == Scans(3, 0)
    assert read(stream(*HEAD, scan=more) + b"behind" + stream(*HEAD)) == Scans(3, 6 + len(stream(*HEAD)))


def test_pillows_files_have_the_scans_that_their_script_says():
    assert read(encoded(size=(64, 64))) == Scans(1, 0)
    # jcparam.c, jpeg_simple_progression: 10 scans for YCbCr, 6 for one component
    assert read(encoded(size=(64, 64), progressive=True)).scans == 10
    assert read(encoded(mode="L", size=(64, 64), progressive=True)).scans == 6


def test_pages_do_not_hide_markers(monkeypatch):
    data = encoded(size=(90, 90), progressive=True) + bytes(77)
    whole = read(data)
    for size in (5, 64, 1001):
        monkeypatch.setattr("unlossy.jpeg.scans._PAGE_BYTES", size)
        assert read(data) == whole == Scans(10, 77)


@pytest.mark.parametrize("cut", [2, 40, 400])
def test_a_cut_file_has_no_trailing_bytes(cut):
    assert read(encoded(size=(64, 64))[:-cut]) == Scans(1, None)


def test_what_cannot_be_counted_is_unknown():
    assert read(b"text") == read(b"") == read(stream(*HEAD)[:50]) == Scans(None, None)
    assert read(stream(*HEAD, scan=segment(0xFE, b"") * (MAX_MARKERS + 1))) == Scans(None, None)
