"""Gradients and attention on a network whose gradients are known, and the page they make."""

import json
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="looking at gradients needs torch")
if find_spec("onnx2torch") is None:
    pytest.skip("the demo's graph becomes a torch network by onnx2torch", allow_module_level=True)

from tests.study.conftest import texture  # noqa: E402
from unlossy.cli.main import run  # noqa: E402
from unlossy.core.blobs import BytesBlob  # noqa: E402
from unlossy.core.errors import DecodeError, UsageError  # noqa: E402
from unlossy.core.types import Item  # noqa: E402
from unlossy.datasets import open_dataset  # noqa: E402
from unlossy.metrics import Interval  # noqa: E402
from unlossy.report.explained import _point, render_explanation, sentences  # noqa: E402
from unlossy.runs.explained import GradientPoint  # noqa: E402
from unlossy.study.explain import ExplainPlan, Look, explain, spread  # noqa: E402
from unlossy.tasks.models.differentiable import TorchClassifier  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def found():
    torch.set_num_threads(1)
    plan = ExplainPlan("onnx:demo", "synthetic:4", ("jpeg:5,95",), ("none", "correct=small"), pictures=2)
    return explain(plan)


def test_gradients_are_bent_more_by_stronger_compression(found):
    at = {(point.codec, point.mitigation): point for point in found.points}
    assert set(at) == {(f"jpeg:{q}", m) for q in (5, 95) for m in ("none", "correct=small")}
    assert at["jpeg:95", "none"].weights.mean > at["jpeg:5", "none"].weights.mean + 0.1
    assert all(point.n == 4 and -1 <= point.weights.low <= point.weights.high <= 1 for point in found.points)


def test_a_lossless_copy_has_the_clean_gradient(monkeypatch):
    monkeypatch.setattr("unlossy.study.explain._versions", lambda source, codecs, _: [(codecs[0], "none", source)])
    same = explain(ExplainPlan("onnx:demo", "synthetic:2", ("jpeg:50",)))
    (point,) = same.points
    assert point.weights.mean == pytest.approx(1.0, abs=1e-4)
    assert point.pixels.mean == pytest.approx(1.0, abs=1e-4)


def test_the_gradient_and_the_map_are_those_worked_out_by_hand():
    """One convolution that picks the red plane, its mean as the logit of class 0 and minus it of class 1."""
    conv = torch.nn.Conv2d(3, 1, 1, bias=False)
    conv.weight.data = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    head = torch.nn.Linear(1, 2, bias=False)
    head.weight.data = torch.tensor([[1.0], [-1.0]])
    network = torch.nn.Sequential(conv, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), head)
    task = TorchClassifier("made", "d", (4, 4), network, lambda a: a, torch.eye(3), torch.zeros(3))
    image = np.zeros((4, 4, 3), np.uint8)
    image[0, 0] = (255, 0, 0)
    seen = Look(task, "0").seen(image, 0)
    p = 1 / (1 + np.exp(-2 / 16))
    assert seen.probability == pytest.approx(p, rel=1e-5)
    assert seen.pixels[0].numpy() == pytest.approx(np.full((4, 4), -2 * (1 - p) / 16), rel=1e-4)
    assert seen.weights.numpy() == pytest.approx([-2 * (1 - p) / 16, 0, 0, -(1 - p) / 16, (1 - p) / 16], rel=1e-4)
    assert int(seen.activation.argmax()) == 0
    assert float(seen.activation.flatten()[1:].max()) == 0.0


def test_pictures_show_every_version_with_its_answer(found):
    assert len(found.items) == 2
    for item in found.items:
        assert item.codec == "jpeg:5"
        assert [panel.name for panel in item.panels] == ["clean", "none", "correct=small"]
        assert item.panels[0].right
        assert all(panel.gradient.max() == panel.activation.max() == 255 for panel in item.panels)


def test_the_page_tells_it_in_words_and_loads_nothing(found):
    page = render_explanation(found)
    assert sentences(found)[0].startswith("At JPEG 5 the gradients")
    assert page.count("<img") == 2 * 3 * 3
    assert "http:" not in page.replace("http://www.w3.org", "")
    assert "https:" not in page


def test_without_none_the_first_mitigation_leads(found):
    def told(*texts):
        return sentences(
            replace(found, points=tuple(p for text in texts for p in found.points if p.mitigation == text))
        )

    mean = {p.mitigation: f"{p.weights.mean:.2f}" for p in found.points if p.codec == "jpeg:5"}
    (alone,) = told("correct=small")
    assert alone.startswith("At JPEG 5, with correct=small, the gradients")
    assert f"cosine of {mean['correct=small']} " in alone
    assert "it is" not in alone
    (both,) = told("correct=small", "none")
    assert both.startswith("At JPEG 5 the gradients")
    assert f"cosine of {mean['none']} " in both
    assert both.endswith(f"With correct=small it is {mean['correct=small']}.")
    assert told() == ["No picture could be compared."]


def test_a_codec_that_is_given_twice_is_one():
    found = explain(ExplainPlan("onnx:demo", "synthetic:2", ("jpeg:10", "jpeg:10,30"), pictures=1))
    assert [(point.codec, point.n) for point in found.points] == [("jpeg:10", 2), ("jpeg:30", 2)]
    assert [panel.name for panel in found.items[0].panels] == ["clean", "none"]


def test_the_command_writes_the_page_and_a_broken_item_is_named(tmp_path, capsys):
    for seed in range(2):
        Image.fromarray(texture(seed)).save(tmp_path / f"{seed}.png")
    (tmp_path / "2.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    words = ["--model", "onnx:demo", "--data", str(tmp_path), "--codec", "jpeg:10", "--mitigate", "none", "--json"]
    assert run(["explain", *words, "-o", str(tmp_path / "why.html")]) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["n_items"], told["failed"], told["cells"][0]["n"]) == (3, 1, 2)
    assert [error["key"] for error in told["errors"]] == ["2.png"]
    assert "2.png: " in (tmp_path / "why.html").read_text()
    assert run(["explain", *words[:-1], "-o", str(tmp_path / "why.html")]) == 3
    said = capsys.readouterr().out
    assert "1 of 3 items could not be compared:\n  2.png: " in said


@pytest.mark.parametrize("n_items", [1, 23, 24, 25, 100, 1000])
def test_without_a_limit_the_items_are_spread_over_all_there_are(n_items):
    items = [Item(f"{number:04d}", BytesBlob(b"")) for number in range(n_items)]
    places = [int(item.key) for item in spread(items, 24)]
    assert len(places) == min(n_items, 24)
    steps = np.diff([-1, *places, n_items])
    assert steps.min() >= 1
    assert steps[1:-1].max(initial=0) <= n_items / 24 + 1
    assert max(steps[0], steps[-1]) <= n_items / 48 + 1.5


def test_a_limit_takes_the_first_and_none_takes_all_classes(monkeypatch):
    looked_at = []

    def looks(item, *_):
        looked_at.append(item.key)
        raise DecodeError("not now")

    monkeypatch.setattr("unlossy.study.explain._explained", looks)
    every = [item.key for item in open_dataset("synthetic:100")]
    for limit in (24, None):
        explain(ExplainPlan("onnx:demo", "synthetic:100", ("jpeg:10",), limit=limit))
    assert looked_at[:24] == every[:24]
    assert len(looked_at) == 48
    assert looked_at[-1] in every[-4:]


def test_models_in_the_place_of_correctors_are_refused():
    with pytest.raises(UsageError, match="other weights"):
        explain(ExplainPlan("onnx:demo", "synthetic:2", ("jpeg:10",), ("model=onnx:demo",)))


def test_a_cosine_below_zero_keeps_its_place_and_interval():
    value = Interval(-0.05, -0.2, 0.1)
    point = _point(GradientPoint("jpeg:5", 5.0, "none", value, value, 3), value)
    assert (point.low, point.y, point.high) == (-0.2, -0.05, 0.1)
