"""Where the loss comes from, drawn: figures and tables hold the diagnosis's own numbers."""

import pytest

from unlossy.metrics.detection_errors import DetectionErrors
from unlossy.report.diagnoses.maps import maps_diagnosis
from unlossy.report.diagnoses.objects import objects_diagnosis
from unlossy.report.diagnoses.stacks import stacked
from unlossy.report.diagnoses.texts import texts_diagnosis
from unlossy.report.loaded import LoadedRun
from unlossy.report.losses import Losses
from unlossy.runs import StudyPlan, StudyResult
from unlossy.runs.diagnosis_detection import DetectionCell, DetectionDiagnosis, PartPrecision
from unlossy.runs.diagnosis_segmentation import ClassIou, Confusion, SegmentationCell, SegmentationDiagnosis
from unlossy.runs.diagnosis_text import Confusion as Misread
from unlossy.runs.diagnosis_text import TextCell, TextDiagnosis
from unlossy.runs.exhibits import Exhibits

PLACES = [("clean", None), ("jpeg:10", 10.0), ("jpeg:50", 50.0)]


@pytest.fixture
def run(tmp_path):
    plan = StudyPlan(model="onnx:m.onnx", data="photos", task="detection", codecs=("jpeg:10,50",))
    result = StudyResult("runs/x", plan, "ap", 9, 9, 0, {}, {"ap": 0.5}, ())
    losses = Losses("jpeg:10", ("jpeg:10",), 9, 0, 0, (), ())
    return LoadedRun(tmp_path, "m", result, {}, losses, None, Exhibits({1: "cat & dog", 2: "cup"}))


def test_parts_are_stacked_from_the_lowest_quality_on():
    figure = stacked("n", "c", "y", [(50.0, {"a": 1.0, "b": 2.0}), (10.0, {"a": 3.0, "b": 4.0})], 7.0)
    assert "a 3.0 at 10, 1.0 at 50; b 4.0 at 10, 2.0 at 50" in figure
    assert figure.count("<polygon") == 2
    assert stacked("n", "c", "y", [(50.0, {"a": 1.0})], 7.0) is None, "one point is no curve"


def test_a_detectors_errors_and_classes_are_told(run):
    def cell(codec, quality, level):
        present = DetectionErrors(0.4 - level, 0.01, level, 0.0, 0.0, 0.03, 0.04, 0.05, 0.06)
        part = PartPrecision(0.5 - level, 0.6, 7)
        return DetectionCell(codec, quality, "none", 9, 0.3, None, present, {"small": part}, {1: part, 2: part})

    cells = [cell(codec, quality, 0.2 if quality == 10 else 0.1) for codec, quality in PLACES]
    told = objects_diagnosis(run, DetectionDiagnosis("truth", tuple(cells)), "n")
    assert "poorly placed 20.0 at 10, 10.0 at 50" in told
    assert "cat &amp; dog" in told
    assert "-10.0" in told, "AP 40 clean, 30 at JPEG 10"
    assert "small (7)" in told
    assert "the labels" in told


def test_a_segmenters_edges_and_confusions_are_told(run):
    def cell(codec, quality, level):
        classes = (ClassIou(1, 0.8 - level, 0.5, 0.9, 0.25),)
        confusions = () if quality is None else (Confusion(1, 2, 0.33, 0.11),)
        return SegmentationCell(codec, quality, "none", 9, 0.7 - level, 0.5 - level, 0.9, 0.95, classes, confusions)

    cells = [cell(codec, quality, 0.2 if quality == 10 else 0.1) for codec, quality in PLACES]
    told = maps_diagnosis(run, SegmentationDiagnosis(tuple(cells)), "n")
    assert "whole: 50.0; at edges: 30.0; inside: 90.0" in told
    assert "33.0" in told
    assert "11.0" in told
    assert "No item" in maps_diagnosis(run, SegmentationDiagnosis(()), "n")


def test_a_readers_confusions_are_told(run):
    def cell(codec, quality, n):
        misread = (Misread("<", "", n, 1), Misread("S", "5", 2, 0))
        return TextCell(
            codec, quality, "none", 9, 100, n, 3, 1, {"substituted": 1, "missed": 1, "invented": 0}, misread
        )

    cells = [cell(codec, quality, 8 if quality == 10 else 4) for codec, quality in PLACES]
    told = texts_diagnosis(run, TextDiagnosis("truth", tuple(cells)), "n")
    assert "read as another 8.0 at 10, 4.0 at 50" in told
    assert "&lt;" in told
    assert "nothing" in told
