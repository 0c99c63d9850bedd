"""Hostile input ends in rows: every file its row or rows, nothing hangs, nothing takes much memory, nothing stops."""

import io
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.audit import hostile
from tests.datasets.wrappings import WRAPPINGS
from tests.jpeg.test_fuzz import mutated
from unlossy.audit.scan import ScanOptions, examine, scan_batches
from unlossy.core.blobs import BytesBlob
from unlossy.core.types import Item
from unlossy.datasets import open_dataset
from unlossy.datasets.containers.opened import Place, open_container
from unlossy.datasets.containers.registry import container_by_name

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
ROBUST = Path(__file__).parents[2].parent / "shared" / "data" / "robust"
BASE_MB = 200
"""What Python, numpy and pyarrow take without any file."""
ALLOWED_MB = 200


@dataclass
class Audited:
    """What one run of the command left behind."""

    exit_code: int
    rows: list[dict]
    told: dict
    peak_mb: float

    def row(self, key: str) -> dict:
        (found,) = (row for row in self.rows if row["key"] == key)
        return found

    def errors(self) -> dict[str, str]:
        return {row["key"]: row["error_kind"] for row in self.rows if row["error_kind"]}


MEASURED = """
import sys
from unlossy.cli.main import run
code = run(sys.argv[2:])
# not getrusage: its peak holds the parent's memory, from before the new program began
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
open(sys.argv[1], "w").write(peak)
sys.exit(code)
"""


def audited(folder: Path, *options: str) -> Audited:
    """The command in a process of its own, within two minutes."""
    where = folder.parent
    out, rows = where / "told.json", where / "rows.parquet"
    command = [sys.executable, "-c", MEASURED, str(where / "peak"), "audit", str(folder), "--json", "-o", str(rows)]
    command += options
    opened = (os.POSIX_SPAWN_OPEN, 1, str(out), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=[opened])
    deadline = time.monotonic() + 120
    while not (ended := os.wait4(process, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            os.kill(process, 9)
            os.waitpid(process, 0)
            pytest.fail("the audit did not end within two minutes")
        time.sleep(0.05)
    found = pq.read_table(rows).to_pylist()
    peak_mb = int((where / "peak").read_text()) / 1024
    return Audited(os.waitstatus_to_exitcode(ended[1]), found, json.loads(out.read_text()), peak_mb)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return hostile.write_all(tmp_path_factory.mktemp("hostile") / "root")


@pytest.fixture(scope="module")
def run(folder):
    return audited(folder, "--pixels", "--deep", "--sha256")


ERRORS = {
    "bomb.tar.gz": "too_large",
    "bomb.tar.gz/x.jpg": "too_large",
    "bomb.zip/x.jpg": "too_large",
    "claims.jpg": "too_large",
    "cut.tar": "read",
    "empty.jpg": "decode",
    "endless.jpg": "decode",
    "gone.jpg": "read",
    "lies.zip/x.jpg": "read",
    "nested.zip/inner.zip": "refused",
    "no.parquet": "read",
    "no.tar": "read",
    "no.zip": "read",
    "none.tar": "read",
    "odd.tar/inner.tar": "refused",
    "out.jpg": "refused",
    "round.jpg": "read",
    "round2.jpg": "read",
    "segments.jpg": "truncated",
    "zeros.jpg": "decode",
}
GOOD = [
    *("good.jpg", "caf\\xe9.jpg", "line\\nbreak\\x1b[31m.jpg", "folder.jpg/inner.jpg", "cut.tar/up.jpg"),
    *("nested.zip/up.jpg", "odd.tar/up.jpg", "odd.tar/etc/absolute.jpg", "odd.tar/same.jpg", "odd.tar/same.jpg#2"),
    "odd.tar/caf\\xe9.jpg",
]


def test_each_hostile_file_has_its_rows_and_reasons(run):
    errors = run.errors()
    assert errors.pop("no.pdf") == "read"  # damaged, or no pikepdf to read it with
    assert errors == ERRORS
    assert sorted(row["key"] for row in run.rows) == sorted([*ERRORS, *GOOD, "no.pdf"])
    assert all(row["error_message"] and row["error_message"].isprintable() for row in run.rows if row["error_kind"])
    assert all(run.row(key)["ijg_quality_luma"] == 50 for key in GOOD)
    assert (run.exit_code, run.told["failed"]) == (3, len(ERRORS) + 1)


def test_pipes_sockets_devices_and_links_to_folders_are_counted_and_never_opened(run):
    assert run.told["others"] == {"special file": 4, "link in an archive": 1, "link to a folder": 1}


def test_headers_stay_known_where_pixels_are_refused(run):
    claims, good = run.row("claims.jpg"), run.row("good.jpg")
    assert (claims["width"], claims["height"]) == (65_535, 65_535)
    assert (claims["ijg_quality_luma"], claims["blockiness"]) == (50, None)
    assert "megapixels" in claims["error_message"]
    assert None not in (good["blockiness"], good["clipped_share"], good["scans"], good["sha256"])


def test_claims_and_bombs_take_little_memory(run):
    assert run.peak_mb < BASE_MB + ALLOWED_MB


def test_a_file_without_permission_is_a_row(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    (tmp_path / "secret.jpg").write_bytes(hostile.JPEG)
    (tmp_path / "secret.jpg").chmod(0)
    (row,) = rows_of(tmp_path)
    assert row["error_kind"] == "read"


def test_a_pdf_stream_without_measure_is_refused_and_the_next_page_read(tmp_path):
    pytest.importorskip("pikepdf", reason="pikepdf, which reads PDFs, is not installed")
    hostile.write_pdf_bomb(tmp_path / "bomb.pdf")
    bomb, good = rows_of(tmp_path)
    assert (bomb["error_kind"], good["error_kind"], good["ijg_quality_luma"]) == ("too_large", None, 50)


def other_seeds() -> list[bytes]:
    """Small files of the formats beside JPEG."""
    found = []
    for kind in ("PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM"):
        buffer = io.BytesIO()
        Image.effect_noise((12, 9), 50).convert("RGB").save(buffer, kind)
        found.append(buffer.getvalue())
    return found


@given(
    seed=st.sampled_from(other_seeds()),
    edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2), st.binary(max_size=6)), max_size=6),
    end=st.integers(0, 3000),
)
@settings(max_examples=300, deadline=1000, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_mutated_images_of_other_formats_give_a_row(seed, edits, end):
    """And nothing rises, with pixels as well."""
    data = mutated(seed, edits)[: end or None]
    row = examine(Item("x", BytesBlob(data)), ScanOptions(pixels=True, deep=True)).row
    assert (row.error_kind is None) == (row.clipped_share is not None)
    assert row.size_bytes == len(data)


@given(
    kind=st.sampled_from(["tar", "tar.gz", "zip", "parquet", "pdf"]),
    edits=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 2), st.binary(max_size=6)), max_size=6),
    end=st.integers(0, 6000),
)
@settings(max_examples=60, deadline=5000, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
def test_mutated_containers_give_rows(kind, edits, end):
    """At least one each: the images, or what is wrong."""
    data = mutated(wrapped(kind), edits)[: end or None]
    items = list(open_container(container_by_name(f"x.{kind}"), BytesBlob(data), Place("x", "x/", {}), Counter()))
    assert items
    for item in items:
        assert examine(item).row.key.startswith("x")


@cache
def wrapped(kind: str) -> bytes:
    if kind == "pdf":
        pytest.importorskip("pikepdf", reason="pikepdf, which reads PDFs, is not installed")
    with tempfile.TemporaryDirectory() as where:
        return WRAPPINGS[kind]({f"{n}.jpg": hostile.JPEG for n in range(3)}, Path(where)).read_bytes()


def rows_of(folder: Path, *, pixels: bool = False, deep: bool = False) -> list[dict]:
    batches = list(scan_batches(open_dataset(str(folder), labelled=False), ScanOptions(pixels=pixels, deep=deep)))
    return pa.Table.from_batches(batches).to_pylist()


@pytest.mark.data
@pytest.mark.skipif(not ROBUST.is_dir(), reason="the developers' data set is not beside the checkout")
def test_every_file_of_the_robust_set_gives_its_rows():
    found = rows_of(ROBUST, pixels=True, deep=True)
    keys = [row["key"] for row in found]
    jpegs = sorted(f"jpeg/{path.name}" for path in (ROBUST / "jpeg").iterdir())
    assert [key for key in keys if key.startswith("jpeg/")] == jpegs
    assert len(jpegs) == 781
    pdfs = sorted(f"pdf/{path.name}" for path in (ROBUST / "pdf").glob("*.pdf"))
    assert len(pdfs) == 22
    assert sorted({key.partition("#")[0] for key in keys if key.startswith("pdf/")}) == pdfs
    assert len(set(keys)) == len(keys)
    for row in found:
        assert row["error_kind"] is not None or row["clipped_share"] is not None, row["key"]
        assert (row["error_kind"] is None) == (row["error_message"] is None)
