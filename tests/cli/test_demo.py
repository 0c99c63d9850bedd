"""`unlossy demo --task`, from outside: what a reader types on the base install."""

import subprocess
import sys

import pytest

from unlossy.cli.main import run
from unlossy.runs.folder import PLAN, ROWS, read_plan
from unlossy.runs.plan import StudyPlan

EXTRAS = ("torch", "torchvision", "transformers", "timm", "onnx", "faster_coco_eval", "pycocotools", "scipy", "cv2")
ALONE = """
import sys
sys.modules.update(dict.fromkeys({extras!r}))
from unlossy.cli.main import run
raise SystemExit(run({words!r}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demos")


@pytest.mark.parametrize(("task", "metric"), [("segmentation", "mean IoU"), ("detection", "AP")])
def test_the_demo_of_a_task_runs_on_the_base_install(task, metric, folder):
    program = ALONE.format(extras=EXTRAS, words=["demo", "--task", task, "--items", "2"])
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert metric in done.stdout
    assert done.stdout.splitlines()[-1] == f"demo-{task}/report.html"
    report = (folder / f"demo-{task}" / "report.html").read_text("utf-8")
    assert "2 images from synthetic:2" in report


def test_a_demo_makes_its_run_anew_and_leaves_that_of_another_task_alone(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    if not (folder / "demo-detection").exists():  # what the test above leaves
        assert run(["demo", "--task", "detection", "--items", "2"]) == 0
    before = set((folder / "demo-detection" / "pictures").glob("*.png"))
    assert run(["demo", "--task", "detection", "--items", "1"]) == 0
    plan = read_plan(folder / "demo-detection")
    assert (plan.task, plan.data, plan.mitigations) == ("detection", "synthetic:1", ("none", "correct=small"))
    assert set((folder / "demo-detection" / "pictures").glob("*.png")) < before
    capsys.readouterr()
    assert run(["demo", "--items", "1", "-o", "demo-detection"]) == 2
    assert "another study" in capsys.readouterr().err
    assert read_plan(folder / "demo-detection") == plan


@pytest.mark.parametrize(
    "change", [{"data": "mine"}, {"codecs": ("webp:50",)}, {"mitigations": ("none",)}, {"seed": 1}]
)
def test_a_study_of_ones_own_is_not_the_demos_to_remove(change, tmp_path, capsys):
    own = {"data": "synthetic:1", "codecs": ("jpeg:10,30,50,90",), "mitigations": ("none", "correct=small")} | change
    (tmp_path / PLAN).write_text(StudyPlan("onnx:demo", task="detection", **own).to_toml(), "utf-8")
    (tmp_path / ROWS).write_bytes(b"hours of work")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert run(["demo", "--task", "detection", "--items", "1", "-o", str(tmp_path)]) == 2
    assert "another study, which the demo will not remove; give another -o" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_an_unknown_task_is_refused_with_those_there_are(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["demo", "--task", "ocr"]) == 2
    assert "classification, detection, segmentation" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
