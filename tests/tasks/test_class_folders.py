"""Which of a model's classes a class folder is, by its name and by its place."""

from collections import Counter

import pytest

from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import UsageError
from unlossy.core.types import ClassTarget, Item
from unlossy.datasets import open_dataset
from unlossy.tasks.class_folders import Labels, class_folders, contradicted, match_folders

BIRDS = ("drake", "crane (n02012849)", "crane (n03126707)", "n01440764 tench, Tinca tinca", "Cardigan", "cardigan")


def numbered(*names):
    return {name: number for number, name in enumerate(sorted(names))}


def by_folder(folders, labels, n_classes=None):
    """The class of each folder by name, and the rest of what was found."""
    found = match_folders(folders, labels, len(labels) if labels else n_classes, "hf:x")
    number_of = {number: name for name, number in folders.items()}
    return {number_of[number]: index for number, index in found.class_of.items()}, found


def test_names_decide_whatever_the_order():
    found, how = by_folder(numbered("cat", "dog"), ("dog", "cat"))
    assert found == {"cat": 1, "dog": 0}
    assert (how.unknown, how.by_order, how.remark) == ((), False, None)


def test_a_subset_is_found_among_many():
    labels = (*(f"other {n}" for n in range(500)), "ice bear, polar bear, Ursus Maritimus", "toucan")
    assert by_folder(numbered("ice_bear", "Toucan"), labels)[0] == {"Toucan": 501, "ice_bear": 500}


def test_numbers_as_names_do_not_sort_as_numbers():
    labels = tuple(map(str, range(12)))
    assert by_folder(numbered(*labels), labels)[0] == {name: int(name) for name in labels}


@pytest.mark.parametrize(
    ("folder", "classes"),
    [
        ("Tinca-Tinca", (3,)),
        ("n01440764", (3,)),
        ("tench,_tinca_tinca", ()),
        ("n01440764_tench,_Tinca_tinca", (3,)),
        ("crane", (1, 2)),
        ("n03126707", (2,)),
        ("crane_(n03126707)", (2,)),
        ("Cardigan", (4,)),
        ("cardigan", (5,)),
        ("CARDIGAN", (4, 5)),
        ("__", ()),
        ("trench", ()),
    ],
)
def test_what_a_label_may_be_called(folder, classes):
    assert Labels(BIRDS).named(folder) == classes


def test_of_two_classes_it_is_the_one_that_bears_the_name_first():
    labels = ("projectile, missile", "missile", "skunk, polecat", "polecat, fitch")
    assert Labels(labels).named("missile") == (1,)
    assert Labels(labels).named("polecat") == (3,)


def test_what_the_model_does_not_know_is_told():
    found, how = by_folder(numbered("daisy", "roses", "tulips"), ("oak", "daisy"))
    assert (found, how.unknown, how.by_order) == ({"daisy": 1}, ("roses", "tulips"), False)
    assert how.remark == (
        "hf:x does not know 2 of the 3 class folders; their pictures count as unlabelled: roses, tulips."
    )


def test_none_known_among_more_or_fewer_classes_means_nothing():
    assert by_folder(numbered("n01", "n02"), ("tench", "goldfish", "shark"))[0] == {}
    assert by_folder(numbered("a", "b", "c"), ("tench", "goldfish"))[0] == {}


def test_as_many_folders_as_classes_go_by_order_where_no_name_is_against_it():
    found, how = by_folder(numbered("n01", "n02"), ("tench", "goldfish"))
    assert (found, how.by_order, how.unknown) == ({"n01": 0, "n02": 1}, True, ())
    assert "(n01 is class 0, n02 is class 1), because no class of the model is called n01, n02. If" in how.remark
    found, how = by_folder(numbered("cat", "dog", "zebra"), ("cat", "dog", "other"))
    assert (found, how.by_order) == ({"cat": 0, "dog": 1, "zebra": 2}, True)
    assert "called zebra, while the other names confirm that order" in how.remark
    found, how = by_folder(numbered("cat", "dog", "zebra"), ("dog", "cat", "other"))
    assert (found, how.by_order, how.unknown) == ({"cat": 1, "dog": 0}, False, ("zebra",))


@pytest.mark.parametrize(
    ("n_classes", "told"),
    [
        (4, "for the model's classes in"),
        (9, "for classes 0 to 3 of the model's 9 in"),
    ],
)
def test_a_model_without_names_is_taken_by_order(n_classes, told):
    found, how = by_folder(numbered("d", "c", "b", "a"), None, n_classes)
    assert (found, how.by_order) == ({"a": 0, "b": 1, "c": 2, "d": 3}, True)
    assert told in how.remark
    assert "(a is class 0, b is class 1, c is class 2, ...), because the model does not name" in how.remark
    silent = match_folders(numbered("b", "a"), None, None)
    assert (silent.class_of, silent.by_order, silent.remark) == ({0: 0, 1: 1}, True, None)


def test_one_name_for_two_classes_goes_by_order_or_is_refused():
    labels = ("bus", "crane", "crane", "drake")
    assert by_folder({"bus": 0, "crane": 1, "crane 2": 2, "drake": 3}, labels)[0]["crane"] == 1
    with pytest.raises(UsageError, match=r"'crane' may be class 1 \('crane'\) and class 2 .* hf:x.* labels.csv"):
        by_folder(numbered("bus", "crane"), labels)
    with pytest.raises(UsageError, match="'crane' may be"):
        by_folder(numbered("axle", "bus", "drake", "crane"), labels)


def test_two_folders_of_one_class_are_refused():
    with pytest.raises(UsageError, match=r"'Tinca tinca' and 'tench' both have a name of class 0 .* of hf:x"):
        by_folder(numbered("tench", "Tinca tinca"), ("tench, Tinca tinca", "cock", "hen"))


def test_another_models_names_may_be_against_the_order():
    folders = numbered("cat", "dog", "zebra")
    by_order = match_folders(folders, None, None)
    assert contradicted(folders, by_order, ("dog", "cat", "zebra")) == ("cat", 1)
    assert contradicted(folders, by_order, ("cat", "puppy, dog", "horse")) is None


def test_only_class_folders_have_numbers_to_be_matched(tmp_path):
    for name in ("val/dog/1.ppm", "val/cat/2.ppm", "val/3.ppm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"P6 1 1 255 abc")
    assert class_folders(open_dataset(str(tmp_path))) == {"cat": 0, "dog": 1}
    assert class_folders(open_dataset(f"{tmp_path}/val/*/*.ppm")) == {"cat": 0, "dog": 1}
    assert class_folders(open_dataset("synthetic:3")) == {}
    (tmp_path / "labels.csv").write_text("file,class_index\nval/dog/1.ppm,7\n")
    assert class_folders(open_dataset(str(tmp_path))) == {}


def test_items_get_the_models_class_and_those_in_containers_keep_theirs():
    classes = match_folders(numbered("cat", "dog", "eel"), ("dog", "cat"), 2)

    def item(number, container=None):
        return Item("a", BytesBlob(b""), None if number is None else ClassTarget(number), {}, container)

    given = [item(0), item(1), item(2), item(None), item(0, "tar")]
    assert [classes.item(one).class_index for one in given] == [1, 0, None, None, 0]
    assert Counter(one is classes.item(one) for one in given) == {False: 3, True: 2}
