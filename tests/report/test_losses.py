"""Who loses, counted by hand."""

from tests.report.made import row_of, simple_rows
from unlossy.report.losses import MIN_PER_CLASS, N_LISTED, losses_of


def test_classes_with_enough_images_are_ranked_by_share_lost():
    rows = []
    for index in range(12):  # class 0: six images, 3 lost; class 1: five, 4 lost; class 2: one, lost, too few
        truth = 0 if index < 6 else 1 if index < 11 else 2
        lost = index in (0, 1, 2, 6, 7, 8, 9, 11)
        rows.append(row_of(index, "clean", truth, truth=truth, clean=truth, class_name=f"name {truth}"))
        answer = (5 if index % 3 else 6) if lost else truth
        rows.append(row_of(index, "jpeg:10", answer, truth=truth, clean=truth, class_name=f"name {truth}"))
    losses = losses_of(rows, ("jpeg:10",), "jpeg:10")
    assert (losses.n_done, losses.n_classes, losses.n_ranked) == (12, 3, 2)
    first, second = losses.classes
    assert (first.class_index, first.class_name, first.n, first.clean_right, first.right) == (1, "name 1", 5, 5, (1,))
    assert first.mostly == (5, 2)  # 7 and 8 taken for 5; 6 and 9 for 6: of equals the lower class
    assert (second.class_index, second.n, second.right, second.mostly) == (0, 6, (3,), (5, 2))
    assert MIN_PER_CLASS == 5


def test_images_are_ranked_by_probability_lost():
    rows = []
    for index, after in enumerate((0.7, 0.1, 0.9, 0.4)):
        rows.append(row_of(index, "clean", 0, p=0.8))
        rows.append(row_of(index, "jpeg:10", 0, p=after))
    losses = losses_of(rows, ("jpeg:10",), "jpeg:10")
    assert [(image.key, image.before, image.after) for image in losses.images] == [
        ("item-000001.png", 0.8, 0.1),
        ("item-000003.png", 0.8, 0.4),
        ("item-000000.png", 0.8, 0.7),
    ]


def test_without_a_label_the_clean_answer_is_what_is_lost():
    rows = [row_of(0, "clean", 3, truth=None, clean=3, p=0.6), row_of(0, "jpeg:10", 4, truth=None, clean=3, p=0.9)]
    (image,) = losses_of(rows, ("jpeg:10",), "jpeg:10").images
    assert (image.true_class, image.clean_answer, image.answer, image.before, image.after) == (None, 3, 4, 0.6, None)


def test_items_that_failed_anywhere_are_left_out():
    rows = [
        row_of(0, "clean", 0),
        row_of(0, "jpeg:10", 1, error="decode"),
        row_of(1, "clean", 0),
        row_of(1, "jpeg:10", 1),
    ]
    losses = losses_of(rows, ("jpeg:10",), "jpeg:10")
    assert (losses.n_done, losses.n_classes, [image.key for image in losses.images]) == (2, 1, ["item-000001.png"])
    assert losses_of(rows, (), None).images == ()


def test_the_lists_are_bounded():
    losses = losses_of(simple_rows(600, n_classes=40), ("jpeg:10", "jpeg:90"), "jpeg:10")
    assert len(losses.classes) == len(losses.images) == N_LISTED
    assert losses.n_classes == 40


def test_images_without_a_label_are_of_no_class_where_others_have_one():
    """Ten labelled ones are all lost; ten more, whose clean answer is that class and stays, say nothing of it."""
    rows = []
    for index in range(20):
        truth = 0 if index < 10 else None
        rows.append(row_of(index, "clean", 0, truth=truth))
        rows.append(row_of(index, "jpeg:10", 1 if index < 10 else 0, truth=truth))
    losses = losses_of(rows, ("jpeg:10",), "jpeg:10")
    (loss,) = losses.classes
    assert (loss.n, loss.clean_right, loss.right) == (10, 10, (0,))
    unlabelled = losses_of([row for row in rows if row.target is None], ("jpeg:10",), "jpeg:10")
    assert unlabelled.n_classes == 1
