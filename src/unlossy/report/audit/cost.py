"""From a finished study to what a JPEG quality costs: the curve that an audit's bands are measured against."""

from pathlib import Path

from unlossy.audit.bands import CostPoint, StudyCost
from unlossy.metrics import Interval
from unlossy.report.verdict import METRIC_NAMES
from unlossy.runs import StudyResult, summarise_run
from unlossy.runs.settings import Family, families_of
from unlossy.store import NONE


def study_cost(run: str | Path) -> StudyCost:
    """The losses of a RUN's model without mitigation at JPEG qualities, in points of its main metric.

    Plain `jpeg` is taken, else the first JPEG family there is (`jpeg[444]`). Raises UsageError where the folder is no
    RUN, or holds no JPEG cell with a figure.
    """
    result = summarise_run(run)
    families = [family for family in families_of(result.plan.made_codecs) if _is_jpeg(family)]
    chosen = min(families, key=lambda family: family.name != "jpeg", default=None)
    points = () if chosen is None else _points(result, chosen)
    return StudyCost(str(run), METRIC_NAMES.get(result.main_metric, result.main_metric), points)


def _is_jpeg(family: Family) -> bool:
    return family.swept and family.name.partition("[")[0] == "jpeg"


def _points(result: StudyResult, family: Family) -> tuple[CostPoint, ...]:
    cells = {cell.codec: cell for cell in result.cells if cell.mitigation == NONE}
    points = []
    for setting, quality in zip(family.settings, family.qualities, strict=True):
        change = cells[setting].difference.get(result.main_metric) if setting in cells else None
        if change is not None and quality is not None:
            loss = Interval(-100 * change.mean + 0.0, -100 * change.high + 0.0, -100 * change.low + 0.0)
            points.append(CostPoint(round(quality), loss))
    return tuple(points)
