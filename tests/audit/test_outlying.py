import numpy as np
import pytest

from tests.audit.dealt import dealt, even, jpegs
from unlossy.audit.evidence import gather
from unlossy.audit.outlying import find_outlying


def clusters(qualities, told=(), **groups):
    evidence = gather(dealt(jpegs(qualities), **groups))
    return find_outlying(evidence, np.isin(np.arange(evidence.n), told))


def test_a_spread_cluster_is_told_with_its_neighbour_and_spread():
    qualities = [12 if i % 20 == 0 else 70 + i % 25 for i in range(600)]
    (cluster,) = clusters(qualities, **{"class": even(600, 10)})
    assert (cluster.low, cluster.high, cluster.nearest, cluster.n, cluster.n_of) == (12, 12, 70, 30, 600)
    assert cluster.row_numbers.tolist() == list(range(0, 600, 20))
    assert cluster.sentence == "30 images of 600 at quality 12, spread over 10 of 10 classes, all others at 70 or more."


def test_both_sides_can_stand_apart():
    low, high = clusters([10] * 5 + [40] * 90 + [95] * 6)
    assert (low.low, low.n, low.nearest) == (10, 5, 40)
    assert (high.low, high.n, high.nearest) == (95, 6, 40)
    assert "at quality 95, all others at 40 or less" in high.sentence


def test_a_gap_of_twenty_is_enough():
    assert [(cluster.n, cluster.nearest) for cluster in clusters([70] * 5 + [90] * 95)] == [(5, 90)]


@pytest.mark.parametrize(
    "qualities",
    [
        [10] * 4 + [90] * 96,  # too few
        [10] * 11 + [90] * 89,  # too many
        [71] * 5 + [90] * 95,  # too near
        [*range(5, 95)] * 2,  # a long tail
        [90] * 100,
        [],
    ],
)
def test_other_sets_have_none(qualities):
    assert clusters(qualities) == ()


def test_images_that_are_told_already_are_left_out():
    assert clusters([10] * 8 + [90] * 92, told=range(8)) == ()
    (cluster,) = clusters([30] * 40 + [5] * 12 + [70] * 548, told=range(40))
    assert cluster.sentence == "12 images of 560 at quality 5, all others outside rogue blocks at 70 or more."
