import pytest

from unlossy.audit.bands import LIMITS, CostPoint, StudyCost, bands_of, expected_cost
from unlossy.core.errors import UsageError
from unlossy.metrics import Interval

STUDY = StudyCost("run", "top-1", (CostPoint(50, Interval(4.0, 3.0, 6.0)), CostPoint(10, Interval(40.0, 30.0, 50.0))))


def test_bands_cover_every_quality_once():
    assert sorted(q for _, low, high in LIMITS for q in range(low, high + 1)) == list(range(1, 101))


def test_images_are_counted_in_their_bands():
    bands = bands_of({95: 6, 90: 1, 89: 2, 30: 3, 29: 8})
    assert [(band.name, band.n, band.share) for band in bands] == [
        ("near-lossless", 7, 0.35),
        ("mild", 2, 0.1),
        ("moderate", 3, 0.15),
        ("heavy", 8, 0.4),
    ]
    assert all(band.cost is None for band in bands)


def test_costs_lie_on_the_curve_flat_below_it_and_nothing_at_100():
    assert expected_cost({30: 5}, STUDY) == Interval(22.0, 16.5, 28.0)
    assert expected_cost({5: 1}, STUDY) == Interval(40.0, 30.0, 50.0)
    assert expected_cost({50: 1}, STUDY) == Interval(4.0, 3.0, 6.0)
    assert expected_cost({75: 1}, STUDY) == Interval(2.0, 1.5, 3.0)  # half the way to 100
    assert expected_cost({100: 7}, STUDY) == Interval(0.0, 0.0, 0.0)


def test_a_band_costs_the_mean_of_its_images():
    heavy = bands_of({10: 3, 20: 1, 60: 4}, STUDY)[-1]
    assert heavy.cost.mean == pytest.approx((3 * 40 + 31) / 4)
    assert heavy.cost.low == pytest.approx((3 * 30 + 23.25) / 4)
    assert expected_cost({10: 3, 20: 1, 60: 4}, STUDY).mean == pytest.approx((120 + 31 + 4 * 3.2) / 8)


def test_no_images_cost_nothing_known():
    assert expected_cost({}, STUDY) is None
    assert [band.share for band in bands_of({})] == [0, 0, 0, 0]


def test_a_study_without_points_is_refused():
    with pytest.raises(UsageError, match="'run' has no JPEG cell"):
        StudyCost("run", "top-1", ())
