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


def test_a_model_with_ids_alone_and_one_with_nothing():
    assert meant(match_categories(None, [5, 6], {6: "dog"}), 0, 1) == {1: 6}
    assert meant(match_categories(None, None, {6: "dog"}), 5, 6) == {6: 6}


def test_nothing_in_common_is_refused_with_both_lists():
    with pytest.raises(UsageError, match=r"onnx:x knows none .*data have: dog\. The model has: cat, fish"):
        match_categories(["cat", "", "fish"], None, {1: "dog"}, "onnx:x")


def test_long_lists_are_cut():
    with pytest.raises(UsageError, match="dog11 and 88 more"):
        match_categories(["cat"], None, {n: f"dog{n}" for n in range(100)})
