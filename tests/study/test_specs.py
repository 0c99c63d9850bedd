"""A whole study with a model from every place that models come from, and beside a torchvision that does not load."""

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

from tests.study.conftest import texture
from tests.tasks.models.test_torchvision_compat import broken_copy
from tests.tasks.small_models import BUILDERS, N_CLASSES
from unlossy.study import StudyPlan, run_study
from unlossy.tasks.models.torchvision_compat import ensure_torchvision


@pytest.fixture
def pictures(tmp_path):
    """Nine pictures of three classes, of odd sizes."""
    for seed in range(9):
        folder = tmp_path / "pictures" / f"class_{seed % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(texture(seed, 50)).resize((41 + seed, 53)).save(folder / f"{seed}.png")
    return tmp_path / "pictures"


@pytest.mark.parametrize("prefix", sorted(BUILDERS))
@pytest.mark.parametrize("compress_at", ["source", "input"])
def test_every_spec_runs_a_study(prefix, compress_at, pictures, tmp_path, monkeypatch):
    ensure_torchvision()  # the builders import timm and torchvision themselves
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = BUILDERS[prefix](tmp_path, 0)
    plan = StudyPlan(model=spec, data=str(pictures), codecs=("jpeg:5,90",), compress_at=compress_at, batch=4)
    result = run_study(plan, tmp_path / "run")
    assert (result.n_items, result.failed, dict(result.errors)) == (9, 0, {})
    assert result.clean["agreement"] == 1
    assert 0 < result.clean["p_true"] < 1
    assert (result.clean["top5"] is None) == (N_CLASSES < 5)
    low, high = result.cells
    assert low.metrics["p_true"] != result.clean["p_true"]
    assert low.rate_bpp < high.rate_bpp


def test_an_hf_study_runs_beside_a_broken_torchvision(pictures, tmp_path):
    spec = BUILDERS["hf"](tmp_path, 0)
    broken_copy(tmp_path / "site")
    options = ["--model", spec, "--data", str(pictures), "--codec", "jpeg:10", "-o", str(tmp_path / "run"), "--json"]
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "unlossy", "study", *options],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "torchvision" not in done.stderr
    told = json.loads(done.stdout)
    assert (told["n_items"], told["failed"]) == (9, 0)
    assert told["cells"][0]["metrics"]["p_true"] is not None
