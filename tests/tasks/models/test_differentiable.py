"""Gradients through a model SPEC: the same answers as the classifier gives, and refusals of what cannot be followed."""

from importlib import resources
from importlib.util import find_spec

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="gradients need torch")
onnxruntime = pytest.importorskip("onnxruntime")

from unlossy.core.errors import UsageError  # noqa: E402
from unlossy.tasks.models.assembled import AssembledClassifier  # noqa: E402
from unlossy.tasks.models.differentiable import arithmetic_of, fed_as, input_size, open_differentiable  # noqa: E402
from unlossy.tasks.models.preprocess import Preprocess  # noqa: E402
from unlossy.tasks.models.registry import load_classifier  # noqa: E402
from unlossy.tasks.registry import load_task  # noqa: E402

needs_onnx2torch = pytest.mark.skipif(
    find_spec("onnx2torch") is None, reason="ONNX graphs become torch networks by onnx2torch"
)


def classifier(normalise, resize=lambda image: image[:24, :32], trainable=None):
    return AssembledClassifier("made", "d", None, 2, (), resize, normalise, lambda _batch: None, trainable)


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
@pytest.mark.parametrize("scale", ["0..1", "0..255"])
def test_arithmetic_is_recovered_whatever_its_scale_and_order(channels, scale):
    stated = Preprocess((24, 32), channels=channels, scale=scale, mean=(0.4, 0.5, 7.0), std=(0.2, 0.3, 0.5))
    matrix, shift = arithmetic_of(classifier(stated.normalise))
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    found = np.einsum("oc,hwc->ohw", matrix.numpy(), image / np.float32(255)) + shift.numpy()[:, None, None]
    assert np.allclose(found, stated.normalise(image), rtol=1e-4, atol=1e-3)


@needs_onnx2torch
def test_the_demo_network_answers_as_onnx_runtime_does_and_gradients_reach_the_picture():
    frozen, whole = open_differentiable("onnx:demo"), load_classifier("onnx:demo")
    assert frozen.input_hw == (128, 128)
    images = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), dtype=np.uint8)
    wanted = whole.logits([whole.normalise(whole.resize(image)) for image in images])
    pictures = torch.from_numpy(images.transpose(0, 3, 1, 2) / np.float32(255)).requires_grad_()
    logits = frozen.outputs(pictures)["logits"]
    assert np.allclose(logits.detach().numpy(), wanted, atol=1e-3)
    logits.square().mean().backward()
    assert float(pictures.grad.abs().max()) > 0
    assert all(parameter.grad is None for parameter in frozen.network.parameters())


@needs_onnx2torch
def test_a_detectors_raw_heads_are_those_of_onnx_runtime_and_gradients_reach_the_picture():
    frozen, whole = open_differentiable("onnx:demo", "detection"), load_task("detection", "onnx:demo")
    images = np.random.default_rng(0).integers(0, 256, (2, *frozen.input_hw, 3), dtype=np.uint8)
    with resources.as_file(resources.files("unlossy.tasks.models") / "weights" / "demo_detector.onnx") as file:
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    feed = np.stack([whole.normalise(whole.resize(image)).pixels for image in images])
    wanted = dict(zip(names, session.run(names, {session.get_inputs()[0].name: feed}), strict=True))
    pictures = torch.from_numpy(images.transpose(0, 3, 1, 2) / np.float32(255)).requires_grad_()
    found = frozen.outputs(pictures)
    assert {name: head.kind for name, head in frozen.heads.items()} == {"scores": "scores", "sides": "values"}
    for name in frozen.heads:
        assert np.allclose(found[name].detach().numpy(), wanted[name], atol=1e-3), name
        (gradient,) = torch.autograd.grad(found[name].square().mean(), pictures, retain_graph=True)
        assert float(gradient.abs().max()) > 0


@needs_onnx2torch
def test_pictures_of_another_size_are_resized_first():
    frozen = open_differentiable("onnx:demo")
    flat = torch.full((1, 3, 90, 70), 0.4)
    assert torch.allclose(frozen.outputs(flat)["logits"], frozen.outputs(torch.full((1, 3, 128, 128), 0.4))["logits"])


def test_models_without_a_torch_network_and_bent_arithmetic_are_refused(monkeypatch):
    def bent(image):
        return (image.astype(np.float32) ** 2).transpose(2, 0, 1)

    with pytest.raises(UsageError, match="not affine"):
        arithmetic_of(classifier(bent))
    monkeypatch.setattr("unlossy.tasks.models.differentiable.load_classifier", lambda spec, threads: classifier(bent))
    with pytest.raises(UsageError, match="gradients cannot go through"):
        open_differentiable("made")


def test_a_callables_own_module_takes_any_size(monkeypatch):
    module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    own = classifier(lambda image: image, resize=lambda image: image, trainable=lambda: module)
    monkeypatch.setattr("unlossy.tasks.models.differentiable.load_classifier", lambda spec, threads: own)
    frozen = open_differentiable("py:made")
    assert (frozen.input_hw, input_size(own)) == (None, None)
    assert torch.allclose(frozen.outputs(torch.full((2, 3, 9, 5), 0.25))["logits"], torch.full((2, 3), 0.25))


def test_channels_last_and_probabilities_are_undone():
    fed = fed_as(torch.nn.Softmax(dim=-1), channels_last=True, probabilities=True)
    image = torch.tensor([1.0, 2.0, 4.0]).reshape(1, 3, 1, 1)
    logits = fed.pick(fed.network(image))
    assert torch.allclose(logits - logits[:, :1], torch.tensor([[0.0, 1.0, 3.0]]), atol=1e-5)
