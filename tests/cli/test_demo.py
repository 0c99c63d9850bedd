"""`unlossy demo --task`, from outside: what a reader types on the base install."""

import subprocess
import sys

import pytest

from unlossy.cli.main import run
from unlossy.runs.folder import read_plan

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


def test_an_unknown_task_is_refused_with_those_there_are(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["demo", "--task", "ocr"]) == 2
    assert "classification, detection, segmentation" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
