import json
from importlib import resources

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from unlossy.core.errors import MissingDependency
from unlossy.datasets.synthetic import CLASS_NAMES
from unlossy.train import demo_classifier, demo_network
from unlossy.train.demo_classifier import Scenes, Settings, accuracy_curve, render_scenes

WEIGHTS = resources.files("unlossy.tasks.models") / "weights"
SMALL = Settings(steps=4, n_training=40, n_evaluation=8, size=64, processes=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    before = torch.get_num_threads()
    demo_classifier.train(SMALL, folder)
    torch.set_num_threads(before)
    return folder


def onnx_logits(file, images):
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"pixel_values": demo_network.normalise(images)})[0]


def network_of(safetensors_file):
    network = demo_network.DemoNetwork(len(CLASS_NAMES))
    network.load_state_dict(load_file(safetensors_file))
    return network.eval()


def test_the_onnx_file_answers_as_the_torch_weights_do_at_any_batch_size(trained):
    network = network_of(trained / "demo_classifier.safetensors")
    images = render_scenes(5, 5, 64, 1).images
    expected = demo_network.logits_of(network, images)
    for batch in (1, 5):
        found = onnx_logits(trained / "demo_classifier.onnx", images[:batch])
        assert np.abs(found - expected[:batch]).max() <= 1e-4
    assert expected.std() > 0


def test_the_files_hold_their_promises(trained):
    names = {"demo_classifier.onnx", "demo_classifier.safetensors", "demo_classifier.json", "demo_classifier.md"}
    assert {path.name for path in trained.iterdir()} == names
    for name in names:
        assert (trained / name).stat().st_size < 2_000_000
    document = json.loads((trained / "demo_classifier.json").read_text())
    session = onnxruntime.InferenceSession(str(trained / document["file"]), providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    assert entry.name == document["input"]["name"] == "pixel_values"
    assert entry.shape[1:] == [3, *document["input"]["size_hw"]]
    assert document["labels"] == list(CLASS_NAMES)
    card = (trained / "demo_classifier.md").read_text()
    for part in ("| clean |", "| JPEG 10 |", "Apache-2.0", "--seed 0 --steps 4"):
        assert part in card


def test_the_same_seed_gives_the_same_weights():
    scenes = render_scenes(1, 32, 64, 1)

    def weights(seed):
        network = demo_network.fit(
            scenes.images, scenes.class_indices, n_classes=16, steps=2, seed=seed, report=lambda step, loss: None
        )
        return network.state_dict()["classify.weight"].numpy()

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    assert np.array_equal(weights(0), weights(0))
    assert not np.array_equal(weights(0), weights(1))
    torch.set_num_threads(before)


def test_training_lowers_the_loss_on_a_handful_of_scenes():
    scenes = render_scenes(1, 16, 64, 1)
    losses = []
    demo_network.fit(
        scenes.images,
        scenes.class_indices,
        n_classes=16,
        steps=60,
        seed=0,
        report=lambda step, loss: losses.append(loss),
    )
    assert losses[-1] < 0.6 * np.log(16)


def test_the_input_is_normalised_as_the_json_says():
    image = np.array([[[0, 128, 255]]], dtype=np.uint8)
    found = demo_network.normalise(image[None])[0, :, 0, 0]
    expected = (np.array([0.0, 128 / 255, 1.0]) - demo_network.MEAN) / demo_network.STD
    assert found == pytest.approx(expected, abs=1e-6)


def test_without_torch_the_command_names_the_extra(monkeypatch, tmp_path, capsys):
    def absent(module, extra, needed_for):
        raise MissingDependency(module, extra, needed_for)

    monkeypatch.setattr(demo_classifier, "require", absent)
    assert demo_classifier.main(["-o", str(tmp_path / "out")]) == 4
    assert "unlossy[train]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_shipped_file_is_right_on_clean_scenes_and_loses_on_jpeg():
    document = json.loads((WEIGHTS / "demo_classifier.json").read_text())
    (size, _), mean, std = document["input"]["size_hw"], document["input"]["mean"][0], document["input"]["std"][0]
    assert document["labels"] == list(CLASS_NAMES)
    scenes = render_scenes(0, 48, size, 1)
    with resources.as_file(WEIGHTS / "demo_classifier.onnx") as file:
        figures = accuracy_curve(file, Scenes(scenes.images, scenes.class_indices), mean, std)
    assert figures["clean"] > 0.8
    assert figures["clean"] - figures["90"] < 0.1
    assert figures["10"] < figures["clean"] - 0.2
    assert figures["10"] > 2 / len(CLASS_NAMES)


def test_the_shipped_safetensors_are_the_shipped_onnx_file():
    images = render_scenes(0, 4, 128, 1).images
    with resources.as_file(WEIGHTS) as folder:
        expected = demo_network.logits_of(network_of(folder / "demo_classifier.safetensors"), images)
        assert np.abs(onnx_logits(folder / "demo_classifier.onnx", images) - expected).max() <= 1e-4
