"""The pictures a study keeps: the pixels the model saw, of the items the rows single out."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.study.conftest import texture
from unlossy.core.errors import UsageError
from unlossy.datasets import open_dataset
from unlossy.runs.pictures import read_pictures
from unlossy.store import RowStore
from unlossy.study import StudyPlan, run_study
from unlossy.study.pictures import most_changed, write_pictures
from unlossy.tasks.registry import load_task

CODECS = ("jpeg:5,30,95",)
KEY = "class_1/01.png"


def recompressed(path, quality):
    buffer = io.BytesIO()
    Image.open(path).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def read(run, cell):
    return np.asarray(Image.open(run / "pictures" / cell.file))


@pytest.fixture
def run(tmp_path, photos, model):
    run_study(StudyPlan(model=model, data="photos", codecs=CODECS, limit=16), tmp_path / "run", show=(KEY,))
    return tmp_path / "run"


def test_kept_pixels_are_those_pillow_makes(run, photos):
    index = read_pictures(run)
    assert index.changed
    for item in index.changed:
        assert [cell.codec for cell in item.cells] == ["clean", "jpeg:30", "jpeg:5"] or len(item.cells) == 4
        for cell in item.cells:
            quality = cell.codec.partition(":")[2]
            path = photos / item.key
            expected = recompressed(path, int(quality)) if quality else np.asarray(Image.open(path))
            assert (read(run, cell) == expected).all()
    assert index.missing == ()


def test_answers_are_those_of_the_rows(run):
    with RowStore(run / "rows.sqlite", read_only=True) as store:
        rows = {(row.key, row.codec): row for row in store.rows()}
    for item in read_pictures(run).changed:
        assert item.cells[0].right
        assert not item.cells[-1].right
        assert item.class_name == item.key.partition("/")[0]
        for cell in item.cells:
            row = rows[item.key, cell.codec]
            answer = json.loads(row.prediction)
            assert (cell.answer, cell.probability) == (answer["class_index"], answer["probability"])
            assert cell.right == bool(json.loads(row.score)["top1"])
            assert cell.encoded_bytes == row.encoded_bytes


def test_an_item_asked_for_is_kept_at_every_setting(run):
    (shown,) = read_pictures(run).shown
    assert shown.key == KEY
    assert [cell.codec for cell in shown.cells] == ["clean", "jpeg:95", "jpeg:30", "jpeg:5"]
    assert Image.open(run / "pictures" / shown.strip).width > 4 * 256


def test_a_later_show_adds_and_nothing_is_made_twice(run, model):
    plan = StudyPlan(model=model, data="photos", codecs=CODECS, limit=16)
    times = {path: path.stat().st_mtime_ns for path in (run / "pictures").iterdir()}
    run_study(plan, run)
    assert {path: path.stat().st_mtime_ns for path in (run / "pictures").iterdir()} == times
    run_study(plan, run, show=("class_0/00.png",))
    assert [item.key for item in read_pictures(run).shown] == ["class_0/00.png", KEY]
    (run / "pictures" / "index.json").write_text("broken")
    run_study(plan, run)
    assert read_pictures(run).changed


def test_an_unknown_key_is_refused_before_any_work(tmp_path, photos, model):
    with pytest.raises(UsageError, match=r"there is no item 'class_1/1\.png' to show; there are for example: class_1/"):
        run_study(
            StudyPlan(model=model, data="photos", codecs=CODECS, limit=16), tmp_path / "run", show=("class_1/1.png",)
        )
    assert not (tmp_path / "run").exists()


def test_a_picture_that_changed_since_is_named_and_not_shown(run, photos, model):
    """Its rows were made from other pixels: the bytes made again are not as many. (A study begun now would refuse.)"""
    victim = read_pictures(run).changed[0].key
    Image.fromarray(texture(99)).save(photos / victim)
    (run / "pictures" / "index.json").unlink()
    plan = StudyPlan(model=model, data="photos", codecs=CODECS, limit=16)
    with RowStore(run / "rows.sqlite", read_only=True) as store:
        write_pictures(run, plan, list(open_dataset("photos"))[:16], load_task(plan.task, model), store)
    index = read_pictures(run)
    assert victim not in [item.key for item in index.changed]
    ((key, reason),) = index.missing
    assert key == victim
    assert "not those of its row" in reason


def test_a_large_picture_is_cropped_on_the_grid_where_it_changed_most(tmp_path, model):
    folder = tmp_path / "large"
    folder.mkdir()
    image = np.full((500, 700, 3), 128, dtype=np.uint8)
    image[330:490, 420:680] = np.random.default_rng(0).integers(0, 256, (160, 260, 3), dtype=np.uint8)
    Image.fromarray(image).save(folder / "a.png")
    run = tmp_path / "run"
    run_study(StudyPlan(model=model, data="large", codecs=("jpeg:10",)), run, show=("a.png",))
    (shown,) = read_pictures(run).shown
    x, y, width, height = shown.crop_xywh
    assert (width, height, x % 16, y % 16) == (320, 320, 0, 0)
    assert x <= 420
    assert x + width >= 680
    assert y + height >= 490
    zoom_x, zoom_y, zoom_width, zoom_height = shown.zoom_xywh
    assert (zoom_width, zoom_height) == (80, 80)
    assert 420 <= x + zoom_x <= 680 - 80
    assert 330 <= y + zoom_y <= 490 - 80
    assert read(run, shown.cells[0]).shape == (320, 320, 3)
    assert (read(run, shown.cells[0]) == image[y : y + 320, x : x + 320]).all()


def test_most_changed_is_what_a_search_by_hand_finds():
    difference = np.random.default_rng(3).random((40, 56), dtype=np.float32)
    x, y, width, height = most_changed(difference, (20, 12), 8)
    sums = {
        (left, top): difference[top : top + 12, left : left + 20].sum()
        for left in range(0, 37, 8)
        for top in range(0, 29, 8)
    }
    assert (x, y) == max(sums, key=lambda corner: sums[corner])
    assert (width, height) == (20, 12)
    assert most_changed(difference, (56, 40), 16) == (0, 0, 56, 40)
