import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import fsspec
import pyarrow as pa
import pytest
from fsspec.asyn import AsyncFileSystem
from fsspec.registry import known_implementations

from tests.datasets.pictures import picture
from unlossy.audit.scan import ScanOptions, scan_batches
from unlossy.audit.sources import open_sources
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


@pytest.mark.parametrize(
    ("lacking", "remedy"), [("aiohttp", r"pip install 'unlossy\[remote\]'"), ("not_there", "pip install not_there")]
)
def test_what_a_file_system_itself_lacks_is_named(tmp_path, monkeypatch, lacking, remedy):
    (tmp_path / f"files_with_{lacking}.py").write_text(f"import {lacking}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, lacking, None)
    monkeypatch.setitem(known_implementations, "parcel", {"class": f"files_with_{lacking}.Parcel", "err": "install"})
    with pytest.raises(MissingDependency, match=f"needs {lacking}, which is not installed. Run: {remedy}"):
        open_dataset("parcel://x")


@pytest.mark.parametrize("ask", ["isfile", "find", "glob"])
def test_a_file_system_that_cannot_be_reached_is_refused(bucket, monkeypatch, ask):
    class UnreachableError(Exception):
        """As the libraries behind file systems have them: of no usual kind."""

    def refuse(self, path, **options):
        raise UnreachableError("no route\nto the host")

    monkeypatch.setattr(type(bucket), ask, refuse)
    with pytest.raises(UsageError, match=r"cannot list .*no route\\nto the host; look whether"):
        open_dataset("memory://remote/*" if ask == "glob" else "memory://remote")


def test_a_folder_over_http_is_refused_without_asking():
    with pytest.raises(UsageError, match="is a folder, and over http no folder can be listed"):
        open_dataset("http://127.0.0.1:9/photos/")


class Forked(AsyncFileSystem):
    """Files in memory whose event loop is bound to its process, as those of http and of buckets are."""

    protocol = "forked"
    files: ClassVar = {"forked/a.jpg": JPEG, "forked/b.jpg": picture(1)}

    @classmethod
    def _strip_protocol(cls, path):
        return path.removeprefix("forked://")

    async def _info(self, path, **options):
        if path not in self.files:
            raise FileNotFoundError(path)
        return {"name": path, "size": len(self.files[path]), "type": "file"}

    async def _ls(self, path, detail=True, **options):
        return [await self._info(name) for name in self.files]

    async def _cat_file(self, path, start=None, end=None, **options):
        return self.files[path]  # as a server without ranges does


@pytest.fixture
def forked():
    fsspec.register_implementation("forked", Forked, clobber=True)
    return "forked://forked"


def test_a_server_without_ranges_gives_the_range_all_the_same(forked):
    (item,) = open_dataset("forked://forked/a.jpg")
    assert item.blob.read(5, 7) == JPEG[5:12]
    assert item.blob.read(len(JPEG) - 3, 100) == JPEG[-3:]


def test_several_processes_read_what_one_does(forked):
    one, two = (list(scan_batches(open_dataset(forked), ScanOptions(jobs=jobs))) for jobs in (1, 2))
    table = pa.Table.from_batches(two)
    assert table.equals(pa.Table.from_batches(one))
    assert table["error_message"].to_pylist() == [None, None]


def test_pictures_of_a_web_server(tmp_path):
    pytest.importorskip("aiohttp", reason="aiohttp, of unlossy[remote], is not installed")
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(picture(number))
    (tmp_path / "deep").mkdir()

    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        sources = open_sources([f"{url}/{number}.jpg" for number in range(3)])
        one, two = (pa.Table.from_batches(scan_batches(sources, ScanOptions(jobs=jobs))) for jobs in (1, 2))
        assert two.equals(one)
        assert one["error_kind"].null_count == 3
        with pytest.raises(UsageError, match="if it is a folder, over http no folder can be listed"):
            open_dataset(f"{url}/deep")
        with pytest.raises(UsageError, match="there is no file at"):
            open_dataset(f"{url}/gone.jpg")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
