"""Differences of metrics of the whole set: a ratio of sums as the simplest of them, against numpy by hand."""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from unlossy.metrics import paired_difference
from unlossy.metrics.recovered import recovered_share
from unlossy.metrics.stats import draws
from unlossy.runs.agreement import correlation_of
from unlossy.runs.cells import Cell
from unlossy.runs.estimates import SET_DRAWS, Estimates
from unlossy.tasks.base import Score


class Ratio:
    """`rate` is the sum of what each item won over the sum of what it tried; `error` is 1 minus that."""

    task, targets = "ratio", "text"
    metrics, set_metrics = ("rate", "error", "own", "agreement"), ("rate", "error")
    main_metric, item_metric = "rate", "own"
    lower_is_better = frozenset({"error"})
    spoken: Mapping[str, str] = MappingProxyType({})
    calls = 0

    def unused(self, *_):
        raise AssertionError("a summary asks for no answers")

    as_target = score = agreement = as_json = target_as_json = unused

    def summarise(self, scores, weights=None):
        rows = np.ones((1, len(scores))) if weights is None else np.asarray(weights)[None]
        found = {metric: float(values[0]) for metric, values in self.resample(scores, rows).items()}
        own = np.array([score.values["own"] for score in scores])
        return found | {"own": float((rows[0] @ own) / rows[0].sum()), "agreement": None}

    def resample(self, scores, rows):
        type(self).calls += len(rows) > 1
        parts = np.array([[float(part) for part in score.evidence.split("/")] for score in scores])
        won, tried = (rows @ parts).T
        return {"rate": won / tried, "error": 1 - won / tried}


def cell_of(pairs, agreement=None):
    scores = {
        i: Score({"own": won / tried, "agreement": agreement}, f"{won}/{tried}") for i, (won, tried) in enumerate(pairs)
    }
    return Cell(scores=scores)


CLEAN = cell_of([(9, 10), (18, 20), (5, 5), (28, 30), (1, 2)])
NONE = cell_of([(5, 10), (10, 20), (5, 5), (18, 30), (1, 2)])
FIXED = cell_of([(8, 10), (15, 20), (4, 5), (25, 30), (1, 2)])
ITEMS = tuple(range(5))


@pytest.fixture
def estimates():
    return Estimates(Ratio(), seed=3)


def by_hand(cell):
    parts = np.array([[float(part) for part in cell.scores[i].evidence.split("/")] for i in ITEMS])
    weights = np.concatenate(list(draws(5, 3, SET_DRAWS)))
    drawn = np.divide(*(weights @ parts).T)
    return drawn - drawn.mean() + np.divide(*parts.sum(axis=0))


def test_a_set_metric_is_worked_out_anew_in_each_draw(estimates):
    found = estimates.differences(NONE, CLEAN, ITEMS)["rate"]
    drawn = by_hand(NONE) - by_hand(CLEAN)
    assert found.mean == pytest.approx(39 / 67 - 61 / 67)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))


def test_means_are_as_ever(estimates):
    found = estimates.differences(NONE, CLEAN, ITEMS)
    own = [[cell.scores[i].values["own"] for i in ITEMS] for cell in (NONE, CLEAN)]
    assert found["own"] == paired_difference(*own, seed=3)
    assert found["agreement"] is None


def test_shares_of_a_metric_and_of_its_complement_are_one(estimates):
    shares = estimates.shares(FIXED, NONE, CLEAN, ITEMS)
    assert shares["rate"].mean == pytest.approx((53 - 39) / (61 - 39))
    for part in ("mean", "low", "high"):
        assert getattr(shares["error"], part) == pytest.approx(getattr(shares["rate"], part))
    assert shares["own"] == recovered_share(
        *([cell.scores[i].values["own"] for i in ITEMS] for cell in (FIXED, NONE, CLEAN)), seed=3
    )


def test_a_cells_draws_are_made_once(estimates):
    Ratio.calls = 0
    for _ in range(3):
        estimates.differences(NONE, CLEAN, ITEMS)
        estimates.shares(FIXED, NONE, CLEAN, ITEMS)
    assert Ratio.calls == 3, "clean, none, fixed"


def test_no_items_no_numbers(estimates):
    assert set(estimates.differences(NONE, CLEAN, ()).values()) == {None}
    assert set(estimates.shares(FIXED, NONE, CLEAN, ()).values()) == {None}


def test_agreement_that_follows_the_labels_correlates():
    cells = defaultdict(Cell, {("clean", "none"): CLEAN})
    told = {}
    for number, level in enumerate((0.9, 0.6, 0.2)):
        cells[f"jpeg:{number}", "none"] = cell_of([(level * 10, 10)] * 5, agreement=level)
        told[f"jpeg:{number}"] = {"rate": level, "agreement": 2 * level - 1}
    found = correlation_of(Ratio(), "rate", cells, told)
    assert (found.over_settings, found.n_settings, found.n_items) == (pytest.approx(1.0), 3, 15)
    assert found.over_items == pytest.approx(
        np.corrcoef(
            [level - CLEAN.scores[i].values["own"] for level in (0.9, 0.6, 0.2) for i in ITEMS],
            [level for level in (0.9, 0.6, 0.2) for _ in ITEMS],
        )[0, 1]
    )
    assert correlation_of(Ratio(), "agreement", cells, told) is None
    flat = correlation_of(Ratio(), "rate", cells, {"jpeg:0": told["jpeg:0"]})
    assert flat.over_settings is None, "one point is no line"


def test_a_difference_of_shares_stays_between_minus_one_and_one():
    some, none = cell_of([(0, 4), (7, 7), (9, 9)]), cell_of([(0, 4), (0, 7), (0, 9)])
    found = Estimates(Ratio(), 0).differences(none, some, (0, 1, 2))["rate"]
    assert found.mean == pytest.approx(-0.8)
    assert -1 <= found.low < found.mean < found.high <= 1
