"""Whether two models answer in the same classes, by their number and by what each calls them."""

from dataclasses import dataclass
from typing import Final

from unlossy.core.errors import UsageError
from unlossy.runs.mitigations import MODEL
from unlossy.tasks.base import Task
from unlossy.tasks.class_folders import names_in
from unlossy.tasks.classification import ClassificationTask
from unlossy.tasks.models.base import Classifier
from unlossy.tasks.names import plain

MOST_DIFFERING: Final = 0.03
"""Of the classes: so many may have other names in another list of the same ones, of ImageNet's 1000 above all."""


@dataclass(frozen=True, slots=True)
class _Differing:
    """A class that two models have other names for."""

    index: int
    name: str
    its_name: str


def refuse_other_classes(own: Task, other: Task) -> None:
    """Raises UsageError where both models are known to answer in different classes: their answers do not compare."""
    if not isinstance(own, ClassificationTask) or not isinstance(other, ClassificationTask):
        return
    ours, theirs = own.classifier, other.classifier
    remedy = f"A study compares models of the same classes; leave {MODEL}{theirs.spec} out, or study it on its own"
    if None not in (ours.n_classes, theirs.n_classes) and ours.n_classes != theirs.n_classes:
        raise UsageError(
            f"{theirs.spec} answers in {theirs.n_classes} classes, {ours.spec} in {ours.n_classes}. {remedy}"
        )
    differing = _differing(ours, theirs)
    if len(differing) > MOST_DIFFERING * len(ours.labels or ()):
        raise UsageError(f"{_told(differing[0], ours, theirs)}. {remedy}")


def remark_on_classes(own: Task, other: Task) -> str:
    """A sentence on classes that are taken for the same under other names; "" where there are none."""
    if not isinstance(own, ClassificationTask) or not isinstance(other, ClassificationTask):
        return ""
    ours, theirs = own.classifier, other.classifier
    differing = _differing(ours, theirs)
    if not differing:
        return ""
    example, n_names = _told(differing[0], ours, theirs), len(ours.labels or ())
    return (
        f"{theirs.spec} is taken for a model of the same classes, though {example} "
        f"(other names: {len(differing)} of {n_names})."
    )


def _differing(ours: Classifier, theirs: Classifier) -> list[_Differing]:
    named = enumerate(zip(ours.labels or (), theirs.labels or (), strict=False))
    return [_Differing(index, name, its_name) for index, (name, its_name) in named if not _same(name, its_name)]


def _told(found: _Differing, ours: Classifier, theirs: Classifier) -> str:
    return f"class {found.index} is {found.name!r} to {ours.spec} and {found.its_name!r} to {theirs.spec}"


def _same(name: str, its_name: str) -> bool:
    """Whether the first name of one is any of the other's: "tench" and "Tinca tinca" are "tench, Tinca tinca"."""
    names, its_names = (tuple(map(plain, names_in(label))) for label in (name, its_name))
    return name == its_name or any(one in its_names for one in names[:1]) or any(one in names for one in its_names[:1])
