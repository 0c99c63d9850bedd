"""One suite over the five kinds of model: what the Classifier contract promises of all."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.small_models import BUILDERS, N_CLASSES
from unlossy.core.errors import MissingDependency, TooLargeError
from unlossy.tasks.base import Task
from unlossy.tasks.models.base import Classifier
from unlossy.tasks.models.registry import ADAPTERS, load_classifier
from unlossy.tasks.registry import load_task


def test_every_adapter_has_a_small_model():
    assert BUILDERS.keys() == ADAPTERS.keys()


@pytest.fixture(params=ADAPTERS)
def classifier(request, classifiers):
    return classifiers(request.param)


def prepared(classifier, image_hwc):
    return classifier.normalise(classifier.resize(image_hwc))


def test_it_keeps_the_contract(classifier, noise):
    assert isinstance(classifier, Classifier)
    logits = classifier.logits([prepared(classifier, noise(40, 50))])
    assert logits.shape == (1, N_CLASSES)
    assert classifier.n_classes in (N_CLASSES, None)


def test_a_batch_answers_as_its_images_do_alone(classifier, noise):
    images = [
        prepared(classifier, noise(*size, seed=seed)) for seed, size in enumerate([(40, 50), (64, 64), (33, 90)] * 2)
    ]
    together = classifier.logits(images)
    alone = np.concatenate([classifier.logits([image]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.ptp(together, axis=0).max() > 1e-3, "the images must differ for the order to be seen"


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (37, 61), (64, 64), (300, 7), (501, 401)])
def test_any_size_is_taken_and_grey_is_as_its_rgb(classifier, noise, size):
    grey = noise(*size, channels=1)
    one, three = prepared(classifier, grey), prepared(classifier, np.repeat(grey, 3, axis=2))
    np.testing.assert_array_equal(one, three)
    assert np.isfinite(classifier.logits([one])).all()


@pytest.mark.parametrize("prefix", ["hf", "timm", "torchvision", "onnx"])
def test_a_sliver_is_refused_before_it_becomes_gigabytes(classifiers, prefix):
    with pytest.raises(TooLargeError, match="3000000"):
        classifiers(prefix).resize(np.zeros((1, 30_000_000, 1), np.uint8)[:, ::10])


def test_preparing_is_thread_safe(classifier, noise):
    images = [noise(30 + 7 * (seed % 5), 80 - 3 * (seed % 7), seed=seed) for seed in range(40)]
    expected = [prepared(classifier, image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(expected, pool.map(lambda image: prepared(classifier, image), images), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("prefix", ADAPTERS)
def test_the_task_prepares_by_resize_then_normalise(specs, noise, prefix):
    task = load_task("classification", specs(prefix), threads=1)
    assert isinstance(task, Task)
    image = noise(45, 70)
    np.testing.assert_array_equal(task.prepare(image), task.normalise(task.resize(image)))
    answers = task.predict([task.prepare(image), task.prepare(image[:, ::-1])])
    assert [0 <= answer.class_index < N_CLASSES for answer in answers] == [True, True]


@pytest.mark.parametrize("prefix", ADAPTERS)
def test_the_digest_is_of_the_weights(specs, classifiers, prefix):
    again, other = load_classifier(specs(prefix)), load_classifier(specs(prefix, seed=1))
    assert classifiers(prefix).digest == again.digest != other.digest
    assert len(again.digest) == 64


@pytest.mark.parametrize("prefix", ["hf", "timm", "torchvision", "onnx"])
def test_the_digest_does_not_depend_on_the_path(specs, classifiers, tmp_path, prefix):
    head, at, path = specs(prefix).rpartition("@" if "@" in specs(prefix) else ":")
    for part in [Path(path)] if Path(path).is_dir() else Path(path).parent.glob(f"{Path(path).stem}.*"):
        copy = tmp_path / f"renamed{part.suffix}"
        shutil.copytree(part, copy) if part.is_dir() else shutil.copy(part, copy)
    assert (
        load_classifier(f"{head}{at}{tmp_path / ('renamed' + Path(path).suffix)}").digest == classifiers(prefix).digest
    )


@pytest.mark.parametrize(
    ("prefix", "absent", "extra"),
    [
        ("hf", "torch", "hf"),
        ("hf", "transformers", "hf"),
        ("hf", "safetensors", "hf"),
        ("timm", "torch", "timm"),
        ("timm", "timm", "timm"),
        ("torchvision", "torchvision", "torchvision"),
        ("torchvision", "torch", "torchvision"),
        ("torchvision", "safetensors", "torchvision"),
    ],
)
def test_a_missing_package_names_its_extra(specs, monkeypatch, prefix, absent, extra):
    spec = specs(prefix)
    for name in [name for name in sys.modules if name.split(".")[0] == absent]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(MissingDependency, match=rf"{absent}.*unlossy\[{extra}\]") as caught:
        load_classifier(spec)
    assert caught.value.exit_code == 4
