"""Rows against a policy: which limits hold, and the keys of the images that break them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlossy.audit.coding import batches_of, group_columns
from unlossy.audit.columns import plain
from unlossy.audit.limits import Limit
from unlossy.datasets.naming import GROUP_KINDS

NO_GROUP = ""
"""The group of rows that have none of the limit's kind, and of all rows where it names no kind."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits under a name; all of them must hold."""

    name: str
    limits: tuple[Limit, ...]
    description: str = ""

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the rows that it needs."""
        return frozenset().union(*(limit.columns for limit in self.limits))


@dataclass(frozen=True, slots=True)
class LimitResult:
    """One limit over all rows.

    Attributes:
        checked: Rows that were held to it.
        without: Rows that `where` chose and that have no value; not checked, unless the limit says that they fail.
        failing: Keys of the rows that broke it, in row order, whether or not their share is allowed.
        groups: The groups (of the limit's kind) where more than the allowed share fail: their share of failures.
        kinds: The kinds of groups that the rows have; None where the limit names none, or one of these.
    """

    limit: Limit
    checked: int
    without: int
    failing: tuple[str, ...]
    groups: Mapping[str, float]
    kinds: tuple[str, ...] | None = None

    @property
    def passed(self) -> bool:
        """No more than the allowed share fails, in any group, and the kind of groups is no unknown one."""
        return not self.groups and not self._is_unknown

    @property
    def _is_unknown(self) -> bool:
        """The limit's kind of groups is none of the rows', and none that datasets usually tell."""
        return self.kinds is not None and self.limit.group not in GROUP_KINDS

    @property
    def sentence(self) -> str:
        """The result in words: what was asked, how many fail of how many, who was not asked."""
        if self._is_unknown:
            there = f"there are {', '.join(self.kinds)}" if self.kinds else "they have none"
            return f"broken: {self.limit.text}: no image has groups of the kind {self.limit.group!r}; {there}"
        unasked = f"; {self.without} have no {self.limit.field} and are not held to it" if self._passes_over else ""
        unasked += "" if self.kinds is None else f"; no image has a {self.limit.group}, so all are one group"
        counts = f"{len(self.failing)} of {self.checked} fail{unasked}"
        named = [name for name in self.groups if name != NO_GROUP]
        where = f" ({self.limit.group}: {', '.join(named[:6])}{' ...' if len(named) > 6 else ''})" if named else ""
        verdict = "broken" if not self.passed else "holds" if self.checked else "holds, with no image to hold to it"
        return f"{verdict}: {self.limit.text}: {counts}{where}"

    @property
    def _passes_over(self) -> bool:
        return bool(self.without) and not self.limit.missing_fails and self.limit.present is None

    def as_json(self) -> dict[str, Any]:
        """The result as JSON holds it, with every failing key."""
        counts = {"checked": self.checked, "without": self.without, "n_failing": len(self.failing)}
        head = {"limit": self.limit.text, "field": self.limit.field, "passed": self.passed}
        told = {"sentence": self.sentence}
        return head | counts | {"groups": dict(self.groups), "failing": list(self.failing)} | told


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """A policy over all rows: passed when every limit holds."""

    policy: Policy
    limits: tuple[LimitResult, ...]

    @property
    def passed(self) -> bool:
        """Every limit holds."""
        return all(result.passed for result in self.limits)

    @property
    def offending(self) -> tuple[str, ...]:
        """The keys that fail a broken limit, each once, those of the first limit first."""
        return tuple(dict.fromkeys(key for result in self.limits if not result.passed for key in result.failing))

    def as_json(self) -> dict[str, Any]:
        """The result as JSON holds it."""
        limits = [result.as_json() for result in self.limits]
        return {"name": self.policy.name, "passed": self.passed, "n_offending": len(self.offending), "limits": limits}


def check(policy: Policy, rows: pa.Table | Iterable[pa.RecordBatch]) -> PolicyResult:
    """The result over all rows, batches being used up one by one; raises UsageError where a column is missing."""
    checker = Checker(policy)
    for batch in batches_of(rows):
        checker.add(batch)
    return checker.result()


class Checker:
    """Holds rows to a policy: `add` each batch, then `result`. Keeps the keys that fail, and counts."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._counts = [_Counts() for _ in policy.limits]

    def add(self, batch: pa.RecordBatch) -> None:
        """Checks one batch of rows; raises UsageError where a column is missing."""
        for limit, counts in zip(self._policy.limits, self._counts, strict=True):
            counts.add(limit, batch)

    def result(self) -> PolicyResult:
        """The result over the rows so far."""
        pairs = zip(self._policy.limits, self._counts, strict=True)
        return PolicyResult(self._policy, tuple(counts.result(limit) for limit, counts in pairs))


class _Counts:
    def __init__(self) -> None:
        self.without = 0
        self.keys: list[str] = []
        self.checked: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.n_rows = 0
        self.kinds: set[str] = set()

    def add(self, limit: Limit, batch: pa.RecordBatch) -> None:
        self.n_rows += batch.num_rows
        chosen, absent = limit.chosen(batch), limit.without(batch)
        self.without += pc.sum(pc.and_(chosen, absent)).as_py() or 0
        asked = limit.missing_fails or limit.present is not None
        checked = chosen if asked else pc.and_not(chosen, absent)
        failing = pc.and_(checked, limit.failing(batch))
        self.keys += plain(batch["key"]).filter(failing).to_pylist()
        names = self._group_of(batch, limit.group)
        self.checked.update(names[checked.to_numpy(zero_copy_only=False)].tolist())
        self.failed.update(names[failing.to_numpy(zero_copy_only=False)].tolist())

    def result(self, limit: Limit) -> LimitResult:
        shares = {name: self.failed[name] / n for name, n in sorted(self.checked.items())}
        # a share that is met exactly is met, whatever the rounding of 0.1
        broken = {name: share for name, share in shares.items() if share > limit.allowed_share + 1e-9}
        known = limit.group is None or limit.group in self.kinds or not self.n_rows
        kinds = None if known else tuple(sorted(self.kinds))
        return LimitResult(limit, sum(self.checked.values()), self.without, tuple(self.keys), broken, kinds)

    def _group_of(self, batch: pa.RecordBatch, kind: str | None) -> Any:  # noqa: ANN401 (an array of str, one a row)
        names = np.full(batch.num_rows, NO_GROUP, dtype=object)
        for there, values, rows in group_columns(plain(batch["groups"])):
            self.kinds.add(there)
            if there == kind:
                names[rows] = values.to_pylist()
        return names
