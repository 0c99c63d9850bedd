from tests.jpeg.streams import encoded
from unlossy.audit import summarise
from unlossy.audit.scan import scan
from unlossy.core.blobs import BytesBlob
from unlossy.core.types import Item


def test_counts_over_a_small_mixed_set():
    grey, colour = encoded(mode="L", quality=10), encoded(quality=90, size=(64, 64))
    files = [colour, colour, colour[:-50], grey, b"text"]
    got = summarise([scan(Item(str(i), BytesBlob(data))) for i, data in enumerate(files)], {".csv": 1})
    assert (got.n_items, got.n_failed, got.truncated) == (5, 1, 1)
    assert got.formats == {"jpeg": 4, "unknown": 1}
    assert got.ijg_quality_luma == {90: 3, 10: 1}
    assert got.ijg_quality_chroma == {90: 3}
    assert got.sampling == {"4:2:0": 3, "grey": 1}
    assert got.quality == {"exact": 4}
    assert got.size_bytes == sum(len(data) for data in files)
    assert list(got.as_json()["ijg_quality_luma"]) == ["10", "90"]
    assert got.as_json()["others"] == {".csv": 1}


def test_jpegs_with_a_header_but_an_error_count_as_both():
    data = encoded()
    cut = data[: data.index(b"\xff\xc0") + 30]
    got = summarise([scan(Item("x", BytesBlob(cut)))])
    assert (got.process, got.errors) == ({"baseline": 1}, {"truncated": 1})
