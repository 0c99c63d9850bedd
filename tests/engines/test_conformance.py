"""One suite over every engine."""

import threading
import time

import pytest

from unlossy.engines import Engine, Failed, LocalEngine, Ok

ENGINES = [LocalEngine(1), LocalEngine(2), LocalEngine(7), LocalEngine()]


@pytest.fixture(params=ENGINES, ids=lambda engine: f"local-{engine.workers}")
def engine(request):
    assert isinstance(request.param, Engine)
    return request.param


def doubled():
    return lambda batch: [2 * ref for ref in batch]


@pytest.mark.parametrize(("n", "size"), [(0, 3), (1, 3), (3, 3), (10, 3), (100, 16)])
def test_every_reference_once_and_in_order(engine, n, size):
    outcomes = list(engine.map(doubled, range(n), size))
    assert [ref for outcome in outcomes for ref in outcome.refs] == list(range(n))
    assert [value for outcome in outcomes for value in outcome.value] == [2 * ref for ref in range(n)]
    assert all(len(outcome.refs) <= size for outcome in outcomes)


def test_a_failure_is_a_value_and_the_rest_goes_on(engine):
    def worker(batch):
        if 7 in batch:
            raise ValueError("seven")
        return sum(batch)

    outcomes = list(engine.map(lambda: worker, range(20), 5))
    assert [type(outcome) for outcome in outcomes] == [Ok, Failed, Ok, Ok]
    assert str(outcomes[1].error) == "seven"
    assert outcomes[1].refs == (5, 6, 7, 8, 9)


def test_memory_is_bounded_by_the_consumer(engine):
    taken = []

    def source():
        for ref in range(1000):
            taken.append(ref)
            yield ref

    outcomes = engine.map(doubled, source(), 1)
    for _ in range(5):
        next(outcomes)
    time.sleep(0.05)
    assert len(taken) <= 5 + engine.workers + 2
    outcomes.close()


def test_closing_early_ends_the_threads(engine):
    outcomes = engine.map(doubled, range(1000), 1)
    next(outcomes)
    outcomes.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("unlossy")]


def test_one_worker_is_made_per_thread(engine):
    made = []

    def make():
        made.append(threading.get_ident())
        return lambda batch: threading.get_ident()

    used = {outcome.value for outcome in engine.map(make, range(50), 1)}
    assert len(made) == len(set(made)) <= engine.workers
    assert used <= set(made)
