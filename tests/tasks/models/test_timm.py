"""timm: preprocessing and logits against timm's own, and what is refused."""

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from unlossy.core.errors import UsageError
from unlossy.tasks.models import timm as adapter
from unlossy.tasks.models.registry import load_classifier


def test_logits_are_those_of_timm(specs, classifiers, noise):
    network = timm.create_model("test_resnet", num_classes=7).eval()
    network.load_state_dict(load_file(specs("timm").partition("@")[2]))
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network), is_training=False)
    ours = classifiers("timm")
    for size in [(57, 83), (201, 160), (30, 300)]:
        image = noise(*size)
        with torch.no_grad():
            expected = network(transform(Image.fromarray(image))[None]).numpy()
        np.testing.assert_allclose(ours.logits([ours.normalise(ours.resize(image))]), expected, atol=1e-6)


@pytest.mark.parametrize("settings", [{"crop_mode": "squash"}, {"crop_mode": "border"}, {"interpolation": "bilinear"}])
def test_the_halves_are_timms_whole_in_every_crop_mode(noise, settings):
    transform = timm.data.create_transform((3, 48, 40), is_training=False, crop_pct=0.9, **settings)
    resize, normalise = adapter._halves(transform)
    for size in [(57, 83), (48, 40), (30, 301)]:
        image = noise(*size)
        np.testing.assert_array_equal(normalise(resize(image)), transform(Image.fromarray(image)).numpy())


def test_an_unknown_name_gets_near_ones():
    with pytest.raises(UsageError, match=r"no model 'resnet5O'. Near it: .*resnet50"):
        load_classifier("timm:resnet5O@x.safetensors")


def test_an_unknown_tag_is_refused():
    with pytest.raises(UsageError, match=r"no model 'resnet50\.nobody'"):
        load_classifier("timm:resnet50.nobody")


def test_without_a_file_the_hub_is_asked_for_safetensors(monkeypatch, specs):
    asked = []

    def hub_folder(repo_id, patterns, needed):
        asked.append((repo_id, patterns))
        raise UsageError("offline")

    monkeypatch.setattr(adapter, "hub_folder", hub_folder)
    with pytest.raises(UsageError, match=r"offline"):
        load_classifier("timm:resnet10t.c3_in1k")
    assert asked == [("timm/resnet10t.c3_in1k", ["model.safetensors"])]


def test_weights_of_another_network_are_refused(specs, tmp_path):
    tensors = load_file(specs("timm").partition("@")[2])
    save_file({**tensors, "fc.weight": torch.zeros(7, 5)}, tmp_path / "other.safetensors")
    with pytest.raises(UsageError, match=r"do not fit timm's 'test_resnet'.*size mismatch for fc.weight"):
        load_classifier(f"timm:test_resnet@{tmp_path / 'other.safetensors'}")
    save_file({"x": torch.zeros(1)}, tmp_path / "headless.safetensors")
    with pytest.raises(UsageError, match=r"no classifier of 'test_resnet'"):
        load_classifier(f"timm:test_resnet@{tmp_path / 'headless.safetensors'}")


def test_a_pickle_is_not_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was opened",))

    torch.save({"x": Bomb()}, tmp_path / "weights.pth")
    with pytest.raises(UsageError, match=r"never unpickled. Convert with"):
        load_classifier(f"timm:test_resnet@{tmp_path / 'weights.pth'}")


def test_no_file_and_garbage_are_usage_errors(tmp_path):
    with pytest.raises(UsageError, match=r"no such weight file"):
        load_classifier("timm:test_resnet@nowhere.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"garbage")
    with pytest.raises(UsageError, match=r"not a sound safetensors file"):
        load_classifier(f"timm:test_resnet@{tmp_path / 'bad.safetensors'}")
