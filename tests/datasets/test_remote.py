import fsspec
import pytest
from fsspec.registry import known_implementations

from tests.datasets.pictures import picture
from unlossy.core.errors import MissingDependency, ReadError, UsageError
from unlossy.core.types import ClassTarget
from unlossy.datasets import open_dataset

JPEG = picture(0)


@pytest.fixture
def bucket():
    system = fsspec.filesystem("memory")
    system.pipe_file("/remote/cat/1.jpg", JPEG)
    system.pipe_file("/remote/dog/2.jpg", picture(2))
    system.pipe_file("/remote/dog/bare", picture(3))
    system.pipe_file("/remote/notes.txt", b"x")
    yield system
    system.rm("/remote", recursive=True)


def test_a_folder_behind_a_url_is_read_as_a_folder(bucket):
    dataset = open_dataset("memory://remote/")
    assert [item.key for item in dataset] == ["cat/1.jpg", "dog/2.jpg", "dog/bare"]
    assert [item.target for item in dataset] == [ClassTarget(0), ClassTarget(1), ClassTarget(1)]
    assert dataset.others == {".txt": 1}


def test_only_what_is_asked_for_is_fetched(bucket, monkeypatch):
    fetched = []
    system = type(bucket)
    real = system.cat_file

    def noted(self, path, start=None, end=None, **options):
        fetched.append((path, start, end))
        return real(self, path, start=start, end=end, **options)

    monkeypatch.setattr(system, "cat_file", noted)
    first = next(iter(open_dataset("memory://remote")))
    fetched.clear()
    assert first.blob.read(2, 10) == JPEG[2:12]
    assert fetched == [("/remote/cat/1.jpg", 2, 12)]


def test_a_pattern_and_a_file(bucket):
    assert [item.key for item in open_dataset("memory://remote/*/*.jpg")] == ["cat/1.jpg", "dog/2.jpg"]
    (item,) = open_dataset("memory://remote/cat/1.jpg")
    assert (item.key, item.blob.all()) == ("1.jpg", JPEG)


def test_a_file_that_goes_away_is_a_read_error(bucket):
    items = list(open_dataset("memory://remote"))
    bucket.rm("/remote/cat/1.jpg")
    for ask in (lambda: items[0].blob.all(), lambda: items[0].blob.read(0, 5), lambda: items[0].blob.size_bytes):
        with pytest.raises(ReadError, match="cannot read the file"):
            ask()


def test_nothing_behind_a_url_is_refused(bucket):
    for url in ("memory://nowhere", "memory://remote/*.png", "memory://remote/notes.txt"):
        with pytest.raises(UsageError, match=r"no image|neither an image"):
            open_dataset(url)
    with pytest.raises(UsageError, match="cannot open 'quux://x'"):
        open_dataset("quux://x")


def test_a_protocol_whose_package_is_missing_names_it(monkeypatch):
    told = {"class": "package_that_is_not_there.FileSystem", "err": "install it"}
    monkeypatch.setitem(known_implementations, "parcel", told)
    with pytest.raises(MissingDependency, match="pip install package_that_is_not_there"):
        open_dataset("parcel://x")
