import subprocess
import sys
import threading
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from unlossy.core import errors
from unlossy.core.blobs import BytesBlob, FileBlob
from unlossy.core.errors import MissingDependency, ReadError, UnlossyError
from unlossy.core.pixels import PILLOW_LIMIT, as_rgb, from_pil, large_pictures, to_pil
from unlossy.core.tools import digest_of, json_of, printable, require, version_of


def test_every_error_has_its_documented_exit_code():
    documented = {"UsageError": 2, "MissingDependency": 4, "MissingProgram": 4, "RunError": 5}
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, UnlossyError)]
    for error in classes:
        assert error.__name__ in errors.__doc__ or error is UnlossyError
        if issubclass(error, errors.ItemError):
            assert error.exit_code == 3
        elif error is not UnlossyError:
            assert error.exit_code == documented[error.__name__]


def test_item_errors_have_kinds_of_their_own():
    kinds = [error.kind for error in (errors.ItemError, *errors.ItemError.__subclasses__(), errors.TruncatedError)]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize("channels", [1, 3])
def test_pillow_and_back(channels):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    assert np.array_equal(from_pil(to_pil(image)), image)
    assert np.array_equal(to_pil(np.asfortranarray(image)), to_pil(image))


def test_grey_becomes_rgb_by_repetition():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    assert np.array_equal(as_rgb(image), np.dstack([image] * 3))


def test_one_bit_and_32_bit_images():
    bits = Image.fromarray(np.eye(4, dtype=bool))
    assert np.array_equal(from_pil(bits)[:, :, 0], np.eye(4) * 255)
    wide = Image.fromarray(np.array([[-5, 0, 257, 65535, 70000]], dtype=np.int32))
    assert from_pil(wide).ravel().tolist() == [0, 0, 1, 255, 255]


def test_pillows_limit_is_raised_only_within_however_many_threads_are(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5)
    inside, leave = threading.Event(), threading.Event()

    def other():
        with large_pictures():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with large_pictures():
        thread.start()
        inside.wait(10)
    assert Image.MAX_IMAGE_PIXELS == PILLOW_LIMIT
    leave.set()
    thread.join()
    assert Image.MAX_IMAGE_PIXELS == 5
    with suppress(KeyError), large_pictures():
        raise KeyError
    assert Image.MAX_IMAGE_PIXELS == 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("é ü 日本 🐕", "é ü 日本 🐕"),
        ("line\nbreak\t\x1b[31m", "line\\nbreak\\t\\x1b[31m"),
        (b"\xff.jpg".decode("utf-8", "surrogateescape"), "\\xff.jpg"),
        ("half \ud800 of a pair, \udc00", "half \\ud800 of a pair, \\udc00"),
        ("", ""),
    ],
)
def test_any_name_becomes_one_printable_line(text, shown):
    assert printable(text) == shown
    printable(text).encode("utf-8")


def test_digests_do_not_depend_on_order_but_on_content():
    assert digest_of({"a": 1, "b": [1.5, "é"]}) == digest_of({"b": [1.5, "é"], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    # echo -n '{"a":1}' | sha256sum
    assert digest_of({"a": 1}) == "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"


def test_a_missing_package_names_its_extra():
    with pytest.raises(MissingDependency, match=r"hf: needs no_such_package.*pip install 'unlossy\[hf\]'"):
        require("no_such_package.sub", "hf", "hf:")
    assert version_of("no-such-distribution") is None
    assert version_of("numpy") == np.__version__


def test_a_package_that_breaks_inside_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_inside.py").write_text("import surely_not_there")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="surely_not_there"):
        require("broken_inside", "hf", "hf:")


def test_blobs_agree_and_errors_rise_on_reading(tmp_path):
    data = bytes(range(256))
    (tmp_path / "file").write_bytes(data)
    for blob in (BytesBlob(data), FileBlob(tmp_path / "file")):
        assert blob.size_bytes == 256
        assert blob.all() == data
        assert blob.read(250, 100) == data[250:]
        assert blob.read(300, 1) == b""
    for read in (lambda blob: blob.size_bytes, lambda blob: blob.read(0, 1), lambda blob: blob.all()):
        with pytest.raises(ReadError, match="No such file"):
            read(FileBlob(tmp_path / "gone"))
    with pytest.raises(ReadError):
        FileBlob(tmp_path).all()


def test_python_dash_m_is_the_command_line():
    told = subprocess.run([sys.executable, "-m", "unlossy", "--version"], capture_output=True, text=True, check=False)
    assert told.stdout.startswith("unlossy ")


@pytest.mark.parametrize("text", ["", "no", b"\xff", "[" * 100_000])
def test_what_is_no_json_is_one_kind_of_error(text):
    with pytest.raises(ValueError, match=r"."):
        json_of(text)
    assert json_of('{"a": [1]}') == json_of(b'{"a": [1]}') == {"a": [1]}
