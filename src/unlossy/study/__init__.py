"""The study: what compression at each setting costs a model, with intervals, in a RUN folder that resumes."""

from unlossy.runs import CellResult, StudyPlan, StudyResult, summarise_run
from unlossy.study.run import run_study

__all__ = ["CellResult", "StudyPlan", "StudyResult", "run_study", "summarise_run"]
