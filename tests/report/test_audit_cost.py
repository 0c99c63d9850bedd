import pytest

from tests.report.made import make_run, simple_rows
from unlossy.core.errors import UsageError
from unlossy.report.audit.cost import study_cost


def test_losses_are_points_lost_at_each_jpeg_quality(tmp_path):
    """Made rows: at quality 10 half of the answers are wrong, above it none."""
    run = make_run(tmp_path / "run", simple_rows(40), n_items=40)
    cost = study_cost(run)
    assert (cost.run, cost.metric) == (str(run), "top-1")
    by_quality = {point.ijg_quality: point.loss for point in cost.points}
    assert sorted(by_quality) == [10, 50, 90]
    assert by_quality[10].mean == pytest.approx(50)
    assert 30 < by_quality[10].low < 50 < by_quality[10].high < 70
    assert (by_quality[90].mean, by_quality[90].low, by_quality[90].high) == (0, 0, 0)


def test_plain_jpeg_is_preferred(tmp_path):
    codecs = ("jpeg[444]:10", "jpeg:20", "webp:30")
    rows = simple_rows(20, codecs)
    cost = study_cost(make_run(tmp_path / "run", rows, codecs, n_items=20))
    assert [point.ijg_quality for point in cost.points] == [20]


def test_what_says_nothing_about_jpeg_is_refused(tmp_path):
    run = make_run(tmp_path / "run", simple_rows(8, ("webp:10",)), ("webp:10",), n_items=8)
    with pytest.raises(UsageError, match="no JPEG cell"):
        study_cost(run)
    with pytest.raises(UsageError, match="is not a RUN folder"):
        study_cost(tmp_path / "nowhere")
