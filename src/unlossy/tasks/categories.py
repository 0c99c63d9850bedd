"""A model's classes beside a dataset's categories: which output means which id.

Names decide (case, spaces, hyphens and underscores aside). The ids that a model's makers gave its outputs (COCO's, say)
stand in where the names that both know do not contradict them: for outputs without a name, for other names of one thing
("tv" and "tvmonitor"), and for any name where nearly all of the dataset's categories have both name and id of an
output. One or two equal ids show nothing: everybody counts from 1, as COCO does. A model that knows neither is taken at
its word: output k is category k.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64

from unlossy.core.errors import UsageError
from unlossy.tasks.names import listed, names_of, plain

NEARLY_ALL: Final = 0.9
"""Share of the dataset's categories with an output's name and id, from which on the dataset counts as the makers do."""


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """What a model's answers mean in a dataset.

    Attributes:
        ids: By output the id that answers have; None where every output stands for itself.
        classes: Names by that id; None where nobody knows any.
        missing: Names of the dataset's categories that the model does not know: it will never find them.
    """

    ids: Mapping[int, int] | None
    classes: Mapping[int, str] | None
    missing: tuple[str, ...] = ()

    def of(self, outputs: Int64[np.ndarray, " n"]) -> tuple[np.ndarray, Int64[np.ndarray, " m"]]:
        """Which of these outputs mean a category (their places, rising), and the ids they mean."""
        if self.ids is None:
            return np.arange(len(outputs)), outputs
        meant = [self.ids.get(int(output)) for output in outputs]
        places = [place for place, category in enumerate(meant) if category is not None]
        return np.array(places, np.int64), np.array([meant[place] for place in places], np.int64)


def match_categories(
    labels: Sequence[str] | None,
    category_ids: Sequence[int] | None,
    categories: Mapping[int, str],
    spec: str = "the model",
) -> Matching:
    """The matching of outputs (by `labels` and `category_ids`, both in their order) to a dataset's categories.

    Without categories the answers are in `category_ids`, else in the outputs' own numbers.

    Raises:
        UsageError: the model knows none of the categories; lists both.
    """
    if not categories:
        return _unmatched(labels, category_ids)
    ids = _matched(labels, category_ids, categories)
    if not ids:
        knows = [label for label in labels or () if label] or [str(number) for number in category_ids or ()]
        raise UsageError(
            f"{spec} knows none of the data's categories. The data have: {listed(list(categories.values()))}. "
            f"The model has: {listed(knows) or 'no names'}"
        )
    missing = tuple(name for category, name in categories.items() if category not in set(ids.values()))
    return Matching(ids, dict(categories), missing)


def _unmatched(labels: Sequence[str] | None, category_ids: Sequence[int] | None) -> Matching:
    if category_ids is None:
        return Matching(None, {k: name for k, name in enumerate(labels) if name} if labels else None)
    names = dict(zip(category_ids, labels, strict=True)) if labels else None
    return Matching(dict(enumerate(category_ids)), names)


def _matched(
    labels: Sequence[str] | None, category_ids: Sequence[int] | None, categories: Mapping[int, str]
) -> dict[int, int]:
    if labels is None and category_ids is None:
        return {category: category for category in categories}
    wanted: dict[str, int] = {}
    for category, name in categories.items():
        wanted.setdefault(plain(name), category)
    ids = {k: wanted[plain(name)] for k, name in enumerate(labels or ()) if name and plain(name) in wanted}
    return ids | _by_id(ids, labels or (), dict(enumerate(category_ids or ())), categories)


def _by_id(
    by_name: Mapping[int, int], labels: Sequence[str], stated: Mapping[int, int], categories: Mapping[int, str]
) -> dict[int, int]:
    """The outputs whose `stated` id stands in, beside those matched `by_name`."""
    n_agreed = sum(stated.get(k) == category for k, category in by_name.items())
    if n_agreed < len(by_name):
        return {}
    names, taken = dict(enumerate(labels)), set(by_name.values())
    believed = n_agreed >= NEARLY_ALL * len(categories)
    nameless_too = bool(by_name) or not any(labels)

    def stands_in(output: int, category: str) -> bool:
        name = names.get(output)
        return believed or (plain(category) in names_of(plain(name)) if name else nameless_too)

    free = {k: own for k, own in stated.items() if k not in by_name and own in categories and own not in taken}
    return {k: own for k, own in free.items() if stands_in(k, categories[own])}
