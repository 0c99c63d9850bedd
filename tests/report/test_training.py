"""Curves of a training: read from its logs as they are, thinned, drawn, and carried into a study's report."""

import json
from dataclasses import asdict

import pytest

from unlossy.core.errors import UsageError
from unlossy.report.training import training_figures, write_training_report
from unlossy.runs.methods import MethodFacts, read_methods, write_methods
from unlossy.runs.training import MOST_POINTS, TrainingCurves, curves_from_json, read_training, training_beside

LOG = "step,lr,loss,steps_per_s,data_wait_share,elapsed_s\n10,0.1,0.75,2,0,5\n20,0.1,0.5,2,0,10\n"
VALIDATION = "step,agreement_jpeg_q10,agreement_q10,gain_q10_db\n10,0.3,0.5,1.2\n20,0.3,0.6,\n"


@pytest.fixture
def run(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "validation.csv").write_text(VALIDATION)
    return tmp_path


def test_what_was_measured_is_read_and_the_clock_is_not(run):
    curves = read_training(run)
    assert curves.loss == ((10, 0.75), (20, 0.5))
    assert curves.validation["agreement_q10"] == ((10, 0.5), (20, 0.6))
    assert curves.validation["gain_q10_db"] == ((10, 1.2),), "an empty field is no value"
    assert set(curves.validation) == {"agreement_jpeg_q10", "agreement_q10", "gain_q10_db"}


def test_curves_are_found_beside_the_weights_and_in_the_folder(run):
    (run / "weights.safetensors").write_bytes(b"")
    assert training_beside(run / "weights.safetensors") == training_beside(run) == read_training(run)


def test_a_long_log_is_thinned_by_means(tmp_path):
    lines = "".join(f"{step},{step % 2}\n" for step in range(1, 10 * MOST_POINTS + 1))
    (tmp_path / "log.csv").write_text("step,loss\n" + lines)
    loss = read_training(tmp_path).loss
    assert len(loss) == MOST_POINTS
    assert {value for _, value in loss} == {0.5}
    assert loss[-1][0] == 10 * MOST_POINTS


@pytest.mark.parametrize("text", ["", "step,loss\nx,y\n", "a,b\n1,2\n", "\x00\x01", "step,loss\n1,nan\n"])
def test_a_broken_log_is_none(tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    assert read_training(tmp_path) is None
    with pytest.raises(UsageError, match=r"log\.csv"):
        write_training_report(tmp_path)


def test_the_page_tells_both_ends_and_leaves_references_to_the_table(run):
    page = write_training_report(run).read_text()
    assert "from 0.75 (step 10) to 0.5 (step 20)" in page
    assert "JPEG 10: 0.5 to 0.6" in page
    figures = training_figures(read_training(run), "n")
    assert figures.count("<figure") == 3, "loss, agreement, gain; the constant reference has no figure"
    assert "agreement jpeg q10" in page


def test_curves_travel_with_the_methods(tmp_path):
    curves = TrainingCurves(((1, 0.5),), {"gain_db": ((1, 2.0),)})
    write_methods(tmp_path, {"correct=a": MethodFacts(training=curves), "none": MethodFacts()})
    assert read_methods(tmp_path)["correct=a"].training == curves
    assert read_methods(tmp_path)["none"].training is None
    assert curves_from_json(json.loads(json.dumps(asdict(curves)))) == curves
