"""`audit_dataset` as a person calls it, and `unlossy audit --html`, on real files."""

import json
import re
import subprocess
import sys
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unlossy
from tests.report.made import make_run, simple_rows
from tests.report.made_audit import item_of, jpeg_bytes
from tests.report.test_page import Outline
from unlossy.audit.schema import SCHEMA_VERSION, schema
from unlossy.cli.main import run
from unlossy.core.errors import RunError, UsageError


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two classes of 12 images of qualities 90 and 30, one of them cut; a text beside them."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    for number in range(24):
        where = folder / "ab"[number % 2]
        where.mkdir(parents=True, exist_ok=True)
        data = jpeg_bytes(96, 64, quality=(90, 30)[number % 2], seed=number)
        (where / f"{number:02d}.jpg").write_bytes(data[:100] if number == 4 else data)
    (folder / "notes.txt").write_text("x")
    return folder


@pytest.fixture(scope="module")
def audit(photos):
    return unlossy.audit_dataset(str(photos))


def test_the_object_has_rows_summary_verdict_and_page(audit, tmp_path):
    assert audit.rows.schema == schema()
    assert audit.rows.num_rows == audit.summary.n_items == 24
    assert dict(audit.summary.others) == {".txt": 1}
    assert audit.summary.n_failed == 1
    path = audit.to_html(tmp_path / "page.html")
    assert path == tmp_path / "page.html"
    assert path.read_text("utf-8") == audit.to_html()
    page = Outline(path.read_text("utf-8"))
    assert page.count["img"] > 2 * 12
    assert audit.verdict.sentences[0] in page.words
    assert "files without a row .txt 1" in page.words
    assert repr(audit).startswith("<Audit of 24 images, 1 failed. ")
    assert len(repr(audit)) < 2000
    assert Outline(audit._repr_html_()).words.startswith("Audit: 24 images, 1 failed")


def test_sources_may_be_a_path_several_or_items(photos, audit):
    two = unlossy.audit_dataset([photos / "a", photos / "b"])
    items = list(unlossy.open_dataset(str(photos), labelled=False))
    given = unlossy.audit_dataset(items)
    assert audit.rows["ijg_quality_luma"].to_pylist() == two.rows["ijg_quality_luma"].to_pylist()
    assert audit.rows.equals(given.rows)
    assert given.to_html().count("<img") == audit.to_html().count("<img")
    with pytest.raises(UsageError, match="the list is empty"):
        unlossy.audit_dataset([])
    with pytest.raises(UsageError):
        unlossy.audit_dataset("no such folder")


def test_an_iterator_is_used_up_and_the_page_says_so():
    items = (item_of(f"{n}.jpg", jpeg_bytes(quality=50, seed=n)) for n in range(3))
    once = unlossy.audit_dataset(items)
    assert once.rows.num_rows == 3
    page = Outline(once.to_html())
    assert "img" not in page.count
    assert page.words.count("can be read only once") == 3


def test_pictures_of_an_archive_are_read_again(photos, audit, tmp_path):
    with tarfile.open(tmp_path / "photos.tar.gz", "w:gz") as archive:
        archive.add(photos, "photos")
    packed = unlossy.audit_dataset(tmp_path / "photos.tar.gz")
    assert packed.rows.num_rows == 24
    assert packed.to_html().count("<img") == audit.to_html().count("<img")


def test_options_reach_the_rows(photos):
    looked = unlossy.audit_dataset(photos, pixels=True, deep=True, sha256=True, jobs=2)
    rows = looked.rows.to_pylist()
    whole = [row for row in rows if row["error_kind"] is None]
    assert len(whole) == 23
    assert all(row["scans"] == 1 and len(row["sha256"]) == 64 and row["blockiness"] is not None for row in whole)
    assert "--pixels --deep --sha256" in Outline(looked.to_html()).words


def test_a_study_says_what_the_bands_cost(photos, tmp_path):
    """Made rows: half of the answers are wrong at quality 10, none at 50 and 90; at 30 it is half of that."""
    study = make_run(tmp_path / "run", simple_rows(40), n_items=40)
    costed = unlossy.audit_dataset(photos, study=study)
    by_name = {band.name: band for band in costed.verdict.bands}
    assert by_name["moderate"].cost.mean == pytest.approx(25)
    assert by_name["near-lossless"].cost.mean == pytest.approx(0)
    page = Outline(costed.to_html())
    assert "points of top-1 lost [95 %]" in page.words
    assert re.search(r"moderate 30 to 59 12 [\d.]+ % 25\.0 \[", page.words)


def test_a_policy_is_checked_on_the_rows(audit, tmp_path):
    (tmp_path / "policy.toml").write_text('name = "p"\n[[limit]]\nfield = "ijg_quality_luma"\nmin = 60\n')
    result = audit.check(tmp_path / "policy.toml")
    assert not result.passed
    assert len(result.offending) == 12
    page = Outline(audit.to_html(policies=[result]))
    assert "Policy broken: p (12 images)." in page.words
    assert "b/01.jpg" in page.words[page.words.index("Policies") :]


def test_a_limit_on_groups_that_nobody_has_is_broken_on_the_page_too(audit, tmp_path):
    text = 'name = "p"\n[[limit]]\nfield = "ijg_quality_luma"\nmin = 20\ngroup = "clas"\n'
    (tmp_path / "policy.toml").write_text(text)
    words = Outline(audit.to_html(policies=[audit.check(tmp_path / "policy.toml")])).words
    assert "Policy broken: p." in words
    assert "no image has groups of the kind 'clas'; there are class, folder" in words


def test_a_page_that_cannot_be_written_is_an_error(audit, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="Give another place"):
        audit.to_html(tmp_path / "file" / "page.html")


def test_the_command_writes_the_page(photos, tmp_path, capsys):
    page, rows = tmp_path / "page.html", tmp_path / "rows.parquet"
    code = run(["audit", str(photos), "--html", str(page), "-o", str(rows), "--json", "--fail-under", "60"])
    told = json.loads(capsys.readouterr().out)
    assert code == 1
    assert (told["html"], told["rows"]) == (str(page), str(rows))
    words = Outline(page.read_text("utf-8")).words
    assert "Policy broken: fail under 60 (12 images)." in words
    assert str(rows) in words
    assert run(["audit", str(photos), "--html", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_what_was_found_is_told_though_the_page_cannot_be_written(photos, tmp_path, capsys, monkeypatch):
    def full(text, path):
        raise RunError("cannot write the report: No space left on device. Give another place")

    monkeypatch.setattr("unlossy.report.audited.write_whole", full)
    arguments = ["audit", str(photos), "--html", str(tmp_path / "page.html"), "--fail-under", "60"]
    assert run(arguments) == 5
    out, err = capsys.readouterr()
    assert "policy fail under 60: FAILED" in out
    assert "page: " not in out
    assert "No space left" in err
    assert run([*arguments, "--json"]) == 5
    told = json.loads(capsys.readouterr().out)
    assert (told["html"], told["failed"], told["policies"][0]["passed"]) == (None, 1, False)


def test_rows_alone_make_a_page_too(photos, tmp_path, capsys):
    rows = tmp_path / "rows.parquet"
    assert run(["audit", str(photos), "-o", str(rows), "--json"]) == 3
    capsys.readouterr()
    assert run(["report", str(rows)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "rows.html")
    page = Outline((tmp_path / "rows.html").read_text("utf-8"))
    assert "What compression has done to these images" in page.words
    assert "this page was made from rows alone" in page.words
    assert "All 24 rows" in page.words


def test_what_holds_no_rows_is_refused(tmp_path, capsys):
    (tmp_path / "text.parquet").write_text("no")
    pq.write_table(pa.table({"key": ["a"]}), tmp_path / "other.parquet")
    marked = pa.table({"key": ["a"]}).replace_schema_metadata({"unlossy_audit_schema": SCHEMA_VERSION})
    pq.write_table(marked, tmp_path / "less.parquet")
    odd = schema().set(schema().get_field_index("width"), pa.field("width", pa.string()))
    pq.write_table(odd.empty_table(), tmp_path / "odd.parquet")
    for name, finding in (
        ("text", "cannot be read as Parquet"),
        ("odd", "columns of other types: width"),
        ("other", "does not hold the rows of an audit"),
        ("less", "lacks the columns groups, container"),
        ("absent", "cannot be read"),
    ):
        assert run(["report", str(tmp_path / f"{name}.parquet")]) == 2
        assert finding in capsys.readouterr().err
    assert run(["report", str(tmp_path / "a.parquet"), str(tmp_path / "b")]) == 2


def test_importing_the_front_door_stays_light():
    code = "import sys, unlossy; assert not {'numpy', 'pyarrow', 'PIL'} & set(sys.modules); unlossy.audit_dataset"
    subprocess.run([sys.executable, "-c", code], check=True)
