"""Which items a study of boxes, maps or texts keeps, and that what is kept is what was answered on."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.report.made import row_of
from unlossy.codecs import parse_codecs
from unlossy.core.pixels import as_rgb
from unlossy.report import write_report
from unlossy.runs.exhibits import read_exhibits
from unlossy.store import RowStore
from unlossy.study import StudyPlan, run_study
from unlossy.study.exhibits import Chosen, choose_fallen
from unlossy.tasks.registry import yardstick

MODULE = '''
import numpy as np

def read(images):
    """The mean grey level of each picture, and how rough it is: a text that compression changes."""
    return [f"{image.mean():.1f} {np.abs(np.diff(image.astype(int), axis=1)).mean():.2f}" for image in images]
'''


def scored(index, codec, *, own=None, agreement=1.0):
    score = {"item_accuracy": own, "agreement": agreement}
    return replace(row_of(index, codec, 0), score=json.dumps(score))


def test_the_items_that_fall_furthest_are_chosen():
    rows = [
        scored(0, "clean", own=0.9),
        scored(0, "jpeg:10", own=0.8),
        scored(1, "clean", own=1.0),
        scored(1, "jpeg:10", own=0.2),
        scored(2, "clean", own=0.5),
        scored(2, "jpeg:10", own=0.6),
        scored(3, "clean"),
        scored(3, "jpeg:10", agreement=0.5),
        scored(4, "clean", own=1.0),
    ]
    chosen = choose_fallen(rows, yardstick("text"), "jpeg:10")
    assert [one.item_index for one in chosen] == [1, 3, 0], "one that gains, and one not scored there, are left out"
    assert chosen[1] == Chosen(3, 0.5), "without a label its agreement is looked at"
    assert choose_fallen(rows, yardstick("text"), "jpeg:10", n_items=1) == chosen[:1]


@pytest.fixture
def study(tmp_path, monkeypatch):
    (tmp_path / "reader_of_greys.py").write_text(MODULE)
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        size = (40, 60 + number, 3)
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(tmp_path / "photos" / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    plan = StudyPlan(
        model="py:reader_of_greys:read",
        data="photos",
        task="text",
        codecs=("jpeg:10,50,90",),
        mitigations=("none", "correct=small"),
    )
    run_study(plan, tmp_path / "run", show=("2.png",))
    return tmp_path / "run"


def test_what_is_kept_is_what_was_compressed(study):
    kept = read_exhibits(study)
    assert kept.items[0].key == "2.png"
    assert kept.items[0].lost is None
    first = kept.items[0]
    assert [(v.codec, v.mitigation) for v in first.versions] == [
        ("clean", "none"),
        ("jpeg:50", "none"),
        ("jpeg:10", "none"),
        ("jpeg:10", "correct=small"),
    ], "the qualities looked at, best first, and the worst as it is repaired"
    clean, at_10 = (as_rgb(np.asarray(Image.open(study / "pictures" / first.versions[n].file))) for n in (0, 2))
    (codec,) = parse_codecs("jpeg:10")
    data = codec.encode(clean)
    assert len(data) == first.versions[2].encoded_bytes
    assert np.array_equal(as_rgb(codec.decode(data)), at_10)


def test_the_report_shows_the_readings_and_a_second_call_writes_nothing_anew(study):
    page = write_report([study]).read_text()
    with RowStore(study / "rows.sqlite", read_only=True) as store:
        readings = [json.loads(row.prediction)["text"] for row in store.rows() if row.key == "2.png"]
    assert len(readings) == 8
    assert readings[0] in page
    assert "JPEG 10, correct=small" in page
    assert "how far the model keeps to its own clean answer" in page
    before = {path.name: path.stat().st_mtime_ns for path in (study / "pictures").iterdir()}
    plan = StudyPlan(
        model="py:reader_of_greys:read",
        data="photos",
        task="text",
        codecs=("jpeg:10,50,90",),
        mitigations=("none", "correct=small"),
    )
    run_study(plan, study)
    assert {path.name: path.stat().st_mtime_ns for path in (study / "pictures").iterdir()} == before
