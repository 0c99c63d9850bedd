"""A segmenter's classes beside a dataset's categories: which id each output answers with, and what a mask's ids mean.

Names decide, case, spaces, hyphens and underscores aside, and then the maps in `label_maps/`, read in both directions
("couch" in COCO's masks is "sofa" to a model of VOC's classes). Answers are in the dataset's ids. Several categories
that are one class to the model are read as the first of them. What has no counterpart:

    a category that the model does not know    its background, where it has one; else those pixels count for nothing
    a class that the dataset does not have     its background, where it has one; else an id of its own, never right
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

import numpy as np
from jaxtyping import UInt16

from unlossy.core.errors import UsageError
from unlossy.datasets.label_maps import NO_CLASS_ID
from unlossy.tasks.class_maps import NO_CLASS, Vocabulary
from unlossy.tasks.names import listed, names_of, plain

BACKGROUND: Final = "background"


@dataclass(frozen=True, slots=True, eq=False)
class ClassMatching:
    """How a model's outputs and a dataset's categories fit.

    `ids` are the answers' ids by output, None where every output is itself. `unknown` are the categories that the model
    does not know: background to a model that `has_background`. `merged` tells which are one class to it.
    """

    vocabulary: Vocabulary
    ids: UInt16[np.ndarray, " k"] | None
    has_background: bool = False
    unknown: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()


def match_classes(
    labels: Sequence[str] | None, n_classes: int | None, categories: Mapping[int, str], spec: str
) -> ClassMatching:
    """How a model's outputs and a dataset's categories fit; raises UsageError where they have nothing in common."""
    if not categories:
        names = None if labels is None else dict(enumerate(labels))
        return ClassMatching(Vocabulary(names, None if n_classes is None else {k: k for k in range(n_classes)}), None)
    if labels is None:
        return _by_number(n_classes, categories, spec)
    outputs = [plain(label) for label in labels]
    of_category = {number: _counterpart(plain(name), outputs) for number, name in categories.items()}
    known = {number: output for number, output in of_category.items() if output is not None}
    if all(outputs[output] == BACKGROUND for output in known.values()):
        raise UsageError(
            f"{spec} knows none of the data's categories. The data have: {listed(list(categories.values()))}. "
            f"The model has: {listed(labels)}"
        )
    ids, names = _answers(outputs, labels, known, categories)
    background = next((ids[output] for output, name in enumerate(outputs) if name == BACKGROUND), NO_CLASS)
    read_as = {number: ids[known[number]] if number in known else background for number in categories}
    read_as |= {number: number for number in names}  # an answer taken for a mask reads as itself
    unknown = tuple(name for number, name in categories.items() if number not in known)
    return ClassMatching(
        Vocabulary(names, read_as),
        np.array(ids, np.uint16),
        BACKGROUND in outputs,
        unknown,
        _merged(known, categories, labels),
    )


def _by_number(n_classes: int | None, categories: Mapping[int, str], spec: str) -> ClassMatching:
    """A model without names is taken at its word: output k is category k."""
    beyond = [number for number in categories if n_classes is not None and number >= n_classes]
    if beyond:
        raise UsageError(
            f"{spec} does not name its {n_classes} classes, and the data have the id {max(beyond)}. Name the outputs "
            "(labels in its JSON, id2label in its config), or give masks with the model's own numbers"
        )
    return ClassMatching(Vocabulary(dict(categories), {number: number for number in categories}), None)


def _answers(
    outputs: Sequence[str], labels: Sequence[str], known: Mapping[int, int], categories: Mapping[int, str]
) -> tuple[list[int], dict[int, str]]:
    """The id of each output, and the ids' names."""
    first: dict[int, int] = {}
    for number in sorted(known):
        first.setdefault(known[number], number)
    by_name = {plain(name): number for number, name in sorted(categories.items(), reverse=True)}
    fresh = (number for number in count(max(categories) + 1) if number != NO_CLASS_ID)
    background = by_name.get(BACKGROUND)
    ids, names = [], {}
    for output, name in enumerate(outputs):
        own = first.get(output)
        if own is None:  # another name of a category that has an output already, or nothing that the dataset has
            category = next((by_name[other] for other in names_of(name) if other in by_name), None)
            own = background if category is None else first.get(known.get(category, -1), category)
        if own is None:
            own = next(fresh)
        ids.append(own)
        names[own] = categories.get(own, labels[output])
    return ids, names


def _counterpart(name: str, outputs: Sequence[str]) -> int | None:
    """The output of that name, else of a name that the maps know it by."""
    return next((outputs.index(one) for one in names_of(name) if one in outputs), None)


def _merged(known: Mapping[int, int], categories: Mapping[int, str], labels: Sequence[str]) -> tuple[str, ...]:
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for number, output in known.items():
        groups[output].append(categories[number])
    return tuple(f"{' + '.join(names)} = {labels[output]}" for output, names in groups.items() if len(set(names)) > 1)
