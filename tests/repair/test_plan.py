"""Never in place, by whatever road; and nothing that others put there is overwritten."""

import errno
import os
from pathlib import Path

import pytest

from tests.repair.conftest import Negative, photo
from unlossy.core.errors import UsageError
from unlossy.repair import RepairPlan, run_repair
from unlossy.repair.plan import open_work


@pytest.fixture
def here(tmp_path, monkeypatch):
    """photos/a.jpg, photos/deep/b.jpg, one.jpg; links to them; notes/readme.txt; and bare/, which has no manifest."""
    (tmp_path / "photos" / "deep").mkdir(parents=True)
    for name in ("photos/a.jpg", "photos/deep/b.jpg", "one.jpg"):
        photo().save(tmp_path / name)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("x")
    (tmp_path / "bare" / ".unlossy").mkdir(parents=True)
    (tmp_path / "bare" / "mine.txt").write_text("x")
    (tmp_path / "link").symlink_to("photos")
    (tmp_path / "also one.png").symlink_to("one.jpg")
    os.link(tmp_path / "one.jpg", tmp_path / "hard.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def facts(folder):
    """All that `stat` says of each file but when it was last read: to look at a folder may change that."""
    stats = {path: path.stat() for path in folder.rglob("*")}
    names = [name for name in dir(os.stat_result) if name.startswith("st_") and "atime" not in name]
    return {path: [getattr(stat, name) for name in names] for path, stat in stats.items()}


@pytest.mark.parametrize(
    ("source", "output", "finding"),
    [
        ("photos", "photos", "itself"),
        ("photos", "./photos/../photos", "itself"),
        ("photos", "link", "itself"),
        ("link", "photos", "itself"),
        ("photos", "photos/out", "lies inside"),
        ("photos", "link/out/further", "lies inside"),
        ("photos/deep", "photos", "holds"),
        ("photos", ".", "holds"),
        ("one.jpg", "one.jpg", "itself"),
        ("one.jpg", "also one.png", "itself"),
        ("one.jpg", "hard.jpg", "itself"),
        ("one.jpg", ".", "itself"),
        ("photos", "notes", "holds other files already"),
        ("photos", "bare", "holds other files already .mine.txt for one., and no manifest of an earlier run"),
        ("photos", "one.jpg", "is a file"),
        ("notes", "out", "no image"),
        ("nowhere", "out", "no file or folder"),
        ("one.jpg", "out.gif", "must end in one of .png"),
        ("one.jpg", "out", "must end in one of .png"),
        ("one.jpg", 300 * "o" + ".png", "cannot look at '.*ooo.png': File name too long; give another path"),
        (300 * "i" + ".jpg", "out", "cannot look at '.*iii.jpg': File name too long; give another path"),
    ],
)
def test_what_cannot_be_is_refused(here, source, output, finding):
    before = facts(here)
    with pytest.raises(UsageError, match=finding):
        open_work(RepairPlan(here / source, here / output))
    assert facts(here) == before


def test_a_format_against_the_suffix_is_refused(here):
    with pytest.raises(UsageError, match=r"out.png' must end in one of \.webp"):
        open_work(RepairPlan(here / "one.jpg", here / "out.png", "webp"))
    with pytest.raises(UsageError, match="no output format 'gif'; there are: png, webp, jpeg"):
        RepairPlan(here / "one.jpg", here / "out.gif", "gif")


def test_a_folder_that_may_not_be_entered_is_told(here, monkeypatch):
    def denied(path, **_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", denied)
    with pytest.raises(UsageError, match=r"cannot look at '.*one.jpg': Permission denied; give another path"):
        open_work(RepairPlan(here / "one.jpg", here / "out.png"))


def test_a_folder_that_a_kill_left_without_a_manifest_is_as_good_as_new(here):
    (here / "bare" / "mine.txt").unlink()
    assert len(open_work(RepairPlan(here / "photos", here / "bare")).jobs) == 2


def test_a_source_that_is_a_link_into_out_is_refused(here):
    (here / "out" / ".unlossy").mkdir(parents=True)
    (here / "out" / ".unlossy" / "manifest.jsonl").write_text("{}\n")
    photo().save(here / "out" / "c.png")
    (here / "photos" / "c.png").symlink_to(here / "out" / "c.png")
    with pytest.raises(UsageError, match="a source may not be a result"):
        open_work(RepairPlan(here / "photos", here / "out"))


def test_the_work_of_a_folder(here):
    (here / "photos" / "readme.txt").write_text("x")
    work = open_work(RepairPlan(here / "photos", here / "out"))
    assert [(job.key, job.copied, job.corrected) for job in work.jobs] == [
        ("a.jpg", here / "out" / "a.jpg", here / "out" / "a.png"),
        ("deep/b.jpg", here / "out" / "deep" / "b.jpg", here / "out" / "deep" / "b.png"),
    ]
    assert work.others == {".txt": 1}
    assert work.format == "png"


def test_a_folder_that_cannot_be_listed_is_a_failure_and_not_forgotten(here, monkeypatch):
    scandir = os.scandir

    def locked(path):
        if str(path).endswith("deep"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    work = open_work(RepairPlan(here / "photos", here / "out"))
    assert [job.key for job in work.jobs] == ["a.jpg"]
    (lost,) = work.lost
    assert (lost.key, lost.action, lost.error_kind, lost.output) == ("deep", "failed", "read", None)
    assert "Permission denied" in lost.error_message
    result = run_repair(RepairPlan(here / "photos", here / "out"), Negative())
    assert [(record.key, record.action) for record in result.records] == [("a.jpg", "corrected"), ("deep", "failed")]
    assert '"deep"' in (here / "out" / ".unlossy" / "manifest.jsonl").read_text()


def test_an_out_file_tells_the_format(here):
    assert open_work(RepairPlan(here / "one.jpg", here / "x.webp")).format == "webp"
    assert open_work(RepairPlan(here / "one.jpg", here / "x.JPG")).format == "jpeg"
    (job,) = open_work(RepairPlan(here / "one.jpg", here / "notes", "webp")).jobs
    assert (job.copied, job.corrected) == (here / "notes" / "one.jpg", here / "notes" / "one.webp")
