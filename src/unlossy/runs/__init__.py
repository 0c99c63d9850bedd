"""RUN folders: the plan they hold, what made their rows, and what the rows say. Loads no model, runs nothing."""

from unlossy.runs.folder import open_run, read_made_by, read_plan
from unlossy.runs.plan import StudyPlan
from unlossy.runs.summary import CellResult, StudyResult, summarise_run

__all__ = ["CellResult", "StudyPlan", "StudyResult", "open_run", "read_made_by", "read_plan", "summarise_run"]
