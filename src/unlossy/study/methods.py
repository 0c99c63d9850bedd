"""What a study writes of its methods beside the rows: sizes, aims, and the models' time per image."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from unlossy.core.errors import UnlossyError, UsageError
from unlossy.core.tools import json_of
from unlossy.correctors.registry import weights_of
from unlossy.runs.methods import Aim, MethodFacts, read_methods, write_methods
from unlossy.runs.mitigations import parts_of
from unlossy.runs.training import TrainingCurves, training_beside
from unlossy.store import NONE
from unlossy.study.answers import Answerer
from unlossy.study.mitigation import Mitigation
from unlossy.tasks.base import Task
from unlossy.tasks.classification import ClassificationTask

_MAX_HEADER_BYTES = 10_000_000


def keep_methods(run: Path, mitigations: Sequence[Mitigation], answerer: Answerer) -> None:
    """Writes the facts of a study with more than `none`; a model that answered nothing keeps its earlier time."""
    if all(mitigation.text == NONE for mitigation in mitigations):
        return
    try:
        before: Mapping[str, MethodFacts] = read_methods(run)
    except UsageError:  # broken: it is made again
        before = {}
    own = facts_of(Mitigation(), answerer.task)
    found = {NONE: own} | {mitigation.text: facts_of(mitigation, answerer.task) for mitigation in mitigations}
    tasks = {mitigation.text: mitigation.task or answerer.task for mitigation in mitigations}
    for text, facts in found.items():
        took_s = answerer.median_s(tasks.get(text, answerer.task).model_spec)
        earlier_s = before[text].model_s if text in before else None
        found[text] = replace(facts, model_s=earlier_s if took_s is None else took_s)
    write_methods(run, found)


def facts_of(mitigation: Mitigation, own: Task) -> MethodFacts:
    """The facts of a method, its time left out."""
    task = mitigation.task or own
    parts = parts_of(mitigation.text)
    facts = replace(corrector_facts(parts.corrector), model_parameters=_model_parameters(task))
    made = [curves for spec in (parts.corrector, parts.model) if (curves := _training_of(spec)) is not None]
    return replace(facts, training=made[0]) if made else facts


def corrector_facts(spec: str) -> MethodFacts:
    """Parameters and aim of a corrector of ours, from the header of its weights; nothing known of another's."""
    try:
        header = _header(weights_of(spec)) if spec else {}
    except (UsageError, OSError, ValueError, struct.error):
        header = {}  # a graph, a program, another's network: the study does not need this
    stated = header.pop("__metadata__", {})
    shapes = [entry["shape"] for entry in header.values()]
    return MethodFacts(
        corrector_parameters=sum(map(prod, shapes)) if shapes else None, aimed_at=_aims(stated.get("aimed_at", "[]"))
    )


def _training_of(spec: str) -> TrainingCurves | None:
    """The curves of the run in which a local file or folder was made."""
    path = Path((spec.partition(":")[2] or spec).rpartition("@")[2]).expanduser() if spec else None
    return training_beside(path) if path is not None and path.exists() else None


def _header(path: Path) -> dict[str, Any]:
    """The JSON that a safetensors file begins with, without torch."""
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        if size > _MAX_HEADER_BYTES:
            raise ValueError("no header of a safetensors file")
        header: dict[str, Any] = json_of(file.read(size))
    return header


def _aims(stated: str) -> tuple[Aim, ...]:
    try:
        return tuple(Aim(str(aim["model"]), str(aim["digest"])) for aim in json_of(stated))
    except (ValueError, KeyError, TypeError):
        return ()


def _model_parameters(task: Task) -> int | None:
    """How many trained numbers the model's torch network has; None where there is none behind it."""
    trainable = getattr(task.classifier, "trainable", None) if isinstance(task, ClassificationTask) else None
    if trainable is None or getattr(task, "model_spec", "").startswith("onnx:"):
        return None  # a graph would have to be converted first
    try:
        found = trainable()
    except UnlossyError:  # no torch network behind it, or one that cannot be had
        return None
    return None if found is None else sum(parameter.numel() for parameter in found.network.parameters())
