"""The counts behind mean IoU and boundary IoU, against cases worked out by hand and against plain loops."""

import numpy as np
import pytest

from unlossy.metrics.segmentation import (
    SET_METRICS,
    Counts,
    agreement,
    deep,
    edge_distance_px,
    item_miou,
    pack,
    tally,
    unpack,
)


def ids(rows):
    return np.array([[int(letter) for letter in row] for row in rows], np.uint16)


def blobs(seed, size_hw=(60, 80), n_classes=4, block=12):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, n_classes, (-(-size_hw[0] // block), -(-size_hw[1] // block)))
    return coarse.repeat(block, 0).repeat(block, 1)[: size_hw[0], : size_hw[1]].astype(np.uint16)


def moved(class_ids, pixels):
    return np.roll(class_ids, pixels, axis=1)


def everything(class_ids):
    return np.ones(class_ids.shape, bool)


def packed(truth, answer):
    return pack(tally(truth, answer, everything(truth)))


def test_mean_iou_of_a_case_worked_out_by_hand():
    truth = ids(["1122", "1122", "9922"])
    answer = ids(["1112", "1122", "1133"])
    labelled = truth != 9
    one = tally(truth, answer, labelled)
    counts = Counts.of([pack(one)])
    # class 1: 4 in both, 4 true, 5 answered = 4/5; class 2: 3 in both, 6 true, 3 answered = 3/6; 3 is never true
    assert counts.class_ids.tolist() == [1, 2, 3]
    np.testing.assert_allclose(counts.ious(np.ones((1, 1)))[0, 0], [4 / 5, 3 / 6, np.nan])
    found = counts.metrics(np.ones((1, 1)))
    assert found["miou"][0] == pytest.approx((4 / 5 + 3 / 6) / 2)
    assert found["pixel_accuracy"][0] == pytest.approx(7 / 10)
    assert item_miou(one) == pytest.approx((4 / 5 + 3 / 6 + 0) / 3)


def test_agreement_of_a_case_worked_out_by_hand():
    one, other = ids(["0011", "0011"]), ids(["0001", "0001"])
    assert agreement(one, other) == pytest.approx((4 / 6 + 2 / 4) / 2)
    assert agreement(one, one) == 1.0
    assert agreement(one, one + 5) == 0.0


@pytest.mark.parametrize("distance_px", [1, 3, 5])
def test_deep_pixels_are_those_that_repeated_erosion_leaves(distance_px):
    class_ids = blobs(0)
    expected = np.zeros(class_ids.shape, bool)
    for number in np.unique(class_ids):
        mask = np.pad(class_ids == number, 1)
        for _ in range(distance_px):
            shifts = [np.roll(mask, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
            mask = np.logical_and.reduce(shifts)
        expected |= mask[1:-1, 1:-1]
    assert expected.any()
    np.testing.assert_array_equal(deep(class_ids, distance_px), expected)


def test_a_picture_smaller_than_the_square_has_no_inside():
    assert not deep(np.ones((5, 40), np.uint16), 3).any()
    assert deep(np.ones((7, 40), np.uint16), 3).any()


def test_the_boundary_reaches_two_per_cent_of_the_diagonal():
    assert edge_distance_px((480, 640)) == 16
    assert edge_distance_px((1, 1)) == 1


def test_boundary_iou_is_the_papers():
    truth = blobs(1, (300, 400), block=50)
    answer = moved(truth, 4)
    distance_px = edge_distance_px(truth.shape)
    counts = Counts.of([packed(truth, answer)])
    for place, number in enumerate(counts.class_ids):
        edges = []
        for class_ids in (truth, answer):
            mask = np.pad(class_ids == number, 1)
            eroded = mask
            for _ in range(distance_px):
                shifts = [np.roll(eroded, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
                eroded = np.logical_and.reduce(shifts)
            edges.append((mask & ~eroded)[1:-1, 1:-1])
        expected = (edges[0] & edges[1]).sum() / (edges[0] | edges[1]).sum()
        assert counts.ious(np.ones((1, 1)))[0, 2, place] == pytest.approx(expected)


def test_moving_an_edge_hurts_the_boundary_and_spares_the_inside():
    truth = np.zeros((300, 400), np.uint16)
    truth[60:240, 80:320] = 7
    found = Counts.of([packed(truth, moved(truth, 3))]).metrics(np.ones((1, 1)))
    assert found["interior_iou"][0] == 1.0
    assert 0.5 < found["boundary_iou"][0] < found["miou"][0] < 1.0


def test_a_hole_in_the_inside_spares_the_interior_of_nothing():
    truth = np.full((300, 400), 3, np.uint16)
    answer = truth.copy()
    answer[100:200, 100:200] = 5
    counts = Counts.of([packed(truth, answer)])
    inside = (300 - 20) * (400 - 20)
    assert counts.ious(np.ones((1, 1)))[0, 1, 0] == pytest.approx(1 - 100 * 100 / inside)


def test_what_is_packed_comes_back():
    one = tally(blobs(2), moved(blobs(2), 5), everything(blobs(2)))
    again = unpack(pack(one))
    np.testing.assert_array_equal(again.pairs, one.pairs)
    np.testing.assert_array_equal(again.edges, one.edges)
    assert len(pack(one)) < 600


def test_a_weight_counts_an_item_that_often():
    texts = [packed(blobs(seed), moved(blobs(seed), 3 + seed)) for seed in range(3)]
    drawn = Counts.of(texts).metrics(np.array([[2.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]))
    repeated = Counts.of([texts[0], texts[0], texts[2]]).metrics(np.ones((1, 3)))
    for metric in SET_METRICS:
        assert drawn[metric][0] == pytest.approx(repeated[metric][0])
        assert drawn[metric][1] != pytest.approx(repeated[metric][0])
        assert np.isnan(drawn[metric][2])


def test_ids_reach_beyond_a_byte():
    truth = np.array([[300, 64_000]], np.uint16)
    counts = Counts.of([packed(truth, truth)])
    assert counts.class_ids.tolist() == [300, 64_000]
    assert counts.metrics(np.ones((1, 1)))["miou"][0] == 1.0
