"""A torchvision that does not fit torch, in processes of their own; one is broken on purpose whatever is installed."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from unlossy.core.errors import UsageError
from unlossy.tasks.models import torchvision_compat as compat

FAKE = """
import torch
if not hasattr(torch.ops.torchvision, "nms"):
    raise RuntimeError("operator torchvision::nms does not exist")
"""


def broken_copy(folder: Path) -> None:
    """The installed torchvision with a compiled library that does not load, or a fake where none is installed."""
    spec, package = importlib.util.find_spec("torchvision"), folder / "torchvision"
    package.mkdir(parents=True)
    if spec is None:
        (package / "__init__.py").write_text(FAKE)
        return
    for entry in Path(spec.origin).parent.iterdir():
        if entry.suffix not in (".so", ".pyd", ".dylib"):
            (package / entry.name).symlink_to(entry)
    (package / "_C.so").write_bytes(b"not a library")


def run(code: str, folder: Path) -> dict:
    """What the code prints as JSON, in a fresh interpreter that finds `folder` first."""
    path = os.pathsep.join([str(folder), str(Path(compat.__file__).parents[3]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_an_hf_model_answers_beside_a_broken_torchvision(tmp_path, specs, classifiers):
    broken_copy(tmp_path)
    code = f"""
import json, sys, time
try:
    import torchvision; before = None
except RuntimeError as error:
    before = str(error)
for name in [name for name in sys.modules if name.startswith("torchvision")]:
    del sys.modules[name]
import numpy as np
from unlossy.tasks.registry import load_task
task = load_task("classification", {specs("hf")!r}, threads=1)
image = np.arange(50 * 60 * 3, dtype=np.uint8).reshape(50, 60, 3)
answer = task.predict([task.prepare(image)])[0]
import torch, torchvision
from torchvision.ops import nms, roi_align
boxes = torch.tensor([[0., 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
kept = nms(boxes, torch.tensor([.5, .9, .1]), .5).tolist()
start = time.perf_counter()
pooled = roi_align(torch.ones(1, 1, 16, 16), [boxes[:1]], 2).flatten().tolist()
elapsed_s = time.perf_counter() - start
print(json.dumps([before, answer.probabilities.tolist(), kept, pooled, elapsed_s, torchvision.__file__]))
"""
    before, probabilities, kept, pooled, elapsed_s, file = run(code, tmp_path)
    assert before == "operator torchvision::nms does not exist"
    assert Path(file).parent == tmp_path / "torchvision"
    assert (kept, pooled) == ([1, 2], [1.0] * 4)
    assert elapsed_s < 3, "roi_align was compiled"
    image = np.arange(50 * 60 * 3, dtype=np.uint8).reshape(50, 60, 3)
    ours = classifiers("hf")
    logits = ours.logits([ours.normalise(ours.resize(image))])[0]
    np.testing.assert_allclose(probabilities, np.exp(logits) / np.exp(logits).sum(), atol=1e-6)


def test_a_torchvision_without_any_library_is_mended_and_a_second_call_does_nothing(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(FAKE)
    code = """
import json, threading
from unlossy.tasks.models.torchvision_compat import ensure_torchvision
threads = [threading.Thread(target=ensure_torchvision) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
import torchvision, torch
ensure_torchvision()
print(json.dumps(torch.ops.torchvision.nms(torch.tensor([[0., 0, 1, 1]] * 2), torch.tensor([.1, .2]), .5).tolist()))
"""
    assert run(code, tmp_path) == [1]


def test_a_sound_torchvision_of_unknown_layout_is_left_alone(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("import torch\n")
    code = """
import json, torch
from unlossy.tasks.models.torchvision_compat import ensure_torchvision
ensure_torchvision()
print(json.dumps(hasattr(torch.ops.torchvision, "nms")))
"""
    assert run(code, tmp_path) is False


@pytest.fixture
def fresh(monkeypatch):
    """The module as before its first call, with no torchvision imported."""
    monkeypatch.setattr(compat, "_done", False)
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)


def test_nothing_happens_where_torchvision_is_absent(fresh, monkeypatch):
    monkeypatch.setattr(compat, "find_spec", lambda name: None if name == "torchvision" else object())
    monkeypatch.setattr(compat, "_repair_if_broken", lambda: pytest.fail("touched"))
    compat.ensure_torchvision()


def test_a_sound_one_is_not_imported(fresh, monkeypatch):
    monkeypatch.setattr(compat, "_operators_load", lambda: True)
    compat.ensure_torchvision()
    assert "torchvision" not in sys.modules


def test_one_that_is_broken_beyond_this_is_a_usage_error(fresh, monkeypatch):
    monkeypatch.setattr(compat, "_operators_load", lambda: False)
    monkeypatch.setattr(compat, "_import_error", lambda: RuntimeError("different CUDA major versions"))
    with pytest.raises(UsageError, match=r"different CUDA major versions.*made for this torch, or uninstall"):
        compat.ensure_torchvision()


def brute_force(boxes, scores, threshold):
    """Greedy suppression, written box by box from its definition."""
    left, kept = sorted(range(len(scores)), key=lambda i: -scores[i]), []
    while left:
        best, *left = left
        kept.append(best)

        def overlap(i, a=boxes[best]):
            b = boxes[i]
            w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
            shared = max(w, 0) * max(h, 0)
            return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)

        left = [i for i in left if not overlap(i) > threshold]
    return kept


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("count", [0, 1, 2, 60])
def test_nms_is_the_definition(count, threshold):
    rng = np.random.default_rng(count)
    corners = rng.uniform(0, 50, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(1, 30, (count, 2))], axis=1)
    scores = rng.permutation(count) / 60
    kept = compat.nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold)
    assert kept.dtype == torch.int64
    assert kept.tolist() == brute_force(boxes.tolist(), scores.tolist(), threshold)
