"""Find, measure and undo what lossy compression does to vision datasets and the models trained on them.

The front door is functions; each is loaded when it is first asked for, so that `import unlossy` loads nothing heavy:

    unlossy.open_dataset("photos/")                              Items: undecoded samples in a stable order
    unlossy.audit_dataset("photos/")                             what compression has done to them
    unlossy.run_study(plan, "runs/mobilenet")                    what compression costs a model
    unlossy.load_corrector("small")("photo.jpg")                 the repaired picture
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unlossy.core.types import Item
    from unlossy.correctors.any_input import load_corrector
    from unlossy.datasets import open_dataset
    from unlossy.report.audited import Audit, audit_dataset
    from unlossy.study import StudyPlan, StudyResult, run_study

__version__ = "0.1.0"
__all__ = [
    "Audit",
    "Item",
    "StudyPlan",
    "StudyResult",
    "__version__",
    "audit_dataset",
    "load_corrector",
    "open_dataset",
    "run_study",
]

_HOMES = {
    "Audit": "unlossy.report.audited",
    "Item": "unlossy.core.types",
    "StudyPlan": "unlossy.study",
    "StudyResult": "unlossy.study",
    "audit_dataset": "unlossy.report.audited",
    "load_corrector": "unlossy.correctors.any_input",
    "open_dataset": "unlossy.datasets",
    "run_study": "unlossy.study",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """The public name, imported from its home on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'unlossy' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
