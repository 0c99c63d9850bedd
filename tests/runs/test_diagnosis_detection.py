import json

import pytest

from tests.metrics.found_objects import detections, made_pictures, target_of
from unlossy.metrics.detection_errors import decompose
from unlossy.metrics.detection_judged import judge
from unlossy.runs.diagnosis_detection import diagnose
from unlossy.runs.folder import open_run
from unlossy.runs.plan import StudyPlan
from unlossy.store import CLEAN, NONE, StudyRow
from unlossy.tasks.detection import DetectionYardstick
from unlossy.tasks.instance_segmentation import InstanceSegmentationYardstick

ERRORS = ("errors", "errors_present")
YARDSTICKS = {one.task: one for one in (DetectionYardstick(), InstanceSegmentationYardstick())}


def row(task, index, codec, found, target, *, failed=False):
    measure = YARDSTICKS[task]
    rest = dict.fromkeys(StudyRow.__slots__)
    told = None if failed else json.dumps(measure.as_json(found))
    return StudyRow(
        **rest
        | {
            "item_index": index,
            "key": str(index),
            "codec": codec,
            "mitigation": NONE,
            "provenance": "",
            "elapsed_s": 0.0,
        }
        | {"prediction": told, "error_kind": "model" if failed else None}
        | {"target": None if target is None else json.dumps(measure.target_as_json(target))}
    )


@pytest.fixture
def run(tmp_path):
    def made(rows, task="detection"):
        plan = StudyPlan(model="py:a:b", data="x", task=task, codecs=("jpeg:10",))
        with open_run(tmp_path / "run", plan, {}) as store:
            key = store.add_provenance({})
            store.add_chunk(StudyRow(**{n: getattr(r, n) for n in r.__slots__} | {"provenance": key}) for r in rows)
        return tmp_path / "run"

    return made


@pytest.mark.parametrize("task", YARDSTICKS)
def test_a_cells_figures_are_the_yardsticks_over_the_pictures_answered_there_and_clean(run, task):
    if task == "instance_segmentation":
        pytest.importorskip("faster_coco_eval")
    clean, lossy = (made_pictures(seed, 8, masks=task == "instance_segmentation") for seed in (1, 2))
    rows = [row(task, n, CLEAN, one.found, one.target, failed=n == 3) for n, one in enumerate(clean)]
    rows += [row(task, n, "jpeg:10", lossy[n].found, one.target, failed=n == 5) for n, one in enumerate(clean)]
    found = diagnose(run(rows, task))
    assert found.against == "truth"
    assert [(cell.codec, cell.codec_quality, cell.n) for cell in found.cells] == [(CLEAN, None, 7), ("jpeg:10", 10, 6)]
    measure, cell = YARDSTICKS[task], found.cells[1]
    both = [(lossy[n].found, clean[n].target) for n in (0, 1, 2, 4, 6, 7)]
    assert cell.ap == pytest.approx(measure.summarise([measure.score(*one) for one in both])["ap"], abs=1e-12)
    judged = [judge(measure.overlap(f, t), f.scores, f.class_ids, t) for f, t in both]
    assert cell.errors == decompose(judged)
    n_objects = sum(int((~target.crowd).sum()) for _, target in both)
    assert sum(part.n_objects for part in cell.by_class.values()) == n_objects
    assert sum(part.n_objects for part in cell.by_size.values()) == n_objects  # none has just 32 or 96 squared
    assert cell.ap == pytest.approx(sum(part.ap for part in cell.by_class.values()) / len(cell.by_class))
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert set(told["cells"][1]) == {"codec", "codec_quality", "mitigation", "n", "ap", *ERRORS, "by_size", "by_class"}
    assert told["cells"][1]["errors"]["missed"] == cell.errors.missed


def test_sizes_are_those_of_the_objects(run):
    small, large = [0, 0, 20, 20], [100, 100, 300, 300]
    target = target_of([small, large], [1, 1])
    rows = [row("detection", 0, CLEAN, detections([large], [0.9], [1]), target)]
    by_size = diagnose(run(rows)).cells[0].by_size
    assert {size: (part.ap, part.n_objects) for size, part in by_size.items()} == {
        "small": (0.0, 1),
        "medium": (None, 0),
        "large": (pytest.approx(1.0), 1),
    }


def test_without_labels_the_clean_answers_sure_detections_are_the_objects(run):
    here, there = [0, 0, 100, 100], [200, 200, 300, 300]
    clean = detections([here, there, here], [0.9, 0.8, 0.1], [1, 2, 3])
    rows = [
        row("detection", 0, CLEAN, clean, None),
        row("detection", 0, "jpeg:10", detections([here], [0.9], [1]), None),
    ]
    found = diagnose(run(rows))
    assert found.against == "clean answer"
    assert {class_id: part.ap for class_id, part in found.cells[1].by_class.items()} == {1: 1.0, 2: 0.0}
    assert found.cells[1].errors.missed == pytest.approx(0.5)


def test_a_run_in_which_all_failed_has_cells_without_figures(run):
    cell = diagnose(run([row("detection", 0, CLEAN, None, None, failed=True)])).cells[0]
    assert (cell.n, cell.ap, cell.errors, dict(cell.by_class)) == (0, None, None, {})
