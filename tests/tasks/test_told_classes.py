"""Which of a model's classes a name is that a container tells, beside the number that may stand with it."""

import pytest

from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import UsageError
from unlossy.core.types import ClassTarget, Item
from unlossy.tasks.told_classes import match_told, told_names

LABELS = ("dog, domestic dog", "cat", "crane (n02012849)", "crane (n03126707)", "4")


def item(name, number=None, container="parquet"):
    groups = {} if name is None else {"class": name}
    return Item("x.png", BytesBlob(b""), None if number is None else ClassTarget(number), groups, container)


def classes(told, labels=LABELS):
    """What becomes of items with these names and numbers, and the remark."""
    items = [item(*one) for one in told]
    found = match_told(told_names(items), labels, "hf:x")
    return [found.item(one).class_index for one in items], found.remark


@pytest.mark.parametrize(
    ("told", "expected", "remark"),
    [
        ([("cat", 0), ("dog", 1)], [1, 0], None),
        ([("Domestic_Dog", 7), ("cat", 7)], [0, 1], None),
        ([("dog", None), ("cat", None)], [0, 1], None),
        ([("crane", 3), ("cat", 1)], [3, 1], None),
        (
            [("cat", 0), ("axolotl", 1)],
            [1, None],
            "hf:x does not know 1 of the 2 classes in the containers (axolotl); t",
        ),
        (
            [("cat", 1), ("axolotl", 3)],
            [1, 3],
            "does not know 1 of the 2 classes in the containers (axolotl); their numb",
        ),
        (
            [("Hund", 0), ("Katze", 1)],
            [0, 1],
            "no class that is called like one in the containers (Hund, Katze); their n",
        ),
        ([("2019", None), ("2020", None)], [None, None], "(2019, 2020); their pictures count as unlabelled"),
        ([("cat", 0), ("cat", 1)], [1, 1], None),
        ([("3", 3), ("1", 1)], [3, 1], None),
        ([("4", 0), ("0", 4)], [4, None], "does not know 1 of the 2"),
        ([(None, 2), (None, None)], [2, None], None),
        ([], [], None),
    ],
)
def test_names_decide_where_they_are_the_models(told, expected, remark):
    found, said = classes(told)
    assert found == expected
    assert said is None if remark is None else remark in said


@pytest.mark.parametrize("labels", [None, ()])
def test_a_model_without_names_goes_by_the_numbers(labels):
    assert classes([("cat", 0), ("dog", None)], labels) == ([0, None], None)


def test_a_name_of_several_classes_is_refused_unless_its_number_tells():
    with pytest.raises(UsageError, match=r"the class 'crane' of a container may be class 2 .* and class 3"):
        classes([("crane", 1)])


def test_class_folders_are_not_what_containers_tell():
    assert told_names([item("cat", 0, container=None)]) == {}
