"""What a user put or changed where results go stays as it is, and is named; what a repair made is replaced."""

import json
import os

import pytest

from tests.repair.conftest import Negative, photo
from unlossy.repair import RepairPlan, run_repair
from unlossy.repair.manifest import Manifest

MINE = b"a file of the user's own"
THERE = "is there already and holds something else; it stays as it is. Move it away, or give another OUT"


@pytest.fixture
def folder(tmp_path):
    """in/a.jpg and in/b.jpg, repaired into out/."""
    (tmp_path / "in").mkdir()
    for seed, name in enumerate("ab"):
        photo(seed).save(tmp_path / "in" / f"{name}.jpg")
    repair(tmp_path)
    return tmp_path


def repair(here, corrector=None):
    result = run_repair(RepairPlan(here / "in", here / "out"), corrector or Negative())
    return {record.key: record for record in result.records}


def facts_of(path):
    """What differs where a file was written anew; not when it was last read."""
    facts = path.stat()
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


class Shaky(Negative):
    """The same corrector, by its digest, with other pixels."""

    def correct(self, batch):
        return [image // 2 for image in super().correct(batch)]


@pytest.mark.parametrize("output", ["dst", "dst/a.png", "dst/other.webp"])
def test_a_single_file_replaces_no_other(tmp_path, output):
    photo().save(tmp_path / "a.jpg")
    (tmp_path / "dst").mkdir()
    for name in ("a.png", "other.webp"):
        (tmp_path / "dst" / name).write_bytes(MINE)
    (record,) = run_repair(RepairPlan(tmp_path / "a.jpg", tmp_path / output), Negative()).records
    assert (record.action, record.error_kind) == ("failed", "refused")
    assert THERE in record.error_message
    assert {path.read_bytes() for path in (tmp_path / "dst").iterdir()} == {MINE}


@pytest.mark.parametrize("output", ["dst", "dst/a.png"])
def test_a_single_file_can_be_done_again(tmp_path, output):
    photo().save(tmp_path / "a.jpg")
    (tmp_path / "dst").mkdir()
    plan = RepairPlan(tmp_path / "a.jpg", tmp_path / output)
    first = run_repair(plan, Negative())
    facts = facts_of(tmp_path / "dst" / "a.png")
    assert run_repair(plan, Negative()).records == first.records
    assert facts_of(tmp_path / "dst" / "a.png") == facts
    (changed,) = run_repair(plan, Shaky()).records
    assert changed.error_kind == "refused"
    assert facts_of(tmp_path / "dst" / "a.png") == facts


@pytest.mark.parametrize("kind", ["link", "link to nothing", "folder", "pipe"])
def test_what_is_no_plain_file_is_not_replaced_either(tmp_path, kind):
    place = tmp_path / "dst" / "a.png"
    place.parent.mkdir()
    photo().save(tmp_path / "a.jpg")
    (tmp_path / "mine").write_bytes(MINE)
    {
        "link": lambda: place.symlink_to("../mine"),
        "link to nothing": lambda: place.symlink_to("nowhere"),
        "folder": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
    }[kind]()
    before = place.lstat()
    (record,) = run_repair(RepairPlan(tmp_path / "a.jpg", tmp_path / "dst"), Negative()).records
    assert record.error_kind == "refused"
    assert place.lstat().st_ino == before.st_ino
    assert (tmp_path / "mine").read_bytes() == MINE


def test_a_result_that_was_edited_stays(folder):
    (folder / "out" / "a.png").write_bytes(MINE)
    for _ in range(2):
        records = repair(folder)
        assert (records["a.jpg"].action, records["a.jpg"].error_kind) == ("failed", "refused")
        assert "a.png" in records["a.jpg"].error_message
        assert THERE in records["a.jpg"].error_message
        assert records["b.jpg"].action == "corrected"
        assert (folder / "out" / "a.png").read_bytes() == MINE
    (folder / "out" / "a.png").unlink()
    assert repair(folder)["a.jpg"].action == "corrected"


def test_a_result_edited_in_its_size_stays_when_the_source_changes(folder):
    data = (folder / "out" / "a.png").read_bytes()
    (folder / "out" / "a.png").write_bytes(bytes(len(data)))
    photo(9).save(folder / "in" / "a.jpg")
    assert repair(folder)["a.jpg"].error_kind == "refused"
    assert (folder / "out" / "a.png").read_bytes() == bytes(len(data))


def test_a_file_that_the_user_put_into_out_stays(folder):
    (folder / "out" / "new.png").write_bytes(MINE)
    photo(5).save(folder / "in" / "new.jpg")
    assert repair(folder)["new.jpg"].error_kind == "refused"
    assert (folder / "out" / "new.png").read_bytes() == MINE


def test_a_result_is_replaced_when_its_source_changes(folder):
    before = (folder / "out" / "a.png").read_bytes()
    photo(9).save(folder / "in" / "a.jpg")
    assert repair(folder)["a.jpg"].action == "corrected"
    assert (folder / "out" / "a.png").read_bytes() != before


def test_a_manifest_without_times_is_believed_by_size(folder):
    manifest = folder / "out" / ".unlossy" / "manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    newer = ("output_mtime_ns", "by_pixels")
    older = [{name: value for name, value in line.items() if name not in newer} for line in lines]
    manifest.write_text("".join(json.dumps(line) + "\n" for line in older))
    photo(9).save(folder / "in" / "a.jpg")
    assert {record.action for record in repair(folder).values()} == {"corrected"}


def test_what_was_made_of_a_source_that_breaks_stays_until_it_is_whole_again(folder):
    good, source = (folder / "out" / "a.png").read_bytes(), (folder / "in" / "a.jpg").read_bytes()
    (folder / "in" / "a.jpg").write_bytes(source[:-300])
    for _ in range(2):
        record = repair(folder)["a.jpg"]
        assert (record.error_kind, record.note) == ("truncated", "what an earlier run made of it stays: a.png")
        assert (folder / "out" / "a.png").read_bytes() == good
    photo(9).save(folder / "in" / "a.jpg", "PNG")  # a copy now, under another name
    assert repair(folder)["a.jpg"].output == "a.jpg"
    assert not (folder / "out" / "a.png").exists()


def test_an_edited_result_of_another_name_is_not_removed(folder):
    (folder / "out" / "a.png").write_bytes(MINE)
    photo(9).save(folder / "in" / "a.jpg", "PNG")
    assert repair(folder)["a.jpg"].output == "a.jpg"
    assert (folder / "out" / "a.png").read_bytes() == MINE


@pytest.mark.parametrize("output", ["../victim.txt", "deep/../../victim.txt", "ABSOLUTE", "link/victim.txt", 5])
def test_a_line_that_names_a_file_outside_removes_nothing(folder, output):
    victim = folder / "victim.txt"
    victim.write_bytes(MINE)
    (folder / "out" / "deep").mkdir()
    (folder / "out" / "link").symlink_to(folder)
    manifest = folder / "out" / ".unlossy" / "manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    facts = {"output_bytes": len(MINE), "output_mtime_ns": victim.stat().st_mtime_ns}
    lines[1] |= facts | {"output": str(victim) if output == "ABSOLUTE" else output}
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert {record.action for record in repair(folder).values()} == {"corrected"}
    assert victim.read_bytes() == MINE


def test_results_that_a_kill_left_out_of_the_manifest_are_ours(folder, monkeypatch):
    """The kill comes when the files have their names and the manifest has no line of them yet."""
    photo(5).save(folder / "in" / "c.jpg")

    def killed(self, records):
        raise KeyboardInterrupt

    monkeypatch.setattr(Manifest, "add", killed)
    with pytest.raises(KeyboardInterrupt):
        repair(folder, Shaky())
    monkeypatch.undo()
    before = (folder / "out" / "c.png").read_bytes()
    assert repair(folder)["c.jpg"].action == "corrected"
    assert (folder / "out" / "c.png").read_bytes() != before
    assert {path.name for path in (folder / "out" / ".unlossy").iterdir()} == {"manifest.jsonl", ".lock"}


def test_results_that_no_line_tells_of_are_taken_where_they_are_what_would_be_written(folder):
    manifest = folder / "out" / ".unlossy" / "manifest.jsonl"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text(lines[0])  # an earlier version was killed before it wrote the others
    facts = facts_of(folder / "out" / "a.png")
    assert {record.action for record in repair(folder).values()} == {"corrected"}
    assert facts_of(folder / "out" / "a.png") == facts
    assert repair(folder, again := Negative())["a.jpg"].action == "corrected"
    assert again.n_seen == 0
