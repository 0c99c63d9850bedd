"""Mitigations in a study: the same items, the same bytes, with a corrector before the model and without."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from unlossy.cli.main import run
from unlossy.cli.table import print_study
from unlossy.codecs import decode_source
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import ModelError, UsageError
from unlossy.correctors.registry import CORRECTORS
from unlossy.engines import LocalEngine
from unlossy.jpeg import read_header
from unlossy.metrics.recovered import recovered_share
from unlossy.metrics.stats import draws
from unlossy.store import RowStore
from unlossy.study import StudyPlan, run_study, summarise_run

BLUR = "correct=blur"


class Blur:
    """Averages each pixel with its neighbour: changes the model's answer in a way that a loop by hand can repeat."""

    name, digest, libraries = "blur", "b" * 64, ("Pillow",)

    def __init__(self):
        self.given = []

    def touches(self, picture):
        return True

    def correct(self, batch):
        self.given += batch
        return [blurred(picture.pixels_hwc) for picture in batch]


def blurred(image_hwc):
    return ((image_hwc.astype(int) + np.roll(image_hwc, 1, axis=1)) // 2).astype(np.uint8)


class Failing(Blur):
    """Fails on batches that hold a small picture."""

    def correct(self, batch):
        if any(picture.pixels_hwc.shape[0] < 40 for picture in batch):
            raise RuntimeError("too small to repair")
        return super().correct(batch)


@pytest.fixture
def blur(monkeypatch):
    corrector = Blur()
    monkeypatch.setattr("unlossy.study.mitigation.open_corrector", lambda spec, choices: corrector)
    return corrector


def rows_of(folder):
    with RowStore(folder / "rows.sqlite") as store:
        return [replace(row, elapsed_s=0.0) for row in store.rows()]


def plan_of(model, photos, codecs=("jpeg:5,30",), mitigations=("none", BLUR), **more):
    return StudyPlan(model=model, data=str(photos), codecs=codecs, mitigations=mitigations, **more)


def test_the_numbers_are_those_of_a_loop_written_by_hand(tmp_path, photos, model, blur):
    result = run_study(plan_of(model, photos, ("jpeg:5,30", "webp:20")), tmp_path / "run")
    from quadrants import classify

    def right(repair, format_name, **options):
        answers = []
        for path in sorted(photos.rglob("*.png")):
            buffer = io.BytesIO()
            Image.open(path).save(buffer, format_name, **options)
            image = np.asarray(Image.open(buffer).convert("RGB"))
            answer = classify([blurred(image) if repair else image]).argmax()
            answers.append(int(answer) == int(path.parent.name[-1]))
        return np.array(answers, float)

    clean = right(False, "PNG")
    assert result.clean["top1"] == clean.mean()
    assert result.clean_mitigated[BLUR]["top1"] == right(True, "PNG").mean()
    expected = [
        ("jpeg:5", "JPEG", {"quality": 5}),
        ("jpeg:30", "JPEG", {"quality": 30}),
        ("webp:20", "WEBP", {"quality": 20}),
    ]
    assert [(c.codec, c.mitigation) for c in result.cells] == [(e[0], m) for e in expected for m in ("none", BLUR)]
    for none_cell, cell, (_, name, options) in zip(result.cells[::2], result.cells[1::2], expected, strict=True):
        none, mitigated = right(False, name, **options), right(True, name, **options)
        assert (none_cell.metrics["top1"], cell.metrics["top1"]) == (none.mean(), mitigated.mean())
        assert cell.difference["top1"].mean == pytest.approx(mitigated.mean() - clean.mean())
        assert cell.versus_none["top1"].mean == pytest.approx(mitigated.mean() - none.mean())
        assert cell.versus_none["top1"].low <= cell.versus_none["top1"].mean <= cell.versus_none["top1"].high
        lost = clean.mean() - none.mean()
        if lost > 0:
            assert cell.recovered["top1"].mean == pytest.approx((mitigated.mean() - none.mean()) / lost)
        else:
            assert cell.recovered["top1"] is None
        assert (cell.rate_bpp, cell.n) == (none_cell.rate_bpp, 40)
    assert any(none.metrics != blur.metrics for none, blur in zip(result.cells[::2], result.cells[1::2], strict=True))


def test_the_corrector_gets_what_the_bytes_just_made_tell(tmp_path, photos, model, blur):
    """Hints are those of the compressed file, of the source where that is a JPEG, and none elsewhere."""
    source = Image.open(photos / "class_0" / "00.png")
    for path in photos.rglob("*.png"):
        path.unlink()
    source.save(photos / "class_0" / "a.jpg", quality=88)
    source.save(photos / "class_0" / "b.png")
    run_study(plan_of(model, photos, ("jpeg[444]:30", "webp:20", "webp:20+jpeg:10")), tmp_path / "run")
    told = [None if p.hints is None else (p.hints.table_luma[0, 0], p.hints.sampling_hv) for p in blur.given]
    a88, q30, q10 = (4, (2, 2)), (27, (1, 1)), (80, (2, 2))
    assert told == [a88, None, q30, q30, None, None, q10, q10]
    data = (photos / "class_0" / "a.jpg").read_bytes()
    assert np.array_equal(blur.given[0].pixels_hwc, decode_source(data))
    assert np.array_equal(blur.given[0].hints.table_chroma, read_header(BytesBlob(data)).hints().table_chroma)


def test_small_pictures_are_corrected_together_and_large_ones_alone(tmp_path, photos, model, monkeypatch):
    sizes = []

    class Noting(Blur):
        def correct(self, batch):
            sizes.append(len(batch))
            return super().correct(batch)

    monkeypatch.setattr("unlossy.study.mitigation.open_corrector", lambda spec, choices: Noting())
    run_study(plan_of(model, photos), tmp_path / "run")
    assert sorted(sizes) == [8] * 3 + [16] * 6  # clean and two qualities, over chunks of 16, 16 and 8
    sizes.clear()
    monkeypatch.setattr("unlossy.study.worker.MAX_TOGETHER_PX", 40 * 40 * 5)
    run_study(plan_of(model, photos), tmp_path / "bounded")
    assert max(sizes) == 5
    assert sum(sizes) == 120
    for ours, theirs in zip(rows_of(tmp_path / "run"), rows_of(tmp_path / "bounded"), strict=True):
        assert ours == theirs


def test_a_corrector_gets_one_thread_for_itself(tmp_path, photos, model, monkeypatch):
    asked = []
    monkeypatch.setattr("unlossy.study.mitigation.open_corrector", lambda *how: asked.append(how) or Blur())
    run_study(plan_of(model, photos, limit=4), tmp_path / "run")
    assert [(spec, choices.threads) for spec, choices in asked] == [("blur", 1)]


def test_without_mitigation_nothing_changed(tmp_path, photos, model, blur):
    """Hash, provenance, rows and JSON of a plan with none alone are as they were before there was anything else."""
    plan = StudyPlan(model="onnx:a.onnx", data="photos", codecs=("jpeg:30",))
    assert plan.mitigations == ("none",)
    assert plan.hash == "3788259ad2e048bbc30ed6c3d643ecd71b02322bd20fb0e30b912f4184d42f6a"
    alone = run_study(plan_of(model, photos, mitigations=("none",)), tmp_path / "alone")
    run_study(plan_of(model, photos), tmp_path / "both")
    key = {row.provenance for row in rows_of(tmp_path / "alone")}
    without = [replace(row, provenance="") for row in rows_of(tmp_path / "both") if row.mitigation == "none"]
    assert without == [replace(row, provenance="") for row in rows_of(tmp_path / "alone")]
    assert len(key) == 1
    told = json.loads((tmp_path / "alone" / "made_by.json").read_text())
    assert "mitigations" not in told
    (cell, _) = alone.to_json()["cells"]
    assert set(cell) == {"codec", "codec_quality", "mitigation", "metrics", "difference", "rate_bpp", "n"}
    assert alone.to_json()["clean_mitigated"] == {}


def test_the_json_of_a_mitigated_study(tmp_path, photos, model, blur):
    result = run_study(plan_of(model, photos, mitigations=(BLUR, "none"), limit=20), tmp_path / "run")
    told = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert set(told["clean_mitigated"]) == {BLUR}
    none, cell = told["cells"][:2]
    assert (none["mitigation"], cell["mitigation"]) == ("none", BLUR)
    assert set(none) == {"codec", "codec_quality", "mitigation", "metrics", "difference", "rate_bpp", "n"}
    assert set(cell) == set(none) | {"versus_none", "recovered"}
    assert set(cell["versus_none"]["agreement"]) == set(cell["recovered"]["agreement"]) == {"mean", "low", "high"}
    assert cell["versus_none"]["top5"] is None is cell["recovered"]["top5"]  # four classes: no fifth answer
    assert summarise_run(tmp_path / "run") == result


def test_without_none_there_is_nothing_to_compare_with(tmp_path, photos, model, blur):
    result = run_study(plan_of(model, photos, mitigations=(BLUR,), limit=20), tmp_path / "run")
    assert {(row.codec, row.mitigation) for row in rows_of(tmp_path / "run")} == {
        ("clean", "none"), ("clean", BLUR), ("jpeg:5", BLUR), ("jpeg:30", BLUR)
    }  # fmt: skip
    both = run_study(plan_of(model, photos, limit=20), tmp_path / "both")
    assert (result.clean, result.clean_mitigated) == (both.clean, both.clean_mitigated)
    assert [cell.metrics for cell in result.cells] == [cell.metrics for cell in both.cells if cell.mitigation == BLUR]
    assert all(set(cell.versus_none.values()) == set(cell.recovered.values()) == {None} for cell in result.cells)


def test_provenance_names_the_corrector_and_another_one_is_refused(tmp_path, photos, model, blur):
    run_study(plan_of(model, photos, limit=4), tmp_path / "run")
    with RowStore(tmp_path / "run" / "rows.sqlite", read_only=True) as store:
        (made_by,) = store.provenances()
    assert made_by["mitigations"] == {BLUR: {"corrector": "blur", "digest": "b" * 64}}
    assert made_by["versions"]["Pillow"]
    blur.digest = "c" * 64
    with pytest.raises(UsageError, match=r"begun with other things .*mitigations was"):
        run_study(plan_of(model, photos, limit=4), tmp_path / "run")


def test_a_picture_that_the_corrector_fails_on_costs_its_own_cells(tmp_path, photos, model, monkeypatch):
    monkeypatch.setattr("unlossy.study.mitigation.open_corrector", lambda spec, choices: Failing())
    Image.new("RGB", (60, 30), (90, 0, 0)).save(photos / "class_0" / "small.png")
    result = run_study(plan_of(model, photos), tmp_path / "run")
    failed = {
        (row.key, row.codec, row.mitigation): row.error_message for row in rows_of(tmp_path / "run") if row.error_kind
    }
    assert set(failed) == {("class_0/small.png", codec, BLUR) for codec in ("clean", "jpeg:5", "jpeg:30")}
    assert set(failed.values()) == {"the corrector blur failed: RuntimeError: too small to repair"}
    assert (result.failed, result.errors) == (1, {"model": 1})
    assert [cell.n for cell in result.cells] == [41, 40, 41, 40]


def test_a_source_that_cannot_be_read_fails_in_every_cell(tmp_path, photos, model, blur):
    (photos / "class_0" / "bad.jpg").write_text("no image")
    run_study(plan_of(model, photos, limit=20), tmp_path / "run")
    kinds = {(row.codec, row.mitigation): row.error_kind for row in rows_of(tmp_path / "run") if "bad" in row.key}
    assert kinds == {(codec, m): "decode" for codec in ("clean", "jpeg:5", "jpeg:30") for m in ("none", BLUR)}


@pytest.mark.parametrize("workers", [3])
def test_equal_runs_have_equal_rows_and_a_stopped_one_goes_on_to_them(tmp_path, photos, model, blur, workers):
    plan = plan_of(model, photos, ("jpeg:5", "webp:20"))
    run_study(plan, tmp_path / "undisturbed", engine=LocalEngine(2))

    class StoppedError(Exception):
        pass

    def stop(done, total):
        if done >= 16:
            raise StoppedError

    with pytest.raises(StoppedError):
        run_study(plan, tmp_path / "run", on_progress=stop, engine=LocalEngine(workers))
    assert 0 < len(rows_of(tmp_path / "run")) < 40 * 6
    run_study(plan, tmp_path / "run", engine=LocalEngine(workers))
    assert rows_of(tmp_path / "run") == rows_of(tmp_path / "undisturbed")


def test_compress_at_input_corrects_what_the_model_sees(tmp_path, blur):
    plan = plan_of("onnx:demo", "synthetic:2,size=200", ("jpeg:30",), compress_at="input")
    run_study(plan, tmp_path / "run")
    shapes = {picture.pixels_hwc.shape for picture in blur.given}
    ((height, width, _),) = shapes
    assert height == width != 200
    assert [picture.hints is None for picture in blur.given] == [True, True, False, False]


@pytest.mark.parametrize("text", ["correct", "correct=", "model=", "correct=small+model=", "+model=a:b", "hope", ""])
def test_an_unknown_mitigation_is_refused_with_those_there_are(text):
    with pytest.raises(UsageError, match="is not known to this version; there are: none, correct=NAME_OR_FILE, model="):
        StudyPlan(model="onnx:demo", data="photos", mitigations=("none", text))


def test_an_unknown_corrector_is_refused_before_work(tmp_path, photos, model):
    with pytest.raises(UsageError, match="'bogus' is not understood"):
        run_study(plan_of(model, photos, mitigations=("correct=bogus",)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_none_comes_first_and_twice_is_once():
    plan = StudyPlan(model="m", data="d", mitigations=("correct=b", "none", "correct=a", "correct=b"))
    assert plan.mitigations == ("none", "correct=b", "correct=a")
    assert StudyPlan.from_toml(plan.to_toml()) == plan


def share_of(mitigated, none, clean):
    """The share of scores given as texts of digits, a blank where an item was not scored."""
    columns = ([None if digit == " " else float(digit) for digit in text] for text in (mitigated, none, clean))
    return recovered_share(*columns, seed=0)


def test_the_share_of_a_loss_by_hand():
    clean, none, mitigated = "11110", "00110", "10110"
    assert share_of(mitigated, none, clean).mean == 0.5
    assert share_of(clean, none, clean).mean == 1
    assert share_of(none, none, clean).mean == 0
    assert share_of("00000", none, clean).mean == -1
    assert share_of(none, clean, clean) is None, "no loss, no share of it"
    assert share_of(clean, clean, none) is None, "a gain is no loss"
    assert share_of(" ", "0", "1") is None
    assert share_of(mitigated + " 1", none + "0 ", clean + "11") == share_of(mitigated, none, clean)


def test_the_interval_of_a_share_is_that_of_resampled_sums():
    rng = np.random.default_rng(5)
    clean, none = rng.random(200) + 1, rng.random(200)
    mitigated = none + 0.4 * (clean - none) + rng.normal(0, 0.2, 200)
    share = recovered_share(mitigated.tolist(), none.tolist(), clean.tolist(), seed=3)
    weights = np.concatenate(list(draws(200, 3)))
    shares = np.sort((weights @ (mitigated - none)) / (weights @ (clean - none)))
    slack = 1e-9
    assert shares[49] - slack <= share.low <= shares[50] + slack
    assert shares[1949] - slack <= share.high <= shares[1950] + slack
    assert share.low < share.mean < share.high


def test_where_the_loss_may_be_none_the_share_is_open():
    """Of ten items one was lost and is won back: a third of the draws has no loss at all, and these say nothing."""
    one = share_of("1" * 10, "0" + "1" * 9, "1" * 10)
    assert (one.mean, one.low, one.high) == (1, 1, 1)
    unsure = share_of("1100", "0001", "1101")
    assert unsure.mean == 0.5
    assert unsure.low is None, "draws with no loss and something broken are not rare"
    sure = share_of("1" * 5 + "0" * 5, "0" * 10, "1" * 10)
    assert 0 < sure.low < 0.5 < sure.high < 1


def test_the_table_names_mitigations_and_their_share(photos, model, blur, capsys):
    words = ["study", "--model", model, "--data", str(photos), "--codec", "jpeg:5", "-o", "run", "--limit", "20"]
    assert run([*words, "--mitigate", "none", "--mitigate", BLUR]) == 0
    out = capsys.readouterr().out
    head, clean, jpeg = (line.split() for line in out.splitlines() if line.startswith(("codec", "clean", "jpeg:5")))
    assert head == ["codec", "top-1", "lost", "[95", "%]", "top-1", "won", "back", "[95", "%]"]
    result = summarise_run("run")
    none, cell = result.cells
    assert clean == ["clean", f"{100 * result.clean['top1']:.1f}", f"{100 * result.clean_mitigated[BLUR]['top1']:.1f}"]
    assert jpeg[1:3] == [f"{100 * none.metrics['top1']:.1f}", f"{-100 * none.difference['top1'].mean:.1f}"]
    assert f"{100 * cell.metrics['top1']:.1f}" in jpeg
    assert "…" not in out


def test_methods_that_are_too_many_for_the_terminal_stand_below_each_other(tmp_path, photos, model, blur, monkeypatch):
    plan = plan_of(model, photos, ("jpeg:5",), ("none", BLUR, f"{BLUR}er", f"{BLUR}est"), limit=8)
    result = run_study(plan, tmp_path / "run")
    told = {}
    for width in (79, 160):
        console = Console(width=width, record=True, file=io.StringIO())
        print_study(result, console)
        told[width] = [line.split()[:2] for line in console.export_text().splitlines() if line.startswith("jpeg:5")]
    assert told[79] == [["jpeg:5", text] for text in plan.mitigations]
    assert len(told[160]) == 1


def test_the_table_without_none(photos, model, blur, capsys):
    words = [
        "study",
        "--model",
        model,
        "--data",
        str(photos),
        "--codec",
        "jpeg:5",
        "-o",
        "run",
        "--mitigate",
        BLUR,
        "--limit",
        "4",
    ]
    assert run(words) == 0
    out = capsys.readouterr().out
    assert "Nothing could be scored" not in out
    assert BLUR in out


@pytest.mark.parametrize("spec", ["small"])
def test_the_shipped_corrector_in_a_study(tmp_path, spec):
    """The real thing, through the front door: p_true moves, and clean pictures that never were a JPEG stay."""
    assert spec in CORRECTORS
    plan = StudyPlan(
        model="onnx:demo", data="synthetic:4", codecs=("jpeg:10",), mitigations=("none", f"correct={spec}")
    )
    result = run_study(plan, tmp_path / "run")
    assert result.failed == 0
    none, corrected = result.cells
    assert corrected.metrics["p_true"] != none.metrics["p_true"]
    assert result.clean_mitigated[f"correct={spec}"] == result.clean
    with pytest.raises(UsageError, match=r"another plan .mitigations was"):
        run_study(replace(plan, mitigations=("none",)), tmp_path / "run")
    assert ModelError.kind == "model"
