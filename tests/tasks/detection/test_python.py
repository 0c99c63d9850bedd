"""py: what a callable may answer, and what becomes the picture's error."""

import numpy as np
import pytest

from unlossy.core.errors import UsageError
from unlossy.tasks.models.detection.base import Sized
from unlossy.tasks.models.detection.registry import load_detector

BOX = [1.0, 2.0, 11.0, 12.0]
IMAGE = Sized(np.zeros((20, 30, 3), np.uint8), (20, 30))


@pytest.fixture
def load(tmp_path, monkeypatch, request):
    """A function that loads `detect(images)` with that body, with lines after it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def loaded(body, after=""):
        name = f"finder_{abs(hash((request.node.name, body, after)))}"
        (tmp_path / f"{name}.py").write_text(f"import numpy as np\ndef detect(images):\n    {body}\n{after}\n")
        return load_detector(f"py:{name}:detect")

    return loaded


@pytest.mark.parametrize(
    "one",
    [
        f"{{'boxes_xyxy': [{BOX}], 'scores': [0.5], 'labels': [3]}}",
        f"([{BOX}], [0.5], [3])",
        f"(np.array({BOX}), np.float32(0.5), np.array([3.0]))",
    ],
)
def test_a_dict_a_tuple_and_arrays_are_answers(load, one):
    (found,) = load(f"return [{one} for _ in images]").detect([IMAGE])
    assert found.boxes_xyxy.tolist() == [BOX]
    assert (found.scores.tolist(), found.class_ids.tolist()) == ([0.5], [3])


@pytest.mark.parametrize(
    ("one", "finding"),
    [
        ("{'scores': [], 'labels': []}", "no 'boxes_xyxy'"),
        ("([[1, 2, 3]], [0.5], [1])", "is not boxes_xyxy"),
        ("7", "is not boxes_xyxy"),
        (f"([{BOX}], [0.5, 0.4], [1])", "1 boxes, 2 scores and 1 labels"),
        (f"([{BOX}], [0.5], [1.5])", "no whole numbers"),
        (f"([{BOX}], [0.5], [float('nan')])", "no whole numbers"),
        (f"([{BOX}], [float('nan')], [1])", "NaN or infinite"),
        (f"([{BOX}], [50], [1])", r"50\.\.50; 0\.\.1 was expected"),
        (f"([{BOX}], [0.5], ['cat'])", "no whole numbers; say their names"),
        (f"([{BOX}], [0.5], [None])", "no whole numbers"),
        ("([[10, 20, 5, 5]], [0.5], [1])", "end before they begin"),
    ],
)
def test_what_is_no_answer_is_the_error_of_its_picture(load, one, finding):
    good = f"([{BOX}], [0.5], [3])"
    first, bad = load(f"return [{good}, {one}]").detect([IMAGE, IMAGE])
    assert len(first.scores) == 1
    assert bad.kind == "model"
    with pytest.raises(type(bad), match=finding):
        raise bad


def test_masks_must_have_the_pictures_size(load):
    (bad,) = load(f"return [([{BOX}], [0.5], [3], np.ones((1, 9, 9)))]", "detect.gives_masks = True").detect([IMAGE])
    assert "masks have shape (1, 9, 9); (1, 20, 30) was expected" in str(bad)


@pytest.mark.parametrize(
    ("after", "finding"),
    [
        ("detect.category_ids = ['cat']", "whole numbers"),
        ("detect.category_ids = [3, 3]", "one id twice"),
        ("detect.labels = ['cat']\ndetect.category_ids = [3, 4]", "1 and 2 long"),
    ],
)
def test_attributes_that_contradict_are_refused(load, after, finding):
    with pytest.raises(UsageError, match=finding):
        load("return []", after)
