"""The same images give the same rows, whatever they are wrapped in: but for key and container, every value is equal."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tests.datasets.wrappings import WRAPPINGS, Files, read_folder
from unlossy.audit.columns import plain
from unlossy.audit.scan import ScanOptions, scan_batches
from unlossy.datasets import open_dataset

ALL = ScanOptions(pixels=True, deep=True, sha256=True)
WRAPPED = sorted(set(WRAPPINGS) - {"folder"})
IMAGENET = Path(__file__).parents[2].parent / "shared" / "data" / "imagenet"


def rows(path: Path, options: ScanOptions = ALL) -> pa.Table:
    return pa.Table.from_batches(list(scan_batches(open_dataset(str(path), labelled=False), options)))


def compared(table: pa.Table, *without: str) -> dict[str, list]:
    """The columns that must be equal, decoded."""
    return {name: plain(table[name]).to_pylist() for name in table.column_names if name not in ("key", *without)}


def assert_equal_rows(wrapped: pa.Table, plain_files: pa.Table, *without: str) -> None:
    found, expected = compared(wrapped, "container", *without), compared(plain_files, "container", *without)
    assert {name for name in expected if found[name] != expected[name]} == set()


def drawn(number: int) -> Image.Image:
    """A picture of its own: size, mode and grain follow from the number."""
    rng = np.random.default_rng(number)
    width, height = 48 + 7 * (number % 9), 56 + 5 * (number % 7)
    y, x = np.mgrid[:height, :width]
    planes = [128 + 90 * np.sin(x / (5 + number % 11)), 128 + 90 * np.cos(y / (4 + number % 5)), (x * y) % 256]
    pixels = np.clip(np.stack(planes, 2) + rng.normal(0, 6, (height, width, 3)), 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).convert("L" if number % 5 == 4 else "RGB")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpegs() -> Files:
    """Forty-two JPEGs of many kinds; one is cut, one ends inside its headers, one has bytes behind its end."""
    made = {}
    for number in range(40):
        options = {"quality": 5 + 2 * number, "subsampling": number % 3, "progressive": number % 4 == 3}
        if number % 6 == 5:
            options["exif"] = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
        made[f"{'cat' if number % 2 else 'dog'}/{number:02}.jpg"] = saved(drawn(number), "JPEG", **options)
    whole = made["dog/08.jpg"]
    made |= {"cat/40.jpg": whole[:-150], "dog/41.jpg": whole + bytes(70)}
    return dict(sorted(made.items()))


def others() -> Files:
    """Formats beside JPEG, and bytes that are none; a PDF cannot carry these."""
    made = {f"cat/{n}.png": saved(drawn(n), "PNG") for n in range(8)}
    made |= {f"cat/{n}.webp": saved(drawn(n), "WEBP", lossless=n % 2 == 0) for n in range(8)}
    made |= {"dog/a.gif": saved(drawn(3), "GIF"), "dog/a.tif": saved(drawn(4), "TIFF")}
    return made | {"dog/broken.jpg": b"\xff\xd8\xff\x02" + bytes(50), "dog/header.jpg": jpegs()["cat/01.jpg"][:90]}


@pytest.fixture(scope="module")
def plain_rows(tmp_path_factory):
    return rows(WRAPPINGS["folder"](jpegs(), tmp_path_factory.mktemp("plain")))


@pytest.mark.parametrize("wrapping", WRAPPED)
def test_jpegs_give_equal_rows_in_any_wrapping(wrapping, plain_rows, tmp_path):
    if wrapping == "pdf":
        pytest.importorskip("pikepdf", reason="pikepdf, which reads PDFs, is not installed")
    found = rows(WRAPPINGS[wrapping](jpegs(), tmp_path))
    assert found.num_rows == plain_rows.num_rows == 42
    assert plain(plain_rows["container"]).null_count == 42
    assert set(plain(found["container"]).to_pylist()) == {wrapping.split()[0].split(".")[0]}
    assert len(set(plain(found["key"]).to_pylist())) == 42
    if wrapping == "pdf":  # whose pages have no folders
        assert_equal_rows(found, plain_rows, "groups")
    else:
        assert_equal_rows(found, plain_rows)
        assert found["key"] == plain_rows["key"]


@pytest.mark.parametrize("wrapping", ["tar", "tar.gz", "zip", "parquet"])
def test_other_formats_and_broken_files_give_equal_rows(wrapping, tmp_path):
    files = dict(sorted(others().items()))
    expected = rows(WRAPPINGS["folder"](files, tmp_path / "plain"))
    (tmp_path / "wrapped").mkdir()
    found = rows(WRAPPINGS[wrapping](files, tmp_path / "wrapped"))
    assert_equal_rows(found, expected)
    assert sum(kind is not None for kind in plain(found["error_kind"]).to_pylist()) == 2


def test_the_columns_that_were_compared_hold_evidence(plain_rows):
    held = compared(plain_rows)
    assert set(held["quality_exact"]) == {True}
    assert len(set(held["ijg_quality_luma"])) == 40
    assert (held["truncated"].count(True), held["trailing_bytes"].count(70)) == (1, 1)
    assert held["error_kind"].count("truncated") == 1
    assert sum(value is not None for value in held["blockiness"]) == 41
    assert len(set(held["sha256"])) == 42


@pytest.fixture(scope="module")
def photographs():
    files = read_folder(IMAGENET)
    return files, rows(IMAGENET, ScanOptions())


@pytest.mark.data
@pytest.mark.skipif(not IMAGENET.is_dir(), reason="the developers' data set is not beside the checkout")
@pytest.mark.parametrize("wrapping", ["tar", "tar.gz", "zip", "parquet", "pdf"])
def test_three_hundred_real_photographs_give_equal_rows(wrapping, photographs, tmp_path):
    """Headers alone: plain files go through the scan of many at once, members one by one."""
    if wrapping == "pdf":
        pytest.importorskip("pikepdf", reason="pikepdf, which reads PDFs, is not installed")
    files, expected = photographs
    found = rows(WRAPPINGS[wrapping](files, tmp_path), ScanOptions())
    assert found.num_rows == expected.num_rows == len(files) == 300
    assert_equal_rows(found, expected, *(["groups"] if wrapping == "pdf" else []))
