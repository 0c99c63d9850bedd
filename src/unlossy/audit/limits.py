"""A policy's limits: one condition on one column of the rows, for some of the rows, with a share that may miss it.

    Limit("ijg_quality_luma", minimum=75)                                  a JPEG of quality 74 fails; a PNG has none
    Limit("process", allowed=("baseline",), allowed_share=0.05)           one in twenty may be anything else
    Limit("error_kind", present=False)                                     every file can be read

`compression_ratio` is a column for policies alone: the bits of the samples as the header has them (width x height x
components x precision) over those of the file; null where the header does not say one of them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from unlossy.audit.columns import plain
from unlossy.audit.schema import schema
from unlossy.core.errors import UsageError

Value = str | int | float | bool
RATIO: Final = "compression_ratio"


def _kinds() -> dict[str, type]:
    """The columns that a limit can be on, and the type of their values."""
    kinds: dict[str, type] = {RATIO: float}
    for column in schema(pixels=True, sha256=True):
        if pa.types.is_boolean(column.type):
            kinds[column.name] = bool
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            kinds[column.name] = float
        elif pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
            kinds[column.name] = str
    return {name: kind for name, kind in kinds.items() if name not in ("groups", "quantization_tables", "grid_offset")}


KINDS: Final = _kinds()
"""float stands for every number."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One condition. A row fails it when its value breaks any of the rules; rows without a value are counted apart.

    Attributes:
        field: A column of the rows, or `compression_ratio`.
        minimum, maximum: For numbers, both inclusive.
        allowed, forbidden: Values; None for no such rule.
        present: True, the column must have a value; False, it must have none.
        missing_fails: Rows without a value fail; else they are passed over and counted.
        allowed_share: The share of the checked rows that may fail, 0..1.
        group: A kind of groups ("class", "folder"): the share is held in each of them.
        where: Only rows that have one of these values in these columns are checked.
    """

    field: str
    minimum: float | int | None = None
    maximum: float | int | None = None
    allowed: tuple[Value, ...] | None = None
    forbidden: tuple[Value, ...] | None = None
    present: bool | None = None
    missing_fails: bool = False
    allowed_share: float | int = 0.0
    group: str | None = None
    where: Mapping[str, tuple[Value, ...]] = dataclasses.field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the rows that it needs."""
        return frozenset({self.field, *self.where})

    @property
    def text(self) -> str:
        """The condition in words: "ijg_quality_luma at least 75, in at least 95 % of each class"."""
        rules = [f"at least {self.minimum:g}"] if self.minimum is not None else []
        rules += [f"at most {self.maximum:g}"] if self.maximum is not None else []
        rules += [f"one of {_listed(self.allowed)}"] if self.allowed is not None else []
        rules += [f"none of {_listed(self.forbidden)}"] if self.forbidden is not None else []
        rules += [] if self.present is None else ["present" if self.present else "absent"]
        where = "".join(f" where {column} is {_listed(values)}" for column, values in self.where.items())
        share = f", in at least {100 * (1 - self.allowed_share):g} %" if self.allowed_share or self.group else ""
        return f"{self.field} {' and '.join(rules)}{where}{share}{f' of each {self.group}' if self.group else ''}"

    def chosen(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """True for the rows that `where` chooses."""
        masks = [_is_one_of(column_of(batch, name), values) for name, values in self.where.items()]
        return reduce(pc.and_, masks, pa.array([True] * batch.num_rows, pa.bool_()))

    def without(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """True for the rows that have no value in the column."""
        return pc.is_null(column_of(batch, self.field))

    def failing(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        """True for the rows that break a rule, chosen or not."""
        column = column_of(batch, self.field)
        given = pc.is_valid(column)
        broken = [pc.less(column, self.minimum)] if self.minimum is not None else []
        broken += [pc.greater(column, self.maximum)] if self.maximum is not None else []
        broken += [pc.invert(_is_one_of(column, self.allowed))] if self.allowed is not None else []
        broken += [_is_one_of(column, self.forbidden)] if self.forbidden is not None else []
        by_value = reduce(pc.or_, [pc.fill_null(mask, False) for mask in broken], pc.and_not(given, given))
        absent = self.present is True or self.missing_fails
        by_absence = pc.invert(given) if absent else given if self.present is False else pc.and_not(given, given)
        return pc.or_(pc.and_(by_value, given), by_absence)


def column_of(batch: pa.RecordBatch, name: str) -> pa.Array:
    """One column of a batch, or the ratio; raises UsageError where these rows do not have it."""
    if name == RATIO:
        sides = [plain(batch[part]).cast(pa.float64()) for part in ("width", "height", "components", "precision")]
        bits = pc.multiply(plain(batch["size_bytes"]).cast(pa.float64()), 8.0)
        return pc.divide(reduce(pc.multiply, sides), pc.if_else(pc.greater(bits, 0.0), bits, None))
    if name not in batch.schema.names:
        raise UsageError(f"the policy has a limit on {name!r}, which these rows do not hold; audit with its option")
    return plain(batch[name])


def _is_one_of(column: pa.Array, values: tuple[Value, ...]) -> pa.BooleanArray:
    """True where the value is one of these; false where there is none."""
    wanted = pa.array(list(values))
    if not pa.types.is_string(column.type) and not pa.types.is_boolean(column.type):
        column, wanted = column.cast(pa.float64()), wanted.cast(pa.float64())
    return pc.and_(pc.is_in(column, value_set=wanted), pc.is_valid(column))


def _listed(values: tuple[Value, ...] | None) -> str:
    def one(value: Any) -> str:  # noqa: ANN401 (a Value)
        return (
            str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
        )

    return " or ".join(one(value) for value in values or ())
