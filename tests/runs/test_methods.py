"""Methods beside each other: pairs, costs and the transfer matrix, on rows spelled out by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.report.made import make_run, rows_by_hand
from unlossy.core.errors import UsageError
from unlossy.metrics import Interval, paired_difference
from unlossy.metrics.recovered import Share
from unlossy.runs import summarise_run
from unlossy.runs.methods import METHODS, Aim, MethodFacts, read_methods
from unlossy.runs.pairs import images_needed
from unlossy.runs.transfer import transfer_of

MITIGATIONS = ("none", "correct=a", "correct=b", "model=c:d")
ANSWERS = {
    ("clean", "none"): "1111111110",
    ("clean", "correct=a"): "1111111110",
    ("clean", "correct=b"): "0111111111",
    ("clean", "model=c:d"): "0011111111",
    ("jpeg:10", "none"): "0000001110",
    ("jpeg:10", "correct=a"): "1110001110",
    ("jpeg:10", "correct=b"): "1111101110",
    ("jpeg:10", "model=c:d"): "111111111 ",
    ("jpeg:90", "none"): "1111111110",
    ("jpeg:90", "correct=a"): "1111111110",
    ("jpeg:90", "correct=b"): "0111111110",
    ("jpeg:90", "model=c:d"): "1111111111",
}
TIMES = {"none": 0.010, "correct=a": 0.045, "correct=b": 0.030, "model=c:d": 0.011}
FACTS = {"correct=a": MethodFacts(1000, 50, (Aim("hf:m", "d" * 64),), 0.02)}


@pytest.fixture
def result(tmp_path):
    rows = rows_by_hand(ANSWERS, TIMES)
    codecs = ("jpeg:10,90",)
    return summarise_run(make_run(tmp_path / "run", rows, codecs, n_items=10, mitigations=MITIGATIONS, methods=FACTS))


def right(setting, mitigation):
    return [None if mark == " " else float(mark) for mark in ANSWERS[setting, mitigation]]


def test_any_two_methods_are_paired_over_the_items_that_both_have(result):
    assert len(result.pairs) == 2 * 6
    pairs = {(pair.codec, pair.a, pair.b): pair for pair in result.pairs}
    pair = pairs["jpeg:10", "correct=b", "correct=a"]
    assert (pair.n, pair.codec_quality) == (10, 10.0), "that the tenth failed with another method is no matter"
    expected = paired_difference(right("jpeg:10", "correct=b"), right("jpeg:10", "correct=a"), seed=0)
    found = pair.difference["top1"]
    assert (found.mean, found.low, found.high) == pytest.approx((expected.mean, expected.low, expected.high))
    assert found.mean == pytest.approx(2 / 10)
    failed = pairs["jpeg:10", "model=c:d", "correct=b"]
    assert (failed.n, failed.difference["top1"].mean) == (9, pytest.approx(1 / 9))
    assert pair.difference["top5"] is None
    assert pair.images_needed["top5"] is None
    at_90 = pairs["jpeg:90", "correct=a", "none"]
    assert (at_90.n, at_90.difference["top1"]) == (10, Interval(0.0, 0.0, 0.0))


def test_a_pair_with_none_is_what_the_cell_says(result):
    for cell in result.cells:
        if cell.mitigation == "none":
            continue
        (pair,) = (p for p in result.pairs if (p.codec, p.a, p.b) == (cell.codec, cell.mitigation, "none"))
        for metric in ("top1", "p_true", "agreement"):
            ours, theirs = pair.difference[metric], cell.versus_none[metric]
            assert (ours.mean, ours.low, ours.high) == pytest.approx((theirs.mean, theirs.low, theirs.high))


def test_what_no_item_has_with_both_is_unknown(tmp_path):
    answers = ANSWERS | {("jpeg:10", "correct=a"): "1110     ", ("jpeg:10", "correct=b"): "    111110"}
    run = make_run(tmp_path / "run", rows_by_hand(answers), ("jpeg:10,90",), n_items=10, mitigations=MITIGATIONS)
    pairs = {(pair.codec, pair.a, pair.b): pair for pair in summarise_run(run).pairs}
    apart, with_none = pairs["jpeg:10", "correct=b", "correct=a"], pairs["jpeg:10", "correct=a", "none"]
    assert (apart.n, set(apart.difference.values()), set(apart.images_needed.values())) == (0, {None}, {None})
    assert (with_none.n, with_none.difference["top1"].mean) == (4, 0.75)


def test_what_a_method_costs(result):
    a, b, other = (result.methods[text] for text in MITIGATIONS[1:])
    assert (a.became_wrong, a.became_right, a.clean_difference["top1"]) == (0, 0, Interval(0.0, 0.0, 0.0))
    assert (b.became_wrong, b.became_right, b.n_clean, b.n_judged) == (1, 1, 10, 10)
    assert (other.became_wrong, other.became_right) == (2, 1)
    assert other.clean_difference["top1"].mean == pytest.approx(-0.1)
    moved = 0.75 - 0.25 / 9  # the probability of the true class when the answer flips
    assert (a.mean_abs_p_true, other.mean_abs_p_true) == (0.0, pytest.approx(0.3 * moved))
    assert (b.mildest.codec, b.mildest.codec_quality) == ("jpeg:90", 90.0)
    assert b.mildest.versus_none["top1"].mean == pytest.approx(-0.1)
    assert (a.elapsed_s, a.correction_s) == (pytest.approx(0.045), pytest.approx(0.035))
    assert other.correction_s is None, "nothing is corrected there"
    assert a.facts == FACTS["correct=a"]
    assert b.facts == MethodFacts(), "unknown"


def test_the_json(result):
    told = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert set(told["methods"]) == set(MITIGATIONS)
    assert told["methods"]["correct=a"]["aimed_at"] == [{"model": "hf:m", "digest": "d" * 64}]
    assert told["methods"]["correct=a"]["corrector_parameters"] == 1000
    assert set(told["pairs"][0]) == {"codec", "codec_quality", "a", "b", "difference", "n", "images_needed"}
    assert told["pairs"][0]["a"] == "correct=a"
    assert told["pairs"][0]["b"] == "none"


def test_a_study_of_none_alone_tells_what_it_told(tmp_path):
    rows = rows_by_hand({key: text for key, text in ANSWERS.items() if key[1] == "none"})
    run = make_run(tmp_path / "run", rows, ("jpeg:10,90",), n_items=10)
    assert set(summarise_run(run).to_json()) == {
        "run",
        "n_items",
        "failed",
        "clean",
        "clean_mitigated",
        "cells",
    }


def test_how_many_images_would_do():
    """A mean's interval is as wide as 1 / sqrt(n): drawn at that n it must be 5 points wide on each side."""
    chance = np.random.default_rng(1)
    few = (chance.random(100) < 0.3).astype(float)
    interval = paired_difference(few.tolist(), [0.0] * 100, seed=0)
    needed = images_needed(interval, 100)
    many = (chance.random(needed) < few.mean()).astype(float)
    wide = paired_difference(many.tolist(), [0.0] * needed, seed=0)
    assert 0.045 < (wide.high - wide.low) / 2 < 0.055
    assert images_needed(Share(0.5, None, 0.9), 100) is None
    assert images_needed(None, 100) is None


A, SMALL = {"corrector": "a", "digest": "a" * 64}, {"corrector": "small", "digest": "5" * 64}


def run_of(folder, model, digest, none, aimed, small, **made_by):
    mitigations = ("none", "correct=x/a.safetensors", "correct=small")
    texts = {"none": none, mitigations[1]: aimed, mitigations[2]: small}
    answers = {("clean", m): "1" * len(none) for m in mitigations} | {("jpeg:10", m): t for m, t in texts.items()}
    made = {"model_digest": digest, "mitigations": {mitigations[1]: A, mitigations[2]: SMALL}, **made_by}
    facts = {mitigations[1]: MethodFacts(aimed_at=(Aim("hf:one", "1" * 64),)), mitigations[2]: MethodFacts()}
    return summarise_run(
        make_run(
            folder, rows_by_hand(answers), ("jpeg:10",), n_items=len(none), model=model, mitigations=mitigations,
            made_by=made, methods=facts,
        )
    )  # fmt: skip


def test_the_transfer_matrix(tmp_path):
    one = run_of(tmp_path / "one", "hf:one", "1" * 64, "0" * 10, "1" * 8 + "00", "1" * 4 + "0" * 6)
    two = run_of(tmp_path / "two", "hf:two", "2" * 64, "0" * 10, "1" * 5 + "0" * 5, "1" * 2 + "0" * 8)
    found = transfer_of([one, two])
    assert [(c.digest, [aim.model for aim in c.aimed_at]) for c in found.correctors] == [
        ("a" * 64, ["hf:one"]),
        ("5" * 64, []),
    ]
    shares = {place: cell.recovered.mean for place, cell in found.cells.items()}
    assert shares == pytest.approx({
        ("jpeg:10", "a" * 64, 0): 0.8,
        ("jpeg:10", "5" * 64, 0): 0.4,
        ("jpeg:10", "a" * 64, 1): 0.5,
        ("jpeg:10", "5" * 64, 1): 0.2,
    })  # fmt: skip
    direct = found.cells["jpeg:10", "a" * 64, 0]
    assert (direct.direct, direct.reference, direct.of_direct, direct.n) == (True, True, None, 10)
    beside = found.cells["jpeg:10", "5" * 64, 0]
    assert (beside.direct, beside.of_direct.mean) == (False, pytest.approx(0.5)), "4 of the 8 that aiming wins"
    assert beside.of_direct.low < 0.5 < beside.of_direct.high
    assert found.cells["jpeg:10", "5" * 64, 1].of_direct is None, "nothing was aimed at the second"


def test_every_corrector_aimed_at_the_model_is_counted_as_such(tmp_path):
    def also_aimed(result):
        cost = result.methods["correct=small"]
        facts = replace(cost.facts, aimed_at=(Aim("hf:one", "1" * 64),))
        return replace(result, methods={**result.methods, "correct=small": replace(cost, facts=facts)})

    one = run_of(tmp_path / "one", "hf:one", "1" * 64, "0" * 10, "1" * 8 + "00", "1" * 4 + "0" * 6)
    two = run_of(tmp_path / "two", "hf:two", "2" * 64, "0" * 10, "1" * 5 + "0" * 5, "1" * 2 + "0" * 8)
    found = transfer_of([also_aimed(one), also_aimed(two)])
    first, second = (found.cells["jpeg:10", digest * 64, 0] for digest in ("a", "5"))
    assert (first.direct, first.reference, second.direct, second.reference) == (True, True, True, False)
    assert second.of_direct.mean == pytest.approx(0.5)
    assert not any(cell.direct for (_, _, number), cell in found.cells.items() if number == 1)


def test_runs_that_make_no_matrix_say_why(tmp_path):
    one = run_of(tmp_path / "one", "hf:one", "1" * 64, "00", "10", "10")
    other = run_of(tmp_path / "two", "hf:two", "2" * 64, "00", "10", "10", items="elsewhere")
    assert transfer_of([one]) == "No corrector stands in two of these runs."
    assert "different images" in transfer_of([one, other])


def test_models_of_different_tasks_stand_in_one_matrix_each_over_its_own_images(tmp_path):
    one = run_of(tmp_path / "one", "hf:one", "1" * 64, "0000", "1110", "1000")
    other = run_of(tmp_path / "two", "onnx:two", "2" * 64, "00", "10", "10", items="elsewhere")
    elsewhere = replace(other, plan=replace(other.plan, task="detection"))
    found = transfer_of([one, elsewhere])
    assert found.cells["jpeg:10", "a" * 64, 0].recovered.mean == pytest.approx(0.75)
    assert found.cells["jpeg:10", "a" * 64, 1].recovered.mean == pytest.approx(0.5)
    assert [found.cells["jpeg:10", "a" * 64, number].n for number in (0, 1)] == [4, 2]


def test_facts_that_nest_without_end_are_refused(tmp_path):
    (tmp_path / METHODS).write_text("[" * 100_000)
    with pytest.raises(UsageError, match="remove it and run the study again"):
        read_methods(tmp_path)
