"""The demo's methods: what ships answers as what was trained, and one tiny training end to end."""

import json
from dataclasses import replace
from importlib import resources

import numpy as np
import onnxruntime
import pytest
import torch

from unlossy.cli import demo
from unlossy.correctors.nets.weights_file import load_weights
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.tasks.models.registry import load_classifier
from unlossy.train import demo_methods
from unlossy.train.demo_classifier import render_scenes
from unlossy.train.demo_methods import Settings, aim, as_differentiable, finetune
from unlossy.train.demo_network import DemoNetwork, logits_of, normalise
from unlossy.train.kernels_in_bytes import in_bytes

WEIGHTS = resources.files("unlossy.tasks.models") / "weights"
TINY = Settings(n_scenes=6, finetune_steps=1, n_unlabeled=17, unlabeled_px=144, ttac_steps=1, n_evaluation=2)


@pytest.fixture(autouse=True)
def threads_kept():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def logits(graph, images):
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"pixel_values": normalise(images)})[0]


def test_kernels_in_bytes_give_nearly_the_same_logits_in_a_quarter_of_the_size():
    graph = (WEIGHTS / "demo_classifier.onnx").read_bytes()
    small = in_bytes(graph)
    assert len(small) < 0.27 * len(graph)
    images = render_scenes(7, 6, 128, 1).images
    exact, found = logits(graph, images), logits(small, images)
    assert 0 < np.abs(found - exact).max() < 0.5 * exact.std()
    assert (found.argmax(axis=1) == exact.argmax(axis=1)).mean() >= 5 / 6


def test_the_corrector_is_aimed_at_the_classifier_that_ships():
    task = as_differentiable(demo_methods._classifier())
    shipped = load_classifier("onnx:demo", threads=1)
    assert task.digest == shipped.digest
    image = render_scenes(7, 1, 128, 1).images[0]
    planes = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255
    with torch.inference_mode():
        found = task.outputs(planes)["logits"].numpy()
    expected = shipped.logits([shipped.normalise(shipped.resize(image))])
    assert np.abs(found - expected).max() < 1e-3
    assert not any(parameter.requires_grad for parameter in task.network.parameters())


def test_fine_tuning_learns_and_repeats():
    scenes = render_scenes(7, 4, 128, 1).images
    one, two = (finetune(demo_methods._classifier(), TINY) for _ in range(2))
    assert isinstance(one, DemoNetwork)
    assert np.array_equal(logits_of(one, scenes), logits_of(two, scenes))
    assert not np.allclose(logits_of(one, scenes), logits_of(demo_methods._classifier(), scenes))


def test_the_aimed_corrector_ships_as_weights_and_a_graph_that_says_what_it_is_for(tmp_path):
    aim(demo_methods._classifier(), TINY, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"demo_ttac.safetensors", "demo_ttac.onnx"}
    (aimed,) = json.loads(load_weights(tmp_path / "demo_ttac.safetensors")[1]["aimed_at"])
    assert aimed == {"model": "onnx:demo", "digest": load_classifier("onnx:demo", threads=1).digest}
    corrector = open_corrector(str(tmp_path / "demo_ttac.safetensors"), Choices(threads=1))
    assert corrector.libraries[0] == "onnxruntime"
    clean = demo_methods._picture(render_scenes(7, 1, 128, 1).images[0], None)
    assert np.array_equal(corrector.correct([clean])[0], clean.pixels_hwc), "no trace of JPEG, no correction"


def test_the_cards_say_what_was_measured():
    figures = {name: {"clean": 0.97, "10": 0.4} for name in ("none", "demo_ttac", "demo_finetuned")}
    text = demo_methods._card("demo_ttac", replace(TINY, seed=3, threads=2), figures, 130.0)
    assert "17 scenes of 144 px (seed\n2000000), 1 steps" in text
    assert "--seed 3 --threads 2`, 2 processor minutes" in text
    assert "| JPEG 10 | 40.0 | 40.0 | 40.0 |" in text


def test_the_demo_compares_what_ships(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "files", lambda _package: tmp_path)
    assert demo.demo_mitigations() == ("none", "correct=small")
    (tmp_path / "weights").mkdir()
    for name in ("demo_ttac.safetensors", "demo_finetuned.onnx"):
        (tmp_path / "weights" / name).touch()
    assert demo.demo_mitigations()[2:] == (
        f"correct={tmp_path}/weights/demo_ttac.safetensors",
        f"model=onnx:{tmp_path}/weights/demo_finetuned.onnx",
    )
