"""py: what the callable sees and may say, where it is found, and what is refused."""

import sys

import numpy as np
import pytest

from unlossy.core.errors import ModelError, UsageError
from unlossy.tasks.models.registry import load_classifier

GOOD = "import numpy as np\ndef classify(images):\n    return np.stack([i.mean((0, 1)) for i in images])\n"


@pytest.fixture
def write(tmp_path, monkeypatch, request):
    """A function that writes a module into the working directory and gives its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    names = []

    def write_module(source, name=None):
        name = name or f"written_{abs(hash((request.node.name, len(names))))}"
        (tmp_path / f"{name}.py").write_text(source)
        names.append(name)
        return name

    yield write_module
    for name in names:
        sys.modules.pop(name, None)


def answer(classifier, *images):
    return classifier.logits([classifier.normalise(classifier.resize(image)) for image in images])


def test_it_sees_the_images_unchanged_in_their_own_sizes(write):
    name = write(
        "import numpy as np\nseen = []\ndef f(images):\n    seen.extend(images)\n    return np.eye(len(images))\n"
    )
    classifier = load_classifier(f"py:{name}:f")
    images = [np.full((2, 3, 3), 7, np.uint8), np.full((5, 4, 1), 9, np.uint8)]
    np.testing.assert_array_equal(answer(classifier, *images), np.eye(2))
    seen = sys.modules[name].seen
    assert [(i.shape, i.dtype, int(i[0, 0, 2])) for i in seen] == [((2, 3, 3), np.uint8, 7), ((5, 4, 3), np.uint8, 9)]


def test_probabilities_labels_and_digest_are_taken_from_the_callable(write):
    source = (
        "import numpy as np\nclass M:\n    outputs = 'probabilities'\n    labels = ['cat', 'dog']\n    digest = 'v1'\n"
    )
    name = write(source + "    def __call__(self, images):\n        return [[0.25, 0.75]] * len(images)\nmodel = M()\n")
    classifier = load_classifier(f"py:{name}:model")
    assert (classifier.labels, classifier.n_classes) == (("cat", "dog"), 2)
    np.testing.assert_allclose(np.exp(answer(classifier, np.zeros((1, 1, 3), np.uint8))), [[0.25, 0.75]], rtol=1e-6)
    first = classifier.digest
    sys.modules[name].M.digest = "v2"
    assert load_classifier(f"py:{name}:model").digest != first


@pytest.mark.parametrize("result", ["[1, 2, 3]", "np.zeros((9, 3))", "np.zeros((len(images), 3, 2))", "'cat'", "None"])
def test_a_wrong_answer_is_a_model_error(write, result):
    name = write(f"import numpy as np\ndef f(images):\n    return {result}\n")
    with pytest.raises(ModelError, match="the model"):
        answer(load_classifier(f"py:{name}:f"), np.zeros((1, 1, 3), np.uint8), np.zeros((2, 1, 3), np.uint8))


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        ("py:no_such_module_anywhere:f", "no module 'no_such_module_anywhere'"),
        ("py:{}:missing", "has no 'missing'"),
        ("py:{}:np", "is a module, not a callable"),
        ("py:{}", "py:MODULE:CALLABLE"),
        ("py:{}:", "py:MODULE:CALLABLE"),
    ],
)
def test_what_cannot_be_found_is_said(write, spec, finding):
    with pytest.raises(UsageError, match=finding):
        load_classifier(spec.format(write(GOOD)))


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        (
            "import absent_dependency_of_the_user",
            "importing .* failed: No module named 'absent_dependency_of_the_user'",
        ),
        ("1 / 0", "importing .* failed: ZeroDivisionError"),
        ("def classify(images): ...\nclassify.outputs = 'votes'", "outputs is 'votes'"),
        ("def classify(images): ...\nclassify.labels = 'cat'", "labels must be a list"),
    ],
)
def test_a_module_that_is_wrong_is_said(write, line, finding):
    with pytest.raises(UsageError, match=finding):
        load_classifier(f"py:{write(line)}:classify")
