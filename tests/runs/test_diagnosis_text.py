"""Confusions of hand-written rows."""

import json
from dataclasses import replace

import pytest

from unlossy.runs.diagnosis_text import Confusion, diagnose
from unlossy.runs.folder import PLAN, ROWS
from unlossy.runs.plan import StudyPlan
from unlossy.store import RowStore, StudyRow

pytest.importorskip("rapidfuzz", reason="the extra `text` is not installed")

GIVEN = {"item_index": 0, "key": "", "codec": "clean", "mitigation": "none", "provenance": "", "elapsed_s": 0.0}
EMPTY = StudyRow(**(dict.fromkeys(StudyRow.__dataclass_fields__) | GIVEN))


def row(index, codec, read, truth=None, **more):
    return replace(
        EMPTY,
        item_index=index,
        key=str(index),
        codec=codec,
        codec_quality=None if codec == "clean" else 10.0,
        target=None if truth is None else json.dumps({"text": truth}),
        prediction=None if read is None else json.dumps({"text": read, "confidence": None}),
        **more,
    )


@pytest.fixture
def run(tmp_path):
    def write(*rows):
        plan = StudyPlan("m", "d", "text", ("jpeg:9,10",), ("none", "correct=small"))
        (tmp_path / PLAN).write_text(plan.to_toml(), "utf-8")
        with RowStore(tmp_path / ROWS) as store:
            key = store.add_provenance({})
            store.add_chunk([replace(one, provenance=key) for one in rows])
        return tmp_path

    return write


def test_confusions_against_the_truth_beside_those_of_the_clean_cell(run):
    found = diagnose(
        run(
            row(0, "clean", "clean", "clean"),
            row(0, "jpeg:10", "c1ean", "clean"),
            row(0, "jpeg:10", "clear", "clean", mitigation="correct=small"),
            row(1, "clean", "bel1", "BELL"),
            row(1, "jpeg:10", "be11", "BELL"),
            row(2, "clean", "lost", "lost"),
            row(2, "jpeg:10", None, "lost", error_kind="model", error_message="no"),
            row(3, "clean", "ab", "ab"),
            row(3, "jpeg:10", "abc", "ab"),
            row(4, "clean", "axe", "axe"),
            row(4, "jpeg:10", "ax", "axe"),
        )
    )
    assert found.against == "truth"
    clean, bare, corrected = found.cells
    assert (clean.codec, clean.n, clean.substituted, clean.missed, clean.invented) == ("clean", 5, 1, 0, 0)
    assert (bare.codec, bare.codec_quality, bare.n, bare.chars) == ("jpeg:10", 10.0, 4, 5 + 4 + 2 + 3)
    assert (bare.substituted, bare.missed, bare.invented) == (3, 1, 1)
    assert bare.clean == {"substituted": 1, "missed": 0, "invented": 0}
    assert bare.confusions[0] == Confusion("l", "1", 3, 1)
    assert set(bare.confusions[1:]) == {Confusion("e", "", 1, 0), Confusion("", "c", 1, 0)}
    assert corrected.confusions == (Confusion("n", "r", 1, 0),)
    told = found.to_json()["cells"][1]
    assert told["confusions"][0] == {"true": "l", "read": "1", "count": 3, "clean": 1}
    assert json.loads(json.dumps(told)) == told


def test_without_labels_the_clean_reading_is_the_truth(run):
    found = diagnose(run(row(0, "clean", "Total 9.00 RM"), row(0, "jpeg:10", "Total 9,00 RM")))
    assert found.against == "clean reading"
    assert found.cells[0].confusions == ()
    assert found.cells[1].confusions == (Confusion(".", ",", 1, 0),)


def test_a_run_without_rows_has_an_empty_clean_cell(run):
    (cell,) = diagnose(run()).cells
    assert (cell.codec, cell.n, cell.confusions) == ("clean", 0, ())
