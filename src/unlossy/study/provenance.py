"""What made the rows: the plan, the items, digests of models and correctors, versions that can change a number."""

import platform
from collections.abc import Sequence
from typing import Any

from unlossy.core.tools import digest_of, version_of
from unlossy.core.types import ClassTarget, Item, TextTarget
from unlossy.runs.plan import StudyPlan
from unlossy.study.mitigation import Mitigation, libraries_of, made_by, remarks_of
from unlossy.tasks.base import Task

ALWAYS = ("unlossy", "numpy", "Pillow", "simplejpeg")


def provenance_of(
    plan: StudyPlan, items: Sequence[Item], task: Task, mitigations: Sequence[Mitigation] = (), device: str = "cpu"
) -> dict[str, Any]:
    """A JSON object; equal objects give equal rows (but for times) on the same machine."""
    methods, remarks = made_by(mitigations), (*task.remarks, *remarks_of(mitigations))
    libraries = (*ALWAYS, *task.libraries, *libraries_of(mitigations))
    return {
        "plan": plan.hash,
        "items": digest_of([[item.key, _target(item)] for item in items]),
        "n_items": len(items),
        "model": task.model_spec,
        "model_digest": task.model_digest,
        "seed": plan.seed,
        "encoders": {codec.setting: codec.encoder for codec in plan.made_codecs},
        "versions": {name: version_of(name) for name in libraries},
        "python": platform.python_version(),
        **({} if device == "cpu" else {"device": device}),
        **({"mitigations": methods} if methods else {}),
        **({"remarks": list(remarks)} if remarks else {}),
    }


def _target(item: Item) -> int | str | None:
    """What tells an item's target from another."""
    match item.target:
        case ClassTarget(class_index):
            return class_index
        case TextTarget(text):
            return text
        case None:
            return None
        case target:
            return target.digest
