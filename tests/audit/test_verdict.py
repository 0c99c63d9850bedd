import json

import numpy as np
import pytest

from tests.audit.dealt import dealt, even, jpegs, replaced, way
from unlossy.audit.bands import CostPoint, StudyCost
from unlossy.audit.verdict import judge
from unlossy.metrics import Interval

STUDY = StudyCost("run", "top-1", (CostPoint(20, Interval(30.0, 25.0, 35.0)), CostPoint(90, Interval(1.0, 0.5, 1.5))))


@pytest.fixture
def planted():
    generator = np.random.default_rng(1)
    qualities = generator.choice([75, 80, 90], 600)
    qualities[180:195] = qualities[420:435] = 12
    return dealt(jpegs(qualities), **{"class": even(600, 10)})


def test_the_block_comes_first_and_the_levels_last(planted):
    verdict = judge(planted)
    assert verdict.sentences[0].startswith("Rogue block: 30 images at quality 12, in classes c")
    assert (
        "25 % of the 120 there, 0 of 480 elsewhere (median quality 12 against 80; p < 0.000001)."
        in verdict.sentences[0]
    )
    assert verdict.sentences[-1].endswith("mild 65.2 %, heavy 5 %.") == (
        verdict.bands[1].share == pytest.approx(391 / 600)
    )
    assert 3 <= len(verdict.sentences) <= 8
    assert verdict.leak is verdict.leaks[0]
    assert verdict.outlying == ()


def test_costs_are_told_where_there_is_a_study(planted):
    verdict = judge(planted, study=STUDY)
    heavy = "30 images in the heavy band (quality 1 to 29), where your model loses 30.0 points [25.0, 35.0] of top-1"
    assert f"{heavy}; qualities under 20 were not studied." in verdict.sentences
    qualities = verdict.summary.ijg_quality_luma
    want = sum(n * np.interp(q, [20, 90, 100], [30, 1, 0]) for q, n in qualities.items()) / 600
    assert verdict.expected.mean == pytest.approx(want)
    (told,) = (s for s in verdict.sentences if s.startswith("Expected cost"))
    assert told.startswith(f"Expected cost over all JPEGs with a quality: {want:.1f} points [")
    assert ("over 90, not studied" in told) == (max(qualities) > 90)


def test_batches_give_the_verdict_of_the_whole(planted):
    others = {}
    batches = iter(planted.to_batches(max_chunksize=64))

    def scanned():
        yield from batches
        others[".csv"] = 2  # known only when all files have been seen

    streamed, whole = judge(scanned(), others=others), judge(planted, others={".csv": 2})
    assert streamed.summary == whole.summary
    assert streamed.as_json() == whole.as_json()


def test_json_is_json(planted):
    told = json.loads(json.dumps(judge(planted, study=STUDY).as_json(), allow_nan=False))
    assert told["rogue_blocks"][0]["n"] == len(told["rogue_blocks"][0]["keys"]) == 30
    assert told["study"] == {"run": "run", "metric": "top-1"}
    assert told["compared"] == ["class"]


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (dealt([]), "No image has a JPEG quality."),
        (dealt([way(kind="PNG")] * 40, **{"class": even(40, 2)}), "No image has a JPEG quality."),
        (dealt([way(75)]), "1 JPEG with a quality, median 75: mild 100 %."),
        (
            dealt([way(75)] * 9),
            "No rogue block could be looked for: the images are in one group, with nothing to compare.",
        ),
        (
            dealt([way(75)] * 40, **{"class": even(40, 2)}),
            "No rogue block found: no class stands apart by its compression.",
        ),
        (
            dealt(jpegs([95] * 6 + [10] * 6), **{"class": even(12, 2)}),
            "Whether compression sets any class apart cannot be told: 12 images in these groups are too few.",
        ),
        (
            dealt([way(75)] * 6, **{"class": even(6, 2)}),
            "Whether headers tell the class was not tested: fewer than two classes have 10 images.",
        ),
        (
            replaced(dealt([way(75)] * 3), error_kind=["read", None, None]),
            "1 file of 3 could not be read.",
        ),
    ],
    ids=["none", "png only", "one", "one group", "alike", "too few", "few", "unreadable"],
)
def test_small_and_plain_sets_are_judged_too(table, sentence):
    assert sentence in judge(table).sentences


def test_what_stands_apart_without_being_gathered_is_told():
    qualities = [12 if i % 20 == 0 else 70 + i % 25 for i in range(600)]
    verdict = judge(dealt(jpegs(qualities), **{"class": [f"c{i % 7}" for i in range(600)]}))
    assert verdict.rogue_blocks == ()
    told = [s for s in verdict.sentences if s.startswith("Standing apart: ")]
    assert told == [
        "Standing apart: 30 images of 600 at quality 12, spread over 7 of 7 classes, all others at 70 or more."
    ]
