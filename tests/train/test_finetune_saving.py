"""A trained classifier saved in its own format is the same classifier; with a new head, all of it but the head."""

import json

import numpy as np
import pytest
import torch

from tests.tasks.small_models import BUILDERS, N_CLASSES, facts_json
from unlossy.core.errors import UsageError
from unlossy.tasks.models.registry import load_classifier
from unlossy.tasks.models.saving import open_savable

NAMES = ("oak", "elm", "ash", "fir")
HEADS = {"hf": "classifier.1", "timm": "fc", "torchvision": "classifier.1"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("saving")


@pytest.fixture(scope="module", params=sorted(HEADS))
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def spec(kind, place):
    return BUILDERS[kind](place, 1)


def pictures(n=3):
    rng = np.random.default_rng(5)
    return [rng.integers(0, 256, (90, 70 + 20 * i, 3), dtype=np.uint8) for i in range(n)]


def answers(classifier):
    return classifier.logits([classifier.normalise(classifier.resize(picture)) for picture in pictures()])


def test_saved_and_opened_again_it_gives_the_same_answers(spec, kind, tmp_path):
    model = open_savable(spec)
    assert all(parameter.requires_grad for parameter in model.network.parameters())
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.mul_(1.1)
    model.network.to(memory_format=torch.channels_last)
    model.save(model.network, tmp_path)
    again = load_classifier(model.saved_as(tmp_path))
    source = load_classifier(spec)
    prepared = torch.from_numpy(np.stack([source.normalise(source.resize(picture)) for picture in pictures()]))
    with torch.inference_mode():
        wanted = model.pick(model.network.eval()(prepared)).numpy()
    assert again.n_classes == N_CLASSES
    assert again.labels == source.labels
    assert np.allclose(answers(again), wanted, atol=1e-5)
    assert not np.allclose(answers(again), answers(source), atol=1e-3)
    assert not list(tmp_path.rglob("*.part"))
    (tmp_path / "plain").touch()
    modes = {path.stat().st_mode for path in tmp_path.rglob("*") if path.is_file()}
    assert len(modes) == 1, "weights are as readable as any other file"


def test_a_new_head_is_all_that_is_new(spec, kind, tmp_path):
    torch.manual_seed(3)
    model = open_savable(spec, NAMES)
    assert (model.n_classes, model.labels) == (4, NAMES)
    model.save(model.network, tmp_path)
    again = load_classifier(model.saved_as(tmp_path))
    assert again.n_classes == 4
    assert again.labels == (None if kind == "timm" else NAMES), "timm has nowhere to keep names"
    before = load_classifier(spec).trainable().network.state_dict()
    after = again.trainable().network.state_dict()
    changed = {name for name in after if before[name].shape != after[name].shape}
    assert {name.rpartition(".")[0] for name in changed} == {HEADS[kind]}
    assert all(torch.equal(before[name], after[name]) for name in after if name not in changed)
    assert np.asarray(answers(again)).shape == (3, 4)


def test_a_second_save_replaces_the_first(spec, kind, tmp_path):
    model = open_savable(spec)
    model.save(model.network, tmp_path)
    first = sorted(path.name for path in tmp_path.rglob("*"))
    with torch.no_grad():
        next(model.network.parameters()).zero_()
    model.save(model.network, tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == first
    found = load_classifier(model.saved_as(tmp_path)).trainable().network
    assert not next(found.parameters()).any()


def test_torchvision_keeps_the_preprocessing_that_stood_beside_its_weights(tmp_path):
    spec = BUILDERS["torchvision"](tmp_path, 2)
    file = tmp_path / "torchvision2.safetensors"
    facts = facts_json(labels=[f"class {i}" for i in range(N_CLASSES)]) | {"file": file.name}
    file.with_suffix(".json").write_text(json.dumps(facts))
    model = open_savable(spec, NAMES)
    model.save(model.network, tmp_path / "run")
    again = load_classifier(model.saved_as(tmp_path / "run"))
    assert again.resize(pictures()[0]).shape == (16, 16, 3), "the JSON's size, not the architecture's"
    assert np.array_equal(again.resize(pictures()[0]), load_classifier(spec).resize(pictures()[0]))
    assert again.labels == NAMES


@pytest.mark.parametrize(("prefix", "finding"), [("onnx", "ONNX graph"), ("py", "only its author")])
def test_what_cannot_be_saved_is_refused_with_the_reason(prefix, finding):
    with pytest.raises(UsageError, match=f"cannot be fine-tuned: .*{finding}"):
        open_savable(f"{prefix}:anything")


def test_an_unknown_form_is_refused():
    with pytest.raises(UsageError, match="not understood"):
        open_savable("resnet50")
