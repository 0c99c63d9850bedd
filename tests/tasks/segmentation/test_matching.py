"""Which output answers with which of the dataset's ids, and what the ids of a mask count as."""

import pytest

from unlossy.core.errors import UsageError
from unlossy.tasks.class_maps import NO_CLASS
from unlossy.tasks.models.segmentation.matching import match_classes

VOC = ["background", "aeroplane", "person", "sofa", "tvmonitor", "pottedplant"]
COCO = {1: "person", 5: "airplane", 8: "truck", 63: "couch", 64: "potted plant", 72: "tv", 200: "rug-merged"}


def test_voc_classes_and_coco_masks():
    found = match_classes(VOC, 6, COCO, "model")
    background = 201
    assert found.ids.tolist() == [background, 5, 1, 63, 72, 64]
    assert found.vocabulary.names[background] == "background"
    assert found.vocabulary.names[63] == "couch"
    assert found.vocabulary.read_as == {
        **{number: number for number in (1, 5, 63, 64, 72, background)},
        **dict.fromkeys((8, 200), background),
    }
    assert found.unknown == ("truck", "rug-merged")


def test_a_model_without_background_cannot_know_the_rest():
    found = match_classes(["person", "couch"], 2, COCO, "model")
    assert found.ids.tolist() == [1, 63]
    assert found.vocabulary.read_as[8] == NO_CLASS


def test_the_datasets_background_takes_what_it_does_not_name():
    found = match_classes(["person", "lamp", "sofa"], 3, {0: "background", 15: "person"}, "model")
    assert found.ids.tolist() == [15, 0, 0]
    assert found.vocabulary.read_as == {0: 0, 15: 15}


def test_several_categories_may_be_one_class_of_the_model():
    found = match_classes(["wall", "sky"], 2, {171: "wall-brick", 175: "wall-stone", 187: "sky-other-merged"}, "model")
    assert found.ids.tolist() == [171, 187]
    assert found.vocabulary.read_as == {171: 171, 175: 171, 187: 187}
    assert found.merged == ("wall-brick + wall-stone = wall",)


def test_several_outputs_may_be_one_category_of_the_dataset():
    found = match_classes(["wall-brick", "wall-stone", "person"], 3, {1: "wall", 2: "person"}, "model")
    assert found.ids.tolist() == [1, 1, 2]


def test_categories_of_one_name_are_one_class():
    found = match_classes(["cat", "dog"], 2, {1: "cat", 2: "dog", 3: "Cat"}, "model")
    assert found.vocabulary.read_as[3] == 1


def test_a_class_that_the_dataset_lacks_has_an_id_of_its_own():
    found = match_classes(["person", "unicorn"], 2, {1: "person", 254: "car"}, "model")
    assert found.ids.tolist() == [1, 256], "255 stays what nobody labelled"


def test_without_names_ids_are_the_models_numbers():
    assert match_classes(["a", "b"], 2, {}, "model").vocabulary.read_as == {0: 0, 1: 1}
    assert match_classes(None, None, {}, "model").vocabulary.read_as is None
    assert match_classes(None, 3, {0: "a", 2: "c"}, "model").vocabulary.names == {0: "a", 2: "c"}
    with pytest.raises(UsageError, match="the id 7"):
        match_classes(None, 3, {7: "a"}, "model")


@pytest.mark.parametrize("labels", [["background", "unicorn"], ["unicorn"]])
def test_nothing_in_common_is_refused_with_both_lists(labels):
    with pytest.raises(UsageError, match=r"person, airplane.*unicorn"):
        match_classes(labels, len(labels), COCO, "model")
