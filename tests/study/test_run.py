import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from unlossy.core.errors import RunError, UsageError
from unlossy.engines import LocalEngine
from unlossy.store import RowStore, run_lock
from unlossy.study import StudyPlan, run_study, summarise_run

CODECS = ("jpeg:5,30,95", "webp:20")


def rows_of(run, times=False):
    with RowStore(run / "rows.sqlite") as store:
        return [row if times else replace(row, elapsed_s=0.0) for row in store.rows()]


def test_the_numbers_are_those_of_a_loop_written_by_hand(tmp_path, photos, model):
    """Independent: Pillow compresses, the model's function is called directly, top-1 is counted."""
    result = run_study(StudyPlan(model=model, data=str(photos), codecs=CODECS), tmp_path / "run")
    from quadrants import classify

    def top1(format_name, **options):
        right = 0
        for path in sorted(photos.rglob("*.png")):
            buffer = io.BytesIO()
            Image.open(path).save(buffer, format_name, **options)
            answer = classify([np.asarray(Image.open(buffer).convert("RGB"))]).argmax()
            right += int(answer) == int(path.parent.name[-1])
        return right / 40

    assert result.clean["top1"] == top1("PNG")
    expected = [top1("JPEG", quality=5), top1("JPEG", quality=30), top1("JPEG", quality=95), top1("WEBP", quality=20)]
    assert [cell.metrics["top1"] for cell in result.cells] == expected
    assert len(set(expected)) > 1, "a model that compression does not touch proves nothing"
    for cell, value in zip(result.cells, expected, strict=True):
        assert cell.difference["top1"].mean == pytest.approx(value - result.clean["top1"])
        assert cell.difference["top1"].low <= cell.difference["top1"].mean <= cell.difference["top1"].high
        assert cell.n == 40


def test_rows_say_what_made_them(tmp_path, photos, model):
    jpeg = photos / "class_0" / "made.jpg"
    Image.open(photos / "class_0" / "00.png").save(jpeg, quality=77)
    run_study(StudyPlan(model=model, data=str(photos), codecs=("jpeg[444]:30",)), tmp_path / "run")
    rows = {(row.key, row.codec): row for row in rows_of(tmp_path / "run", times=True)}
    assert len(rows) == 2 * 41
    row = rows["class_0/made.jpg", "jpeg[444]:30"]
    assert (row.source_format, row.source_ijg_quality_luma, row.source_ijg_quality_chroma) == ("jpeg", 77, 77)
    assert rows["class_0/00.png", "clean"].source_ijg_quality_luma is None
    buffer = io.BytesIO()
    Image.open(jpeg).save(buffer, "JPEG", quality=30, subsampling=0)
    assert row.encoded_bytes == len(buffer.getvalue())
    assert (row.codec_quality, row.width, row.height, row.class_name) == (30.0, 40, 40, "class_0")
    assert row.source_bytes == jpeg.stat().st_size
    assert "Pillow" in row.encoder
    assert row.elapsed_s > 0
    with RowStore(tmp_path / "run" / "rows.sqlite") as store:
        (made_by,) = store.provenances()
    assert made_by["model"] == model
    assert len(made_by["model_digest"]) == 64
    assert made_by["versions"]["Pillow"]


def test_equal_runs_have_equal_rows_however_many_workers(tmp_path, photos, model):
    plan = StudyPlan(model=model, data=str(photos), codecs=CODECS)
    for number in (1, 2, 5):
        run_study(plan, tmp_path / f"run{number}", engine=LocalEngine(number))
    assert rows_of(tmp_path / "run1") == rows_of(tmp_path / "run2") == rows_of(tmp_path / "run5")


def test_a_finished_run_is_not_done_again(tmp_path, photos, model):
    plan = StudyPlan(model=model, data=str(photos), codecs=CODECS)
    first = run_study(plan, tmp_path / "run")
    before = rows_of(tmp_path / "run", times=True)
    assert run_study(plan, tmp_path / "run") == first == summarise_run(tmp_path / "run")
    assert rows_of(tmp_path / "run", times=True) == before


STUDY = """
import sys
from pathlib import Path
from unlossy.study import StudyPlan, run_study
run_study(StudyPlan.from_toml(Path(sys.argv[1]).read_text()), sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_killed_and_resumed_the_rows_equal_an_undisturbed_runs(tmp_path, photos, model):
    plan = StudyPlan(model="py:quadrants:slow", data=str(photos), codecs=CODECS, batch=8)
    run_study(plan, tmp_path / "undisturbed")
    (tmp_path / "plan.toml").write_text(plan.to_toml())
    run = tmp_path / "killed"
    slow = os.environ | {"SLOW_S": "0.2"}  # seconds a chunk: a busy machine's poll is in time
    kills = []
    for chunks in (1, 2):
        process = subprocess.Popen([sys.executable, "-c", STUDY, "plan.toml", str(run)], cwd=tmp_path, env=slow)
        deadline = time.monotonic() + 60
        while done_items(run) < 16 * chunks and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        kills.append((process.wait(), done_items(run)))
    assert [code for code, _ in kills] == [-signal.SIGKILL] * 2, "each was killed at work, not after it"
    assert all(0 < done < 40 and done % 16 == 0 for _, done in kills), "whole chunks, and not all of them"
    run_study(plan, run)
    assert rows_of(run) == rows_of(tmp_path / "undisturbed")


def done_items(run):
    try:
        with RowStore(run / "rows.sqlite", read_only=True) as store:
            return len(store.done_items())
    except RunError:
        return 0  # not made yet


def test_bad_files_are_error_rows_and_the_rest_is_untouched(tmp_path, photos, model):
    plan = StudyPlan(model=model, data=str(photos), codecs=("jpeg:30",))
    run_study(plan, tmp_path / "good")
    bad = {"class_1/text.jpg": b"I am no image", "class_2/empty.jpg": b"", "class_3/zz.png": b"\x89PNG\r\n\x1a\n"}
    whole = io.BytesIO()
    Image.open(photos / "class_0" / "00.png").save(whole, "JPEG")
    bad["class_0/half.jpg"] = whole.getvalue()[:-100]
    for path, data in bad.items():
        (photos / path).write_bytes(data)
    result = run_study(plan, tmp_path / "run")
    assert (result.n_items, result.failed) == (44, 4)
    assert result.errors == {"decode": 3, "truncated": 1}
    rows = rows_of(tmp_path / "run")
    failed = [row for row in rows if row.error_kind]
    assert {row.key for row in failed} == set(bad)
    assert all(row.error_message and row.score is None and row.prediction is None for row in failed)
    good = {(row.key, row.codec): (row.score, row.prediction) for row in rows if not row.error_kind}
    assert good == {(row.key, row.codec): (row.score, row.prediction) for row in rows_of(tmp_path / "good")}
    assert result.cells[0].n == 40


def test_a_model_that_fails_on_one_image_costs_that_row(tmp_path, photos, model):
    Image.new("RGB", (40, 40), (5, 5, 5)).save(photos / "class_0" / "dark.png")
    Image.new("RGB", (16, 16)).save(photos / "class_0" / "small.png")
    nan = run_study(
        StudyPlan(model="py:quadrants:nan_for_dark", data=str(photos), codecs=("jpeg:30",)), tmp_path / "nan"
    )
    assert (nan.failed, nan.errors) == (2, {"model": 2})
    picky = run_study(
        StudyPlan(model="py:quadrants:refuses_small", data=str(photos), codecs=("jpeg:30",)), tmp_path / "p"
    )
    assert (picky.failed, picky.errors) == (1, {"model": 1})
    (message,) = {row.error_message for row in rows_of(tmp_path / "p") if row.error_kind}
    assert "too small for me" in message


def test_without_labels_agreement_tells(tmp_path, photos, model):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in photos.rglob("*.png"):
        path.rename(flat / path.name)
    result = run_study(StudyPlan(model=model, data=str(flat), codecs=CODECS), tmp_path / "run")
    assert result.main_metric == "agreement"
    assert result.clean == {"top1": None, "top5": None, "p_true": None, "agreement": 1.0}
    low, *_, high = (cell.metrics["agreement"] for cell in result.cells[:3])
    assert low < high <= 1
    assert result.cells[0].difference["top1"] is None
    assert result.cells[0].difference["agreement"].mean == pytest.approx(low - 1)


def test_limit_takes_the_first_in_key_order(tmp_path, photos, model):
    result = run_study(StudyPlan(model=model, data=str(photos), codecs=("jpeg:30",), limit=3), tmp_path / "run")
    assert result.n_items == 3
    assert {row.key for row in rows_of(tmp_path / "run")} == {"class_0/00.png", "class_0/04.png", "class_0/08.png"}


def test_compress_at_input_compresses_what_the_model_sees(tmp_path, photos):
    """The demo's model resizes to its input; at `input` the compressed picture has that size."""
    sizes = {}
    for where in ("source", "input"):
        plan = StudyPlan(model="onnx:demo", data="synthetic:2,size=200", codecs=("jpeg:30",), compress_at=where)
        run_study(plan, tmp_path / where)
        sizes[where] = {(row.width, row.height) for row in rows_of(tmp_path / where) if row.codec != "clean"}
    assert sizes["source"] == {(200, 200)}
    (size,) = sizes["input"]
    assert size != (200, 200)
    assert size[0] == size[1]


def test_another_plan_in_run_is_refused_with_what_differs(tmp_path, photos, model):
    plan = StudyPlan(model=model, data=str(photos), codecs=("jpeg:30",))
    run_study(plan, tmp_path / "run")
    with pytest.raises(UsageError, match=r"another plan \(seed was 0, is 1\)"):
        run_study(replace(plan, seed=1), tmp_path / "run")


def test_a_run_begun_with_other_images_is_refused(tmp_path, photos, model):
    plan = StudyPlan(model=model, data=str(photos), codecs=("jpeg:30",))
    run_study(plan, tmp_path / "run")
    Image.new("RGB", (8, 8)).save(photos / "class_0" / "new.png")
    with pytest.raises(UsageError, match=r"begun with other things \(items was"):
        run_study(plan, tmp_path / "run")


def test_a_run_in_use_is_refused(tmp_path, photos, model):
    (tmp_path / "run").mkdir()
    with run_lock(tmp_path / "run"), pytest.raises(RunError, match="in use by process"):
        run_study(StudyPlan(model=model, data=str(photos)), tmp_path / "run")


def test_labels_that_the_model_has_no_class_for_are_refused_before_work(tmp_path, photos):
    (photos / "labels.csv").write_text("file,class_index\nclass_0/00.png,12345\n")
    with pytest.raises(UsageError, match=r"class_0/00.png: .*12345"):
        run_study(StudyPlan(model="onnx:demo", data=str(photos)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_json_has_the_documented_shape(tmp_path, photos, model):
    result = run_study(
        StudyPlan(model=model, data=str(photos), codecs=("jpeg:30", "jpeg:30+webp:50")), tmp_path / "run"
    )
    told = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert set(told) == {"run", "n_items", "failed", "clean", "clean_mitigated", "cells"}
    assert told["run"] == str(tmp_path / "run")
    assert told["clean_mitigated"] == {}
    single, chain = told["cells"]
    assert set(single) == {"codec", "codec_quality", "mitigation", "metrics", "difference", "rate_bpp", "n"}
    assert (single["codec"], single["codec_quality"], single["mitigation"]) == ("jpeg:30", 30, "none")
    assert (chain["codec"], chain["codec_quality"]) == ("jpeg:30+webp:50", None)
    assert set(single["difference"]["top1"]) == {"mean", "low", "high"}
    assert single["metrics"]["top5"] is None  # four classes: no fifth answer
    assert single["difference"]["top5"] is None
    assert single["rate_bpp"] > 0
