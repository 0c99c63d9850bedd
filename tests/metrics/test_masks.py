import numpy as np
import pytest

from tests.metrics.found_objects import target_of
from unlossy.core.errors import LabelError
from unlossy.metrics.masks import decode, encode, mask_overlap, rle_of

pytest.importorskip("faster_coco_eval")
SQUARE = [2, 1, 6, 1, 6, 5, 2, 5]  # 4 x 4 pixels


def test_polygons_and_both_kinds_of_run_lengths_are_the_same_mask():
    mask = np.zeros((8, 10), dtype=bool)
    mask[1:5, 2:6] = True
    column = [4, 4]  # 4 pixels on, 4 off, in each column of 8
    runs = {"size": [8, 10], "counts": [17, *(column * 4)[:-1], 80 - 17 - 28]}
    text = encode(mask)
    for outline in ([SQUARE], [SQUARE[:6] + SQUARE[6:]], runs, text):
        assert np.array_equal(decode(rle_of(outline, (8, 10), 1)), mask)
    assert rle_of([SQUARE], (8, 10), 1) == text


def test_parts_of_an_object_are_one_mask_and_what_lies_outside_is_cut_off():
    both = decode(rle_of([SQUARE, [7, 5, 30, 5, 30, 30, 7, 30]], (8, 10), 1))
    assert both.sum() == 16 + 3 * 3


def test_the_overlap_by_hand():
    masks = []
    for columns in (slice(0, 4), slice(2, 6), slice(8, 9)):
        mask = np.zeros((8, 10), dtype=bool)
        mask[:, columns] = True
        masks.append(encode(mask))
    target = target_of([[0, 0, 4, 8]] * 2, [1, 1], crowd=[False, True], outlines=[masks[0], masks[1]])
    found = mask_overlap(masks, target)
    # the crowd's column is the share of the detection: half of the first lies in it
    assert found.iou == pytest.approx(np.array([[1, 0.5], [1 / 3, 1], [0, 0]]))
    assert found.areas.tolist() == [32, 32, 8]


def test_no_masks_and_no_objects():
    outlined = target_of([[0, 0, 1, 1]], [1], outlines=[[[0, 0, 0, 1, 1, 1]]])
    assert mask_overlap([], outlined).iou.shape == (0, 1)
    assert mask_overlap([encode(np.ones((3, 4), dtype=bool))], target_of([], [])).iou.shape == (1, 0)


@pytest.mark.parametrize(
    ("outline", "finding"),
    [
        (None, "annotation 1 has no outline"),
        ({"size": [4, 4], "counts": "0T4"}, r"annotation 1 has size \[4, 4\], the picture \[8, 10\]"),
    ],
)
def test_an_outline_that_cannot_be_compared_is_named(outline, finding):
    target = target_of([[0, 0, 4, 4]], [1], outlines=[outline])
    with pytest.raises(LabelError, match=finding):
        mask_overlap([encode(np.ones((8, 10), dtype=bool))], target)


def test_whether_an_object_can_be_compared_does_not_hang_on_what_was_found():
    with pytest.raises(LabelError, match="annotation 1 has no outline"):
        mask_overlap([], target_of([[0, 0, 4, 4]], [1]))
