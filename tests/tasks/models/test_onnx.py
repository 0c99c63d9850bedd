"""onnx: known answers from graphs small enough to reckon by hand, every way of feeding, and what is refused."""

import json

import numpy as np
import pytest

from tests.tasks.small_models import facts_json, mean_colour_onnx
from unlossy.core.errors import ModelError, UsageError
from unlossy.tasks.models.registry import load_classifier

IDENTITY = np.eye(3)
COLOUR = np.array([200, 100, 50], np.uint8)


@pytest.fixture
def save(tmp_path):
    """A function that saves a mean-colour model and gives its SPEC."""

    def save_model(weights=IDENTITY, document=None, **graph):
        file = tmp_path / "model.onnx"
        mean_colour_onnx(file, weights, **graph)
        file.with_suffix(".json").write_text(json.dumps(document or facts_json()))
        return f"onnx:{file}"

    return save_model


def answer(classifier, *images):
    return classifier.logits([classifier.normalise(classifier.resize(image)) for image in images])


def plain(colour=COLOUR, height=40, width=30):
    return np.broadcast_to(colour, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, COLOUR / 255),
        ({"scale": "0..255"}, COLOUR),
        ({"channels": "BGR", "scale": "0..255"}, COLOUR[::-1]),
        ({"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 0.2]}, (COLOUR / 255 - [0.1, 0.2, 0.3]) / [0.5, 0.25, 0.2]),
        # nanodet's convention: mean and std in BGR order, in 0..255
        (
            {"channels": "BGR", "scale": "0..255", "mean": [103.53, 116.28, 123.675], "std": [57.375, 57.12, 58.395]},
            (COLOUR[::-1] - np.array([103.53, 116.28, 123.675])) / [57.375, 57.12, 58.395],
        ),
    ],
)
def test_the_numbers_that_go_in(save, settings, expected):
    classifier = load_classifier(save(document=facts_json(**settings)), threads=1)
    np.testing.assert_allclose(answer(classifier, plain())[0], expected, rtol=1e-5)


def test_channels_last(save):
    spec = save(document=facts_json(layout="NHWC"), shape=("batch", 16, 16, 3), axes=(1, 2))
    np.testing.assert_allclose(answer(load_classifier(spec), plain())[0], COLOUR / 255, rtol=1e-5)


@pytest.mark.parametrize("fixed", [1, 4])
def test_a_fixed_batch_answers_any_number_of_images(save, noise, fixed):
    images = [noise(20, 20 + n, seed=n) for n in range(6)]
    expected = answer(load_classifier(save()), *images)
    np.testing.assert_allclose(
        answer(load_classifier(save(shape=(fixed, 3, 16, 16))), *images), expected, rtol=1e-5, atol=1e-6
    )


def test_probabilities_come_back_as_their_logarithm(save):
    document = facts_json(outputs=[{"name": "scores", "kind": "probabilities"}])
    logits = answer(load_classifier(save(4 * IDENTITY, document, softmax=True)), plain())[0]
    expected = np.exp(4.0 * COLOUR / 255.0) / np.exp(4.0 * COLOUR / 255.0).sum()
    np.testing.assert_allclose(np.exp(logits), expected, rtol=1e-5)


def test_logits_declared_probabilities_are_an_error(save):
    document = facts_json(outputs=[{"name": "scores", "kind": "probabilities"}])
    with pytest.raises(ModelError, match="do not add up to 1"):
        answer(load_classifier(save(10 * IDENTITY, document)), plain())


def test_without_json_a_minimal_one_is_shown_and_it_is_valid(save, tmp_path):
    from unlossy.tasks.models.facts import MINIMAL

    spec = save()
    (tmp_path / "model.json").unlink()
    with pytest.raises(UsageError, match=r'model.json is missing beside it(.|\n)*"size_hw": \[224, 224\]'):
        load_classifier(spec)
    mean_colour_onnx(tmp_path / "model.onnx", IDENTITY, shape=("batch", 3, 224, 224))
    (tmp_path / "model.json").write_text(MINIMAL.replace('"logits", "kind"', '"scores", "kind"'))
    assert load_classifier(spec).resize(plain()).shape == (224, 224, 3)


@pytest.mark.parametrize(
    ("document", "finding"),
    [
        (facts_json(task="detection"), '"task" is "detection"'),
        (facts_json(channels="GRB"), '"channels" is "GRB"'),
        (facts_json(scale="-1..1"), '"scale" is "-1..1"'),
        (facts_json(std=[0, 1, 1]), '"std" is .*3 numbers above 0'),
        (facts_json(mean=[0.5]), '"mean" is .*3 numbers were expected'),
        (facts_json(size_hw=None), "leaves the long side free"),
        (facts_json(resize={"rule": "stretch", "filter": "sinc"}), '"filter" is "sinc"'),
        (facts_json(resize={"rule": "shortest_edge", "edge": 20}), "leaves the long side free"),
        (facts_json(resize={"rule": "fit"}), '"rule" is "fit"'),
        (facts_json(outputs=[{"name": "scores", "kind": "votes"}]), '"kind" is "votes"'),
        (facts_json(outputs=[]), '"outputs" must be a list of one'),
        (facts_json(labels="abc"), '"labels" must be a list'),
        (facts_json(labels=["a", "b"]), "the graph has 3 classes, its JSON 2 labels"),
        (facts_json(name="image"), "the JSON names 'image' of the inputs 'pixels'"),
        (facts_json(size_hw=[32, 32]), "the graph's input is .* the JSON says NCHW"),
        (facts_json(layout="NHWC"), "the graph's input is .* the JSON says NHWC"),
        ([1, 2], "an object .* was expected"),
    ],
)
def test_a_wrong_json_is_refused_by_field(save, document, finding):
    with pytest.raises(UsageError, match=finding):
        load_classifier(save(document=document))


def test_broken_files_are_usage_errors(save, tmp_path):
    spec = save()
    (tmp_path / "model.json").write_bytes(b"\xff{")
    with pytest.raises(UsageError, match="cannot be read as JSON"):
        load_classifier(spec)
    (tmp_path / "model.json").write_text(json.dumps(facts_json()))
    (tmp_path / "model.onnx").write_bytes(b"garbage")
    with pytest.raises(UsageError, match="ONNX Runtime cannot load it"):
        load_classifier(spec)
    with pytest.raises(UsageError, match="no such ONNX file"):
        load_classifier("onnx:nowhere.onnx")


def test_external_tensors_count_in_the_digest(save, tmp_path):
    spec = save()
    (tmp_path / "model.onnx.data").write_bytes(b"one")
    first = load_classifier(spec).digest
    (tmp_path / "model.onnx.data").write_bytes(b"two")
    assert load_classifier(spec).digest != first
