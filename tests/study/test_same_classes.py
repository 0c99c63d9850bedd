"""Two lists of names for the same classes, and lists of other classes."""

from dataclasses import dataclass

import pytest

from unlossy.core.errors import UsageError
from unlossy.study import StudyPlan
from unlossy.study.mitigation import open_mitigations
from unlossy.study.provenance import provenance_of
from unlossy.study.same_classes import refuse_other_classes, remark_on_classes
from unlossy.tasks.classification import ClassificationTask

MANY = tuple(f"class of number {number}" for number in range(200))


@dataclass
class Named:
    """A Classifier of which only the names are asked."""

    spec: str
    labels: tuple[str, ...] | None
    n_classes: int | None
    digest: str = ""
    libraries: tuple[str, ...] = ()

    def resize(self, image_hwc):
        raise AssertionError

    normalise = logits = resize


def task_of(labels, spec="hf:own"):
    return ClassificationTask(Named(spec, labels, None if labels is None else len(labels)))


def with_names(**changed):
    labels = list(MANY)
    for place, name in changed.items():
        labels[int(place.removeprefix("at"))] = name
    return tuple(labels)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (("tench, Tinca tinca", "cock"), ("tench", "Cock, rooster")),
        (("tench, Tinca tinca", "cock"), ("Tinca_tinca", "rooster, cock")),
        (("crane", "drake"), ("crane (n02012849)", "drake (n01847000)")),
        (None, ("a", "b")),
    ],
)
def test_other_words_for_the_same_classes_pass_without_a_word(ours, theirs):
    for one, other in ((ours, theirs), (theirs, ours)):
        refuse_other_classes(task_of(one), task_of(other))
        assert remark_on_classes(task_of(one), task_of(other)) == ""


def test_one_or_two_names_of_many_are_remarked_on(monkeypatch):
    own, other = task_of(MANY), task_of(with_names(at7="missile", at9="maillot"), "hf:other")
    refuse_other_classes(own, other)
    remark = remark_on_classes(own, other)
    assert remark == (
        "hf:other is taken for a model of the same classes, though class 7 is 'class of number 7' to hf:own and "
        "'missile' to hf:other (other names: 2 of 200)."
    )
    monkeypatch.setattr("unlossy.study.mitigation.load_task", lambda *_, **__: other)
    plan = StudyPlan("hf:own", "photos", mitigations=("none", "model=hf:other", "model=hf:another"))
    made_by = provenance_of(plan, [], own, open_mitigations(plan, own))
    assert made_by["remarks"] == [remark]


@pytest.mark.parametrize(
    ("ours", "theirs", "finding"),
    [
        (("cat", "dog"), ("dog", "cat"), "class 0 is 'cat' to hf:own and 'dog' to hf:other"),
        (("red, car", "blue, car"), ("blue, car", "red, car"), "class 0 is 'red, car'"),
        (("a", "b", "c"), ("a", "b", "d"), "class 2 is 'c'"),
        (("crane", "drake"), ("crane", "drake (bird)"), "class 1 is 'drake'"),
        (MANY, (*MANY[1:], MANY[0]), "class 0 is"),
        (MANY, with_names(**{f"at{place}": "x" for place in range(7)}), "class 0 is"),
        (MANY, MANY[1:], "answers in 199 classes, hf:own in 200"),
    ],
)
def test_other_classes_are_refused(ours, theirs, finding):
    with pytest.raises(UsageError, match=finding):
        refuse_other_classes(task_of(ours), task_of(theirs, "hf:other"))
