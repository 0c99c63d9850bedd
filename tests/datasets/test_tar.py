import gzip
import io
import json
import tarfile
import tracemalloc

import pytest

from tests.datasets.pictures import picture
from tests.datasets.wrappings import tar_writer
from unlossy.core.errors import ReadError, RefusedError, TooLargeError
from unlossy.core.types import ClassTarget
from unlossy.datasets import open_dataset
from unlossy.datasets.containers import tar

JPEG = picture(0)


def opened(path):
    dataset = open_dataset(str(path), labelled=False)
    return dataset, list(dataset)


def packed(where, *members, compression=""):
    """A tar of TarInfos (no data) and (name, data) pairs."""
    path = where / "x.tar"
    with tarfile.open(path, f"w:{compression}", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member[0])
            data = b"" if isinstance(member, tarfile.TarInfo) else member[1]
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize("compression", ["", "gz"])
def test_names_never_leave_the_root_and_equal_ones_are_numbered(tmp_path, compression):
    names = ["../../etc/x.jpg", "/etc/x.jpg", "./etc/x.jpg", "etc/x.jpg#2", "a\\..\\b.jpg", "..", "/"]
    path = packed(tmp_path, *((name, JPEG) for name in names), compression=compression)
    _, items = opened(path)
    assert [item.key for item in items] == [
        *("etc/x.jpg", "etc/x.jpg#2", "etc/x.jpg#3", "etc/x.jpg#2#2", "a/b.jpg"),
        *("unnamed", "unnamed#2"),
    ]
    assert {item.blob.all() for item in items} == {JPEG}
    assert sorted(tmp_path.iterdir()) == [path]


def test_links_and_devices_are_counted_and_never_followed(tmp_path):
    path = packed(
        tmp_path,
        ("a.jpg", JPEG),
        special("link.jpg", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard.jpg", tarfile.LNKTYPE, "a.jpg"),
        special("pipe.jpg", tarfile.FIFOTYPE),
        special("folder.jpg", tarfile.DIRTYPE),
        ("notes.TXT", b"text"),
    )
    dataset, items = opened(path)
    assert [item.key for item in items] == ["a.jpg"]
    assert dataset.others == {"link in an archive": 2, "special file in an archive": 1, ".txt": 1}


@pytest.mark.parametrize("compression", ["", "gz"])
def test_an_archive_in_an_archive_is_refused_with_a_row(tmp_path, compression):
    inner = packed(tmp_path, ("deep.jpg", JPEG)).read_bytes()
    path = packed(tmp_path, ("a.jpg", JPEG), ("in.tar", inner), ("bare", inner), ("b", JPEG), compression=compression)
    _, items = opened(path)
    assert [item.key for item in items] == ["a.jpg", "in.tar", "bare", "b"]
    for item in items[1:3]:
        with pytest.raises(RefusedError, match="archive inside an archive"):
            item.blob.read(0, 16)
    assert items[3].blob.all() == JPEG


def test_names_that_are_not_utf8_and_names_without_end(tmp_path):
    raw = b"\xff\xfe.jpg".decode("utf-8", "surrogateescape")
    _, items = opened(packed(tmp_path, (raw, JPEG), ("n" * 200_000 + ".jpg", JPEG)))
    assert items[0].key == "\\xff\\xfe.jpg"
    assert items[1].key == "n" * 4092 + ".jpg"


def test_webdataset_samples_carry_their_labels(tmp_path):
    files = {
        "s/0001.cls": b"7\n",
        "s/0001.jpg": JPEG,
        "s/0001.seg.png": picture(1, "PNG"),
        "s/0002.jpg": JPEG,
        "s/0002.json": json.dumps({"caption": "x", "label": 3}).encode(),
        "s/0003.jpg": JPEG,
        "s/0003.cls": b"tabby cat",
        "s/0004.jpg": JPEG,
        "s/0004.json": b"{broken",
        "s/0005.jpg": JPEG,
    }
    path = tar_writer("gz")(files, tmp_path)
    dataset, items = opened(path.rename(tmp_path / "imagenet-train-000001.tar.gz"))
    assert [(item.key, item.target, item.groups["class"]) for item in items] == [
        ("s/0001.jpg", ClassTarget(7), "7"),
        ("s/0001.seg.png", ClassTarget(7), "7"),
        ("s/0002.jpg", ClassTarget(3), "3"),
        ("s/0003.jpg", None, "tabby cat"),
        ("s/0004.jpg", None, "s"),
        ("s/0005.jpg", None, "s"),
    ]
    assert {item.groups["split"] for item in items} == {"train"}
    assert dataset.others == {".cls": 2, ".json": 2}


def test_a_sample_without_end_is_given_out_in_parts(tmp_path):
    _, items = opened(packed(tmp_path, *((f"same.{number}.jpg", JPEG) for number in range(50)), ("same.cls", b"5")))
    assert [item.key for item in items] == [f"same.{number}.jpg" for number in range(50)]


def failure(path, kind):
    _, items = opened(path)
    with pytest.raises(kind) as error:
        items[-1].blob.read(0, 16)
    return [item.key for item in items], str(error.value)


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_a_bomb_is_stopped_after_the_images_before_it(tmp_path, monkeypatch, compression):
    monkeypatch.setattr(tar, "BOMB_BYTES", 1 << 20)
    path = packed(tmp_path, ("a.jpg", JPEG), ("zeros.bin", bytes(24 << 20)), compression=compression)
    tracemalloc.start()
    keys, finding = failure(path, TooLargeError)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert keys == ["a.jpg", "x.tar"]
    assert "decompression bomb" in finding
    assert peak_bytes < 16 << 20  # of them 8 MiB for the dictionary of xz


def test_a_bomb_that_is_called_an_image_is_stopped_too(tmp_path, monkeypatch):
    monkeypatch.setattr(tar, "MAX_MEMBER_BYTES", 1 << 20)
    path = packed(tmp_path, ("a.jpg", bytes(2 << 20)), ("b.jpg", JPEG), compression="gz")
    _, items = opened(path)
    with pytest.raises(TooLargeError, match="2097152 bytes in a compressed tar"):
        items[0].blob.read(0, 16)
    assert [item.key for item in items] == ["a.jpg", "b.jpg"]
    assert items[1].blob.all() == JPEG


def test_a_gzip_of_zeros_holds_nothing(tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(bytes(8 << 20)))
    keys, finding = failure(tmp_path / "x.tar.gz", Exception)
    assert (keys, finding) == (["x.tar.gz"], "this tar holds no image file")


def test_a_header_that_claims_gigabytes_is_refused_before_it_is_read(tmp_path):
    info = special("PaxHeader", tarfile.XHDTYPE)
    info.size = 8 << 30
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(4 << 20))
    _, finding = failure(tmp_path / "x.tar", TooLargeError)
    assert "a header of 8589934592 bytes" in finding


def test_a_member_that_claims_more_than_there_is_ends_the_tar(tmp_path):
    info = tarfile.TarInfo("b.jpg")
    info.size = 1 << 40
    head = packed(tmp_path, ("a.jpg", JPEG)).read_bytes().rstrip(b"\0")
    data = head + bytes(-len(head) % 512) + info.tobuf(tarfile.GNU_FORMAT) + JPEG
    (tmp_path / "x.tar").write_bytes(data)
    keys, finding = failure(tmp_path / "x.tar", ReadError)
    assert keys == ["a.jpg", "x.tar"]
    assert "ends inside its member 'b.jpg'" in finding


def test_damage_between_members_is_said(tmp_path):
    data = bytearray(packed(tmp_path, ("a.jpg", JPEG), ("b.jpg", JPEG)).read_bytes())
    second = data.index(b"b.jpg")
    data[second : second + 512] = b"?" * 512
    (tmp_path / "x.tar").write_bytes(data)
    keys, finding = failure(tmp_path / "x.tar", ReadError)
    assert keys == ["a.jpg", "x.tar"]
    assert f"no member's header at byte {second}" in finding
    (tmp_path / "x.tar").write_bytes(data[:second])
    assert "without its end marker" in failure(tmp_path / "x.tar", ReadError)[1]


def test_memory_does_not_grow_with_the_members(tmp_path):
    def peak_bytes(n_members):
        path = packed(tmp_path, *((f"{number:05d}.jpg", JPEG) for number in range(n_members)))
        tracemalloc.start()
        assert sum(1 for _ in open_dataset(str(path))) == n_members
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(10)  # imports and caches
    assert peak_bytes(400) - peak_bytes(100) < 100_000  # tarfile alone keeps 1.5 KB a member
