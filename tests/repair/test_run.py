"""Whole folders: every file is corrected, copied or named with a reason; a stopped run goes on; sources stay."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.repair.conftest import Everything, Negative, photo, pixels, saved
from unlossy.core.errors import ModelError, RunError, UsageError
from unlossy.engines import LocalEngine
from unlossy.repair import RepairPlan, run_repair
from unlossy.repair.gate import PixelGate
from unlossy.repair.plan import open_work
from unlossy.repair.worker import RepairWorker
from unlossy.store import run_lock

WIDE = Image.fromarray((np.arange(1600, dtype=np.uint16) * 40).reshape(40, 40))


@pytest.fixture
def photos(tmp_path):
    """Forty pictures of several kinds in folders, of which the odd ones are JPEGs."""
    root = tmp_path / "photos"
    for seed in range(40):
        folder = root / f"class_{seed % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        photo(seed).save(folder / f"{seed:02d}{'.jpg' if seed % 2 else '.png'}", quality=40)
    return root


def tree(root):
    """Every file but our own books, by path, with its bytes."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(p.relative_to(root)): p.read_bytes() for p in files if ".unlossy" not in p.parts}


def test_jpegs_are_corrected_and_the_rest_copied_byte_for_byte(tmp_path, photos, negative):
    before, steps = tree(photos), []
    result = run_repair(
        RepairPlan(photos, tmp_path / "out"), negative, on_progress=lambda done, total: steps.append((done, total))
    )
    assert tree(photos) == before
    results = tree(tmp_path / "out")
    assert set(results) == {name.replace(".jpg", ".png") for name in before}
    for name, data in before.items():
        if name.endswith(".png"):
            assert results[name] == data
        else:
            expected = 255 - np.asarray(Image.open(photos / name))
            assert np.array_equal(pixels(results[name.replace(".jpg", ".png")]), expected)
    assert (len(result.of("corrected")), len(result.of("copied")), result.of("failed")) == (20, 20, ())
    assert [record.key for record in result.records] == sorted(before)
    assert steps[0] == (0, 40)
    assert steps[-1] == (40, 40)
    assert not list((tmp_path / "out" / ".unlossy" / "drafts").glob("*"))
    assert negative.n_seen == 40
    assert max(map(len, negative.batches)) > 1, "small pictures go through the network together"


@pytest.mark.parametrize("format_name", ["webp", "jpeg"])
def test_other_formats(tmp_path, photos, negative, format_name):
    run_repair(RepairPlan(photos, tmp_path / "out", format_name), negative)
    name = "01.webp" if format_name == "webp" else "01.jpg"
    with Image.open(tmp_path / "out" / "class_1" / name) as image:
        assert image.format == format_name.upper()
        expected = 255 - np.asarray(Image.open(photos / "class_1" / "01.jpg")).astype(int)
        difference = np.abs(np.asarray(image).astype(int) - expected)
        assert difference.max() == 0 if format_name == "webp" else difference.mean() < 4


def test_files_of_every_kind_have_their_record_and_the_good_ones_a_result(tmp_path, everything):
    root = tmp_path / "in"
    root.mkdir()
    jpeg = saved(photo(1, 200, 200), "JPEG", quality=80)
    files = {
        "text.jpg": (b"I am a text file", "decode"),
        "zero.png": (b"", "decode"),
        "half.jpg": (jpeg[: len(jpeg) // 2], "truncated"),
        "moving.gif": (saved(photo(), "GIF", save_all=True, append_images=[photo(1)]), "decode"),
        "moving.webp": (saved(photo(), "WEBP", save_all=True, append_images=[photo(1)]), "decode"),
        "wide.png": (saved(WIDE, "PNG"), None),
        "grey.jpg": (saved(photo().convert("L"), "JPEG"), None),
        "cmyk.jpg": (saved(photo().convert("CMYK"), "JPEG"), None),
        "alpha.png": (saved(photo().convert("RGBA"), "PNG"), None),
        "progressive.jpg": (saved(photo(), "JPEG", progressive=True), None),
        "palette.gif": (saved(photo(), "GIF"), None),
        "one.jpg": (saved(photo(0, 1, 1), "JPEG"), None),
        "long.jpg": (saved(photo(0, 20000, 3), "JPEG"), None),
        "tall.jpg": (saved(photo(0, 3, 20000), "JPEG"), None),
        "line\nbreak.jpg": (saved(photo(), "JPEG"), None),
        "\udcff.jpg": (saved(photo(), "JPEG"), None),
    }
    for name, (data, _) in files.items():
        (root / name).write_bytes(data)
    (root / "gone.jpg").symlink_to("nowhere.jpg")
    (root / "labels.csv").write_text("x")
    result = run_repair(RepairPlan(root, tmp_path / "out"), everything)
    kinds = {record.key: record.error_kind for record in result.records}
    assert kinds == {name: kind for name, (_, kind) in files.items()} | {"gone.jpg": "read"}
    assert result.others == {".csv": 1}
    for record in result.records:
        assert (record.output is None) == (record.error_kind is not None)
        if record.output is not None:
            size = Image.open(root / record.key).size
            assert Image.open(tmp_path / "out" / record.output).size == size
            assert (tmp_path / "out" / record.output).stat().st_size == record.output_bytes
    actions = {record.key: record.action for record in result.records if record.error_kind is None}
    assert {actions.pop(name) for name in ("wide.png", "palette.gif")} == {"copied"}
    assert set(actions.values()) == {"corrected"}
    assert Image.open(tmp_path / "out" / "grey.png").mode == "L"
    assert Image.open(tmp_path / "out" / "alpha.png").mode == "RGBA"
    json.dumps(result.to_json(), allow_nan=False)
    again = run_repair(RepairPlan(root, tmp_path / "out", partial=True), everything)
    assert {r.key for r in again.of("failed")} == set(kinds) - set(actions) - {"wide.png", "palette.gif", "half.jpg"}
    assert Image.open(tmp_path / "out" / "half.png").size == (200, 200)


def test_a_name_that_two_would_have(tmp_path, negative):
    root = tmp_path / "in"
    root.mkdir()
    for name in ("a.jpg", "a.png", "b.jpg", "b.jpeg"):
        photo(ord(name[0])).save(root / name)
    run_repair(RepairPlan(root, tmp_path / "out"), negative)
    assert set(tree(tmp_path / "out")) == {"a.jpg.png", "a.png", "b.jpg.png", "b.jpeg.png"}
    assert (tmp_path / "out" / "a.png").read_bytes() == (root / "a.png").read_bytes()


def test_a_finished_run_is_not_done_again_but_what_changed_is(tmp_path, photos, negative):
    plan = RepairPlan(photos, tmp_path / "out")
    first = run_repair(plan, negative)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*g")}
    second = run_repair(plan, again := Negative())
    assert again.n_seen == 0
    assert (second.records, second.n_earlier) == (first.records, 40)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    (tmp_path / "out" / "class_1" / "01.png").unlink()
    (tmp_path / "out" / "class_2" / "02.png").unlink()
    photo(99).save(photos / "class_0" / "03.jpg")
    photo(98).save(photos / "class_0" / "new.jpg")
    third = run_repair(plan, third_time := Negative())
    assert third_time.n_seen == 4
    assert (len(third.records), third.n_earlier) == (41, 37)
    run_repair(RepairPlan(photos, tmp_path / "anew"), Negative())
    assert tree(tmp_path / "out") == tree(tmp_path / "anew")


def test_no_earlier_result_stays_beside_the_new_one(tmp_path, negative):
    root, plan = tmp_path / "in", RepairPlan(tmp_path / "in", tmp_path / "out")
    root.mkdir()
    for name in ("becomes a copy.jpg", "breaks.jpg", "gets company.jpg", "stays.jpg"):
        photo().save(root / name)
    run_repair(plan, negative)
    photo().save(root / "becomes a copy.jpg", "PNG")  # without tables: the corrector leaves it
    (root / "breaks.jpg").write_text("no image")
    photo(5).save(root / "gets company.png")
    run_repair(plan, negative)
    results = tree(tmp_path / "out")
    assert set(results) == {
        "becomes a copy.jpg",
        "breaks.png",  # what was made of it while it was whole
        "gets company.jpg.png",
        "gets company.png",
        "stays.png",
    }
    assert results["gets company.png"] == (root / "gets company.png").read_bytes()


def test_another_corrector_or_format_in_out_is_refused(tmp_path, photos, negative):
    run_repair(RepairPlan(photos, tmp_path / "out"), negative)
    other = Negative()
    other.digest = "1" * 64
    with pytest.raises(UsageError, match=r"begun with other things .corrector was 'negative'"):
        run_repair(RepairPlan(photos, tmp_path / "out"), other)
    with pytest.raises(UsageError, match="format was 'png', is 'webp'"):
        run_repair(RepairPlan(photos, tmp_path / "out", "webp"), negative)


def test_an_out_in_use_is_refused(tmp_path, photos, negative):
    (tmp_path / "out" / ".unlossy").mkdir(parents=True)
    with run_lock(tmp_path / "out" / ".unlossy"), pytest.raises(RunError, match="in use by another process"):
        run_repair(RepairPlan(photos, tmp_path / "out"), negative)
    assert tree(tmp_path / "out") == {}


@pytest.mark.parametrize("text", ["I am no manifest\n", "[" * 100_000 + "\n"])
def test_a_foreign_manifest_is_refused(tmp_path, photos, negative, text):
    (tmp_path / "out" / ".unlossy").mkdir(parents=True)
    (tmp_path / "out" / ".unlossy" / "manifest.jsonl").write_text(text)
    with pytest.raises(UsageError, match="not a manifest"):
        run_repair(RepairPlan(photos, tmp_path / "out"), negative)


SLOW = """
import sys, time
from pathlib import Path
from tests.repair.conftest import Negative
from unlossy.engines import LocalEngine
from unlossy.repair import RepairPlan, run_repair

class Slow(Negative):
    def correct(self, batch):
        time.sleep(0.1)
        return super().correct(batch)

run_repair(RepairPlan(Path("photos"), Path("out")), Slow(), engine=LocalEngine(1))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_and_run_again_the_results_are_those_of_an_undisturbed_run(tmp_path, photos):
    checkout = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW], cwd=tmp_path, env=os.environ | {"PYTHONPATH": f"{checkout}:{checkout / 'src'}"}
    )
    manifest, deadline = tmp_path / "out" / ".unlossy" / "manifest.jsonl", time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None and n_lines(manifest) < 17:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it was killed at work, not after it"
    with manifest.open("ab") as stream:
        stream.write(b'{"key": "class_0/00.p')  # as if the kill had come while a line was written
    corrector = Negative()
    result = run_repair(RepairPlan(photos, tmp_path / "out"), corrector)
    assert 16 <= result.n_earlier < 40
    assert corrector.n_seen == 40 - result.n_earlier
    run_repair(RepairPlan(photos, tmp_path / "undisturbed"), Negative())
    assert tree(tmp_path / "out") == tree(tmp_path / "undisturbed")
    assert run_repair(RepairPlan(photos, tmp_path / "out"), Negative()).n_earlier == 40


def n_lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_full_disk_ends_the_run_and_it_goes_on_when_there_is_room(tmp_path, photos, negative, monkeypatch):
    whole = Path.write_bytes

    def full(path, data):
        if path.suffix == ".draft" and int(path.stem.partition("-")[2]) >= 20:
            whole(path, data[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError, match=r"No space left on device\. Free some space and run the same again"):
        run_repair(RepairPlan(photos, tmp_path / "out"), negative)
    for name, data in tree(tmp_path / "out").items():
        Image.open(tmp_path / "out" / name).load()  # whole, or not there
        assert len(data) > 10
    monkeypatch.undo()
    assert len(run_repair(RepairPlan(photos, tmp_path / "out"), Negative()).of("failed")) == 0


def test_a_thread_that_ends_gives_back_the_pixels_it_held(tmp_path, photos, negative, monkeypatch):
    """Otherwise the others would wait for them for ever."""
    jobs = open_work(RepairPlan(photos, tmp_path / "out")).jobs
    gate = PixelGate(40 * 48 * 64)
    worker = RepairWorker(negative, "png", tmp_path / "out", tmp_path, gate=gate)

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError):
        worker(jobs)
    assert gate.try_take(40 * 48 * 64)


class Picky(Everything):
    """Fails where a grey picture is in the batch."""

    def correct(self, batch):
        if any(picture.pixels_hwc.shape[2] == 1 for picture in batch):
            raise ValueError("no colours")
        return super().correct(batch)


def test_one_picture_that_the_corrector_fails_on_costs_no_other(tmp_path, photos):
    photo().convert("L").save(photos / "class_0" / "grey.jpg")
    result = run_repair(RepairPlan(photos, tmp_path / "out"), Picky())
    (failure,) = result.of("failed")
    assert (failure.key, failure.error_kind) == ("class_0/grey.jpg", "model")
    assert failure.error_message == "the corrector negative failed: ValueError: no colours"
    assert len(result.of("corrected")) == 40


class Refusing(Everything):
    def correct(self, batch):
        raise ModelError("answered with NaN")


def test_an_item_error_of_the_corrector_is_the_record_s(tmp_path, photos):
    result = run_repair(RepairPlan(photos, tmp_path / "out"), Refusing())
    assert {(r.error_kind, r.error_message) for r in result.records} == {("model", "answered with NaN")}
    assert tree(tmp_path / "out") == {}


def test_a_folder_of_out_that_is_a_link_elsewhere_is_not_followed(tmp_path, photos, negative):
    (tmp_path / "empty").mkdir()
    photo().save(tmp_path / "empty" / "a.png")
    run_repair(RepairPlan(tmp_path / "empty", tmp_path / "out"), negative)
    (tmp_path / "out" / "class_0").symlink_to(photos / "class_0")
    before = tree(photos)
    result = run_repair(RepairPlan(photos, tmp_path / "out"), negative)
    assert {r.key.split("/")[0] for r in result.of("failed")} == {"class_0"}
    assert "a link that leads out" in result.of("failed")[0].error_message
    assert tree(photos) == before


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_do_not_depend_on_the_number_of_workers(tmp_path, photos, workers):
    for root in ("one", "many"):
        engine = LocalEngine(1 if root == "one" else workers)
        run_repair(RepairPlan(photos, tmp_path / root), Negative(), engine=engine)
    assert tree(tmp_path / "one") == tree(tmp_path / "many")


def test_a_single_file(tmp_path, negative):
    source = tmp_path / "a.jpg"
    photo().save(source)
    result = run_repair(RepairPlan(source, tmp_path / "deep" / "b.png"), negative)
    assert [record.action for record in result.records] == ["corrected"]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "deep" / "b.png")), 255 - np.asarray(Image.open(source)))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["b.png"]


def test_a_single_file_that_needs_nothing_is_copied_or_converted_as_its_name_asks(tmp_path, negative):
    source = tmp_path / "a.png"
    photo().save(source)
    copied = run_repair(RepairPlan(source, tmp_path / "b.png"), negative)
    assert copied.records[0].action == "copied"
    assert (tmp_path / "b.png").read_bytes() == source.read_bytes()
    converted = run_repair(RepairPlan(source, tmp_path / "b.webp"), negative)
    assert converted.records[0].action == "converted"
    with Image.open(tmp_path / "b.webp") as image:
        assert image.format == "WEBP"
        assert np.array_equal(np.asarray(image), np.asarray(photo()))
    WIDE.save(tmp_path / "wide.png")
    (refused,) = run_repair(RepairPlan(tmp_path / "wide.png", tmp_path / "wide.webp"), negative).records
    assert "more than 8 bits" in refused.error_message


def test_the_shipped_corrector_repairs(tmp_path):
    """Against the clean picture: a JPEG of quality 10 comes out closer, a PNG as it was."""
    from unlossy.correctors.registry import open_corrector
    from unlossy.datasets import open_dataset
    from unlossy.metrics import psnr_db

    (scene,) = open_dataset("synthetic:1")
    clean = np.asarray(Image.open(io.BytesIO(scene.blob.all())).convert("RGB"))
    (tmp_path / "in").mkdir()
    for name, options in {"q10.jpg": {"quality": 10}, "lossless.png": {}}.items():
        Image.fromarray(clean).save(tmp_path / "in" / name, **options)
    result = run_repair(RepairPlan(tmp_path / "in", tmp_path / "out"), open_corrector("small"))
    assert {record.key: record.action for record in result.records} == {
        "q10.jpg": "corrected",
        "lossless.png": "copied",
    }
    before, after = (np.asarray(Image.open(tmp_path / name)) for name in ("in/q10.jpg", "out/q10.png"))
    assert psnr_db(after, clean) > psnr_db(before, clean) + 0.5
