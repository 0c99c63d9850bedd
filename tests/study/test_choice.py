"""The choice of pictures, from rows whose answers are given."""

from tests.report.made import row_of
from unlossy.runs.settings import families_of
from unlossy.study import StudyPlan
from unlossy.study.choice import Choice, choose_changed

SETTINGS = ("jpeg:90", "jpeg:50", "jpeg:30", "jpeg:10")
FAMILIES = families_of(StudyPlan(model="m", data="d", codecs=("jpeg:10,30,50,90",)).made_codecs)


def item(index, right, *, truth=0, p=0.5, clean_right=True, settings=SETTINGS):
    """The rows of an item; `right` has a mark for each setting, best first: "+" right, "-" wrong, "x" failed."""
    clean = truth if clean_right else 7
    rows = [row_of(index, "clean", clean, truth=truth, clean=clean, p=p)]
    for setting, mark in zip(settings, right, strict=True):
        answer = truth if mark == "+" else 7
        rows.append(row_of(index, setting, answer, truth=truth, clean=clean, error="codec" if mark == "x" else None))
    return rows


def chosen(*items, n_pictures=12):
    return choose_changed([row for rows in items for row in rows], FAMILIES, n_pictures)


def test_wrong_from_some_quality_on_all_the_way_down():
    choices = chosen(
        item(0, "++++", truth=0),
        item(1, "++--", truth=1),
        item(2, "+---", truth=2),
        item(3, "-+--", truth=3),  # wrong at 90 by accident, stays wrong only from 30 on
        item(4, "---+", truth=4),  # right again at the end: says nothing
        item(5, "----", truth=5, clean_right=False),
        item(6, "x---", truth=6),
    )
    assert choices == (
        Choice(2, ("clean", "jpeg:50", "jpeg:30", "jpeg:10"), "jpeg:50"),
        Choice(1, ("clean", "jpeg:50", "jpeg:30", "jpeg:10"), "jpeg:30"),
        Choice(3, ("clean", "jpeg:50", "jpeg:30", "jpeg:10"), "jpeg:30"),
    )


def test_the_surer_clean_answer_first_then_the_lower_index():
    items = [item(i, "----", truth=i, p=p) for i, p in enumerate((0.5, 0.9, 0.5, 0.7))]
    assert [choice.item_index for choice in chosen(*items)] == [1, 3, 0, 2]


def test_one_per_class_before_a_second_and_never_a_third():
    items = [item(0, "----", p=0.7), item(1, "----", p=0.9), item(2, "----", p=0.8), item(3, "+++-", truth=1)]
    assert [choice.item_index for choice in chosen(*items)] == [1, 3, 2]
    assert [choice.item_index for choice in chosen(*items, n_pictures=2)] == [1, 3]


def test_codecs_share_the_places_and_take_no_picture_twice():
    families = families_of(StudyPlan(model="m", data="d", codecs=("jpeg:10", "webp:10")).made_codecs)
    rows = [row for i in range(6) for row in item(i, "--", truth=i, settings=("jpeg:10", "webp:10"))]
    choices = choose_changed(rows, families, 4)
    assert [(choice.item_index, choice.wrong_from) for choice in choices] == [
        (0, "jpeg:10"),
        (1, "jpeg:10"),
        (2, "webp:10"),
        (3, "webp:10"),
    ]


def test_without_labels_the_clean_answer_is_right():
    rows = [row_of(0, "clean", 3, truth=None, clean=3)]
    rows += [row_of(0, setting, 4, truth=None, clean=3) for setting in SETTINGS]
    assert [choice.wrong_from for choice in choose_changed(rows, FAMILIES)] == ["jpeg:90"]
