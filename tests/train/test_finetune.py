"""Fine-tuning as a whole: it learns, resumes exactly, keeps the best, and ends cleanly whatever goes wrong."""

import csv
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.tasks.small_models import BUILDERS
from tests.train.finetune_sets import COLOURS, asked, colours
from unlossy.core.errors import RunError, UsageError
from unlossy.tasks.models.registry import load_classifier
from unlossy.train import finetune
from unlossy.train.finetune import train_finetune
from unlossy.train.finetune_draw import each_alike
from unlossy.train.finetune_optimizer import norms_folded


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("finetune")


@pytest.fixture(scope="module")
def data(place):
    return colours(place / "pictures")


@pytest.fixture(scope="module")
def resnet(place):
    return BUILDERS["hf"](place, 0)


def rows(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def tensors(spec):
    return load_classifier(spec).trainable().network.state_dict()


def equal(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_it_learns_and_what_it_keeps_answers_as_validation_said(resnet, data, tmp_path):
    settings = asked(resnet, data, steps=40, lr=0.05, evaluate_every=20)
    result = train_finetune(settings, tmp_path / "run")
    assert result.measures["top1_jpeg:20"] > 0.9 > 0.7 > result.before["top1_jpeg:20"]
    assert result.labels == tuple(COLOURS)
    classifier = load_classifier(result.model)
    assert (classifier.labels, classifier.n_classes) == (tuple(COLOURS), 3)
    right = 0
    for index, name in enumerate(COLOURS):
        for path in sorted((data / name).glob("*.png")):
            buffer = io.BytesIO()
            Image.open(path).save(buffer, "JPEG", quality=20)
            pixels = np.asarray(Image.open(buffer))
            logits = classifier.logits([classifier.normalise(classifier.resize(pixels))])
            right += int(logits.argmax() == index)
    assert right / 36 > 0.9


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_run_that_was_cut_ends_with_the_weights_of_an_undisturbed_one(resnet, data, tmp_path, optimizer):
    settings = asked(resnet, data, optimizer=optimizer)
    whole = train_finetune(settings, tmp_path / "whole")
    steps_told = []

    class KilledError(Exception):
        pass

    def kill_at_four(done, _total):
        steps_told.append(done)
        if done == 4:
            raise KilledError

    with pytest.raises(KilledError):
        train_finetune(settings, tmp_path / "cut", kill_at_four)
    cut = train_finetune(settings, tmp_path / "cut", lambda done, _total: steps_told.append(done))
    assert steps_told == [1, 2, 3, 4, 4, 5, 6], "it went on from the checkpoint of step 3"
    assert (cut.step, cut.best_step, cut.measures) == (whole.step, whole.best_step, whole.measures)
    assert equal(tensors(cut.model), tensors(whole.model))
    assert rows(tmp_path / "cut" / "validation.csv") == rows(tmp_path / "whole" / "validation.csv")


def test_sgd_takes_the_step_of_the_textbook(resnet, data, tmp_path, monkeypatch):
    """One step from rest: weights - lr * gradient, from a gradient taken by hand."""
    monkeypatch.setattr(finetune, "Validation", Constant)
    settings = asked(resnet, data, steps=1, lr=0.01, average=0.0, evaluate_every=1, weight_decay=0.0)
    seen = []

    def by_hand(network, pick, batch):
        loss = nn.functional.cross_entropy(pick(network(batch.images)), batch.classes)
        gradients = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True)
        norm = torch.sqrt(sum((g**2).sum() for g in gradients))
        scale = min(1.0, 5.0 / float(norm))
        named = zip(network.named_parameters(), gradients, strict=True)
        seen.append({name: (p - 0.01 * scale * g).detach().clone() for (name, p), g in named})
        return loss

    monkeypatch.setattr(finetune, "loss_of", by_hand)
    found = tensors(train_finetune(settings, tmp_path / "run").model)
    for name, wanted in seen[0].items():
        assert torch.allclose(found[name], wanted, atol=1e-5), name


class Constant:
    """A validation that always says the same, or what `scores` say in turn."""

    scores = ()

    def __init__(self, *_):
        self.left = list(self.scores)

    def measures(self, _network):
        score = self.left.pop(0) if self.left else 0.5
        return {"score": score, "cross_entropy": 1.0}


def test_the_best_weights_are_kept_and_patience_ends_the_run(resnet, data, tmp_path, monkeypatch):
    class Falling(Constant):
        scores = (0.1, 0.4, 0.6, 0.5, 0.5)  # as it came, then after 1, 2, 3, 4 steps

    monkeypatch.setattr(finetune, "Validation", Falling)
    result = train_finetune(asked(resnet, data, evaluate_every=1, patience=2, steps=9), tmp_path / "a")
    assert (result.step, result.best_step, result.stopped) == (4, 2, True)
    assert result.before["score"] == 0.1
    assert result.measures["score"] == 0.6
    again = train_finetune(asked(resnet, data, evaluate_every=1, patience=2, steps=9), tmp_path / "a")
    assert (again.step, again.stopped) == (4, True)
    monkeypatch.setattr(finetune, "Validation", Constant)
    two = train_finetune(asked(resnet, data, evaluate_every=1, steps=9, minutes=0.0), tmp_path / "none")
    assert (two.step, two.measures) == (0, None)


def test_the_last_weights_are_validated_where_the_rhythm_leaves_them_out(resnet, data, tmp_path, monkeypatch):
    class Rising(Constant):
        scores = (0.1, 0.2, 0.9)

    monkeypatch.setattr(finetune, "Validation", Rising)
    result = train_finetune(asked(resnet, data, evaluate_every=4, steps=5), tmp_path / "run")
    assert (result.best_step, result.measures["score"]) == (5, 0.9)
    assert [row["step"] for row in rows(tmp_path / "run" / "validation.csv")] == ["4", "5"]


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_good_weights(resnet, data, tmp_path, monkeypatch):
    true_loss, calls = finetune.loss_of, []

    def turns_nan(network, pick, batch):
        calls.append(1)
        return true_loss(network, pick, batch) * (float("nan") if len(calls) > 4 else 1.0)

    monkeypatch.setattr(finetune, "loss_of", turns_nan)
    run = tmp_path / "run"
    with pytest.raises(RunError, match=r"the loss is nan at step 4.*--lr"):
        train_finetune(asked(resnet, data), run)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors(f"hf:{run / 'model'}").values())
    assert [row["step"] for row in rows(run / "validation.csv")] == ["3"]
    assert not list(run.rglob("*.part"))


def test_a_step_that_does_not_fit_the_memory_is_taken_in_parts(resnet, data, tmp_path, monkeypatch, capsys):
    """Batch norm's statistics are frozen, so parts add up to the whole."""
    settings = asked(resnet, data, freeze_batch_norm=True, batch=8, lr=0.01)
    whole = tensors(train_finetune(settings, tmp_path / "whole").model)
    true_loss, sizes = finetune.loss_of, []

    def small_memory(network, pick, batch):
        sizes.append(len(batch.classes))
        if len(batch.classes) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return true_loss(network, pick, batch)

    monkeypatch.setattr(finetune, "loss_of", small_memory)
    parts = tensors(train_finetune(settings, tmp_path / "parts").model)
    assert sizes == [8, 4] + 6 * [2, 2, 2, 2]
    assert "in 4 parts" in capsys.readouterr().err
    for name in whole:
        assert torch.allclose(whole[name], parts[name], atol=1e-5), name

    def no_memory(network, pick, batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(finetune, "loss_of", no_memory)
    with pytest.raises(RunError, match="does not fit the memory, taken in 8 parts"):
        train_finetune(settings, tmp_path / "none")


def test_batch_norm_stays_or_learns(data, resnet, tmp_path):
    start = tensors(resnet)
    statistics = [name for name in start if name.endswith("running_mean")]
    scales = [name for name in start if name.endswith("normalization.weight")]
    frozen = tensors(train_finetune(asked(resnet, data, freeze_batch_norm=True, lr=0.05), tmp_path / "frozen").model)
    learnt = tensors(train_finetune(asked(resnet, data, freeze_batch_norm=False, lr=0.05), tmp_path / "learnt").model)
    assert statistics
    assert scales
    assert all(torch.equal(start[name], frozen[name]) for name in statistics)
    assert not any(torch.equal(start[name], learnt[name]) for name in statistics)
    assert not any(torch.equal(start[name], frozen[name]) for name in scales)


def test_folded_batch_norm_is_told_from_one_in_use():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, eps=1e-3))
    network[1].running_var.fill_(1.0 - 1e-3)
    assert norms_folded(network)
    network[1].running_mean[2] = 0.5
    assert not norms_folded(network)
    assert not norms_folded(nn.Conv2d(3, 4, 3))


def test_a_broken_picture_is_named_and_left_out(resnet, tmp_path, capsys):
    folder = colours(tmp_path / "pictures", n=5)
    (folder / "red" / "02.png").write_bytes((folder / "red" / "02.png").read_bytes()[:300])
    result = train_finetune(asked(resnet, folder, steps=1), tmp_path / "run")
    assert (result.n_left_out, result.n_training + result.n_validation) == (1, 14)
    assert "red/02.png: left out" in capsys.readouterr().err


def test_another_run_does_not_go_on_with_a_folder(resnet, data, tmp_path):
    train_finetune(asked(resnet, data, steps=1), tmp_path / "run")
    with pytest.raises(UsageError, match=r"begun otherwise \(lr: null, now 0.1\)"):
        train_finetune(asked(resnet, data, steps=1, lr=0.1), tmp_path / "run")
    told = json.loads((tmp_path / "run" / "finetune.json").read_text())
    assert told["asked"]["compressions"] == {"clean": 0.25, "jpeg:20": 0.75}
    (tmp_path / "run" / "finetune.json").write_text("{")
    with pytest.raises(RunError, match="Name an empty folder"):
        train_finetune(asked(resnet, data, steps=1), tmp_path / "run")


@pytest.mark.parametrize("prefix", ["timm", "torchvision"])
def test_other_libraries_train_too(prefix, place, data, tmp_path):
    spec = BUILDERS[prefix](tmp_path, 3)
    result = train_finetune(asked(spec, data, steps=2, compressions=each_alike(["jpeg:30"])), tmp_path / "run")
    assert load_classifier(result.model).n_classes == 3
    before, after = tensors(spec), tensors(result.model)
    same = {name: torch.equal(before[name], after[name]) for name in before if before[name].shape == after[name].shape}
    assert not any(same[name] for name in same if name.endswith("conv1.weight") or name == "features.0.weight")
    assert len(before) - len(same) == 2, "only the head has another shape"
