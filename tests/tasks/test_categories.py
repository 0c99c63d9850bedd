"""Matching of a model's classes to a dataset's categories."""

import numpy as np
import pytest

from unlossy.core.errors import UsageError
from unlossy.tasks.categories import match_categories


def meant(matching, *outputs):
    places, ids = matching.of(np.array(outputs, np.int64))
    return dict(zip([outputs[place] for place in places], ids.tolist(), strict=True))


def test_without_categories_the_outputs_numbers_stand():
    matching = match_categories(["cat", "", "dog"], None, {})
    assert meant(matching, 0, 2, 5) == {0: 0, 2: 2, 5: 5}
    assert matching.classes == {0: "cat", 2: "dog"}
    assert match_categories(None, None, {}).classes is None


def test_without_categories_the_makers_ids_stand():
    matching = match_categories(["cat", "dog"], [17, 18], {})
    assert meant(matching, 0, 1) == {0: 17, 1: 18}
    assert matching.classes == {17: "cat", 18: "dog"}


@pytest.mark.parametrize("name", ["traffic light", "Traffic_Light", "traffic-light", "TRAFFICLIGHT"])
def test_names_match_whatever_their_case_and_spaces(name):
    matching = match_categories(["cat", "traffic light"], None, {3: name, 9: "dog"})
    assert meant(matching, 0, 1) == {1: 3}
    assert matching.missing == ("dog",)


def test_names_win_over_the_makers_ids():
    assert meant(match_categories(["person", "cat"], [1, 17], {1: "cat", 2: "person"}), 0, 1) == {0: 2, 1: 1}


def test_ids_stand_in_for_other_names_where_names_do_not_contradict_them():
    assert meant(match_categories(["cat", "tv"], [17, 72], {17: "cat", 72: "tvmonitor"}), 0, 1) == {0: 17, 1: 72}
    # here 17 is no cat, so 72 need not be a tv
    assert meant(match_categories(["cat", "tv"], [17, 72], {18: "cat", 72: "tvmonitor"}), 0, 1) == {0: 18}


COCO = {1: "person", 2: "bicycle", 3: "car", 4: "motorcycle", 5: "airplane", 6: "bus", 7: "train", 8: "truck"}
COCO |= {9: "boat", 10: "traffic light", 11: "fire hydrant", 13: "stop sign"}


def of_coco(categories):
    matching = match_categories(list(COCO.values()), list(COCO), categories)
    return {list(COCO.values())[output]: category for output, category in matching.ids.items()}, matching.missing


def test_ids_do_not_stand_in_for_names_of_other_things():
    with pytest.raises(UsageError, match=r"knows none .*have: widget, gadget, screw\. The model has: person, bicycle,"):
        of_coco({1: "widget", 2: "gadget", 3: "screw"})
    assert of_coco({1: "person", 2: "helmet", 3: "vest"}) == ({"person": 1}, ("helmet", "vest"))
    assert of_coco({1: "person", 2: "bicycle", 3: "helmet"}) == ({"person": 1, "bicycle": 2}, ("helmet",))


def test_where_nearly_all_names_and_ids_agree_ids_stand_in_for_the_others():
    assert of_coco(COCO | {3: "automobile"}) == ({name: category for category, name in COCO.items()}, ())
    assert of_coco(COCO | {3: "automobile", 8: "lorry"})[1] == ("automobile", "lorry"), "ten of twelve"
    assert of_coco({5: "aeroplane", 4: "Motorbike"}) == ({"airplane": 5, "motorcycle": 4}, ()), "known by these names"


def test_ids_stand_in_for_outputs_without_a_name_where_a_name_agrees():
    assert meant(match_categories(["cat", ""], [17, 18], {17: "cat", 18: "dog"}), 0, 1) == {0: 17, 1: 18}
    assert meant(match_categories(["", ""], [17, 18], {18: "dog"}), 0, 1) == {1: 18}
    with pytest.raises(UsageError, match="knows none"):
        match_categories(["cat", ""], [17, 18], {18: "dog"})


def test_a_model_with_ids_alone_and_one_with_nothing():
    assert meant(match_categories(None, [5, 6], {6: "dog"}), 0, 1) == {1: 6}
    assert meant(match_categories(None, None, {6: "dog"}), 5, 6) == {6: 6}


def test_nothing_in_common_is_refused_with_both_lists():
    with pytest.raises(UsageError, match=r"onnx:x knows none .*data have: dog\. The model has: cat, fish"):
        match_categories(["cat", "", "fish"], None, {1: "dog"}, "onnx:x")


def test_long_lists_are_cut():
    with pytest.raises(UsageError, match="dog11 and 88 more"):
        match_categories(["cat"], None, {n: f"dog{n}" for n in range(100)})
