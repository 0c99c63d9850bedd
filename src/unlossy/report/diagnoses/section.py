"""From a RUN to the section on where its loss comes from."""

from unlossy.report.diagnoses.maps import maps_diagnosis
from unlossy.report.diagnoses.objects import objects_diagnosis
from unlossy.report.diagnoses.texts import texts_diagnosis
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html
from unlossy.runs.diagnosis import diagnose
from unlossy.runs.diagnosis_detection import DetectionDiagnosis
from unlossy.runs.diagnosis_segmentation import SegmentationDiagnosis
from unlossy.runs.diagnosis_text import TextDiagnosis


def diagnosis_section(run: LoadedRun, number: int) -> Html | None:
    """The diagnosis of a run's task; None for one that has none. `number` is the run's place on the page."""
    match diagnose(run.folder):
        case DetectionDiagnosis() as found:
            return objects_diagnosis(run, found, f"diagnosis-{number}")
        case SegmentationDiagnosis() as found:
            return maps_diagnosis(run, found, f"diagnosis-{number}")
        case TextDiagnosis() as found:
            return texts_diagnosis(run, found, f"diagnosis-{number}")
        case _:
            return None
