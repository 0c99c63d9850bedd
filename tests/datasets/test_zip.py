import struct
import tracemalloc
import zipfile

import pytest

from tests.datasets.pictures import picture
from unlossy.core.errors import ReadError, RefusedError, TooLargeError
from unlossy.datasets import open_dataset
from unlossy.datasets.containers import zip as zip_module

JPEG = picture(0, size=(200, 200))


def packed(where, members, method=zipfile.ZIP_DEFLATED):
    path = where / "x.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def opened(path):
    dataset = open_dataset(str(path), labelled=False)
    return dataset, list(dataset)


def failure(path, index=0, kind=ReadError):
    _, items = opened(path)
    with pytest.raises(kind) as error:
        items[index].blob.read(0, 16)
    return str(error.value)


def patched(path, name, field, value):
    """The zip with one field of a member's directory entry changed; `field` is its offset and struct format."""
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2", 0, data.rindex(name))
    struct.pack_into(field[1], data, at + field[0], value)
    path.write_bytes(data)
    return path


FLAGS, METHOD, PACKED, SIZE, MODE, START = (8, "<H"), (10, "<H"), (20, "<L"), (24, "<L"), (38, "<L"), (42, "<L")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_are_kept_below_the_root_and_numbered(tmp_path):
    names = ["a/1.jpg", "../a/1.jpg", "/a/1.jpg", "C:\\a\\1.jpg", "a/1.jpg"]
    dataset, items = opened(packed(tmp_path, [(name, JPEG) for name in names] + [("readme.txt", b"x")]))
    assert [item.key for item in items] == ["a/1.jpg", "a/1.jpg#2", "a/1.jpg#3", "C:/a/1.jpg", "a/1.jpg#4"]
    assert items[0].groups == {"folder": "a", "class": "a"}
    assert dataset.others == {".txt": 1}


def test_a_bomb_is_refused_unread(tmp_path):
    path = packed(tmp_path, [("a.jpg", JPEG), ("zeros.bmp", bytes(80 << 20))])
    tracemalloc.start()
    assert "as a zip bomb does" in failure(path, 1, TooLargeError)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_a_member_that_holds_more_than_it_claims_is_stopped_there(tmp_path):
    path = patched(packed(tmp_path, [("zeros.bmp", bytes(80 << 20))]), b"zeros.bmp", SIZE, 1000)
    tracemalloc.start()
    assert "more than the 1000 bytes that it claims" in failure(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_member_that_holds_less_than_it_claims_or_other_bytes_is_damaged(tmp_path):
    path = packed(tmp_path, [("a.jpg", JPEG)])
    whole = path.read_bytes()
    assert "size or checksum" in failure(patched(path, b"a.jpg", SIZE, len(JPEG) + 1))
    path.write_bytes(whole)
    assert "size or checksum" in failure(patched(path, b"a.jpg", (16, "<L"), 12345))


def test_members_that_share_their_bytes_are_refused(tmp_path):
    path = packed(tmp_path, [("a.jpg", JPEG), ("b.jpg", JPEG)])
    assert "also another's" in failure(patched(path, b"b.jpg", START, 0), 0, RefusedError)
    assert "also another's" in failure(path, 1, RefusedError)
    path = packed(tmp_path, [("a.jpg", JPEG), ("b.jpg", JPEG)])
    assert "also another's" in failure(patched(path, b"a.jpg", PACKED, 2 * len(JPEG)), 0, RefusedError)


def test_what_cannot_be_unpacked_says_why_and_the_others_stand(tmp_path):
    path = packed(tmp_path, [("a.jpg", JPEG), ("b.jpg", JPEG)])
    whole = path.read_bytes()
    assert "encrypted" in failure(patched(path, b"a.jpg", FLAGS, 1))
    assert opened(path)[1][1].blob.all() == JPEG
    path.write_bytes(whole)
    assert "compression method 14" in failure(patched(path, b"a.jpg", METHOD, 14))
    path.write_bytes(whole)
    assert "not where the directory says" in failure(patched(path, b"b.jpg", START, 5), 1)
    damaged = bytearray(whole)
    damaged[100:200] = bytes(100)
    path.write_bytes(damaged)
    assert "damaged" in failure(path)


def test_links_are_counted_and_archives_inside_are_refused(tmp_path):
    inner = packed(tmp_path, [("deep.jpg", JPEG)]).read_bytes()
    path = packed(tmp_path, [("a.jpg", JPEG), ("link.jpg", b"/etc/passwd"), ("in.zip", inner), ("word.docx", inner)])
    dataset, items = opened(patched(path, b"link.jpg", MODE, 0o120777 << 16))
    assert [item.key for item in items] == ["a.jpg", "in.zip", "word.docx"]
    assert dataset.others == {"link in an archive": 1}
    assert "archive inside an archive" in failure(path, 2, RefusedError)


def test_a_directory_without_end_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_module, "MAX_DIRECTORY_BYTES", 1000)
    path = packed(tmp_path, [(f"{number}.jpg", b"x") for number in range(100)])
    assert "the zip's directory has" in failure(path, 0, TooLargeError)


def test_ranges_of_a_member_too_large_to_keep(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_module, "KEPT_BYTES", 1000)
    monkeypatch.setattr(zip_module, "CHUNK_BYTES", 777)
    _, (item,) = opened(packed(tmp_path, [("a.jpg", JPEG)]))
    for offset, size in ((0, 10), (770, 20), (5000, 3000), (len(JPEG) - 3, 99), (len(JPEG), 5)):
        assert item.blob.read(offset, size) == JPEG[offset : offset + size]
    assert item.blob.all() == JPEG


def test_an_empty_zip_says_that_it_is(tmp_path):
    dataset, (item,) = opened(packed(tmp_path, [("a.txt", b"x"), ("b.txt", b"x")]))
    assert (item.key, item.container, dataset.others) == ("x.zip", "zip", {".txt": 2})
    with pytest.raises(Exception, match=r"this zip holds no image file \(2 \.txt\)"):
        item.blob.all()
