"""The table of images: fifty rows that are there without script, and all inlined rows as JSON for the script.

The JSON is by columns, a text that repeats stored once, and holds nothing that could end its element: all of `<`, `>`,
`&` and whatever is not ASCII is escaped.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64

from unlossy.audit.columns import plain
from unlossy.core.tools import printable
from unlossy.report.audit.facts import Facts
from unlossy.report.markup import Html, tag
from unlossy.report.tabular import scrolling

ROWS_PER_PAGE = 50
MINUS = "\N{MINUS SIGN}"
FIRST = ("ijg_quality_luma", "error_kind")
SHOWN = (
    *("ijg_quality_chroma", "quality_exact", "quality_residual", "encoder", "rate_bpp", "blockiness", "clipped_share"),
    *("format", "container", "sampling", "process", "lossless", "truncated", "width", "height", "size_bytes"),
    "error_message",
)
"""Columns before and behind the groups; a narrow screen shows the key and the first of them."""

HEADINGS = {
    "size_bytes": "bytes",
    "ijg_quality_luma": "luma quality",
    "ijg_quality_chroma": "chroma quality",
    "quality_exact": "exact",
    "quality_residual": "residual",
    "rate_bpp": "bits/pixel",
    "clipped_share": "clipped",
    "error_kind": "error",
    "error_message": "finding",
}
DECIMALS = {"quality_residual": 3, "rate_bpp": 3, "blockiness": 3, "clipped_share": 4}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the page's table: its name in the rows, whether it holds numbers, and its values."""

    name: str
    is_number: bool
    values: list[Any]

    @property
    def heading(self) -> str:
        """What stands over it."""
        return HEADINGS.get(self.name, self.name)

    @property
    def decimals(self) -> int:
        """How many a number is shown with."""
        return DECIMALS.get(self.name, 0)


def table_columns(facts: Facts, chosen: Int64[np.ndarray, " rows"]) -> list[Column]:
    """The columns of the chosen rows that hold anything; `key` and `luma quality` always."""
    rows = facts.rows.take(pa.array(chosen))
    columns = [_column(name, rows[name]) for name in ("key", *FIRST)]
    for dimension, of in facts.groups.items():
        if dimension != "folder":  # the key begins with it
            columns.append(Column(dimension, False, [of.names[c] if c >= 0 else None for c in of.codes[chosen]]))
    columns += [_column(name, rows[name]) for name in SHOWN if name in rows.column_names]
    return [c for c in columns if c.name in ("key", "ijg_quality_luma") or any(v is not None for v in c.values)]


def table_section(facts: Facts, chosen: Int64[np.ndarray, " rows"], rows_file: str | None) -> Html:
    """What the table holds in words, its controls, its first rows, and the rest as data."""
    columns = table_columns(facts, chosen)
    controls = tag(
        "div",
        tag("label", "Search ", tag("input", "", type="search", id="search", autocomplete="off"), for_="search"),
        tag("button", "Download as CSV", type="button", id="csv"),
        tag("output", "", id="found", aria_live="polite"),
        class_="controls",
        id="controls",
        hidden=True,
    )
    pager = tag(
        "div",
        tag("button", "Previous", type="button", id="previous"),
        tag("output", "", id="page", aria_live="polite"),
        tag("button", "Next", type="button", id="next"),
        class_="controls",
        id="pager",
        hidden=True,
    )
    data = tag("script", Html(as_json(columns)), type="application/json", id="rows")
    return tag(
        "div", tag("p", scope(facts, len(chosen), rows_file)), _csv_note(), controls, _table(columns), pager, data
    )


def scope(facts: Facts, n_shown: int, rows_file: str | None) -> str:
    """What the table holds and where the rest is, in words."""
    if n_shown == facts.n_rows:
        return f"All {facts.n_rows:,} rows, the failed ones first, then those that stand out, then the lowest quality."
    place = f"all of them are in {rows_file}" if rows_file else "`unlossy audit ... -o rows.parquet` writes all of them"
    return (
        f"{n_shown:,} of {facts.n_rows:,} rows: what failed, what stands out, then the lowest quality, as far as a "
        f"page holds them. The other {facts.n_rows - n_shown:,} are counted in everything above, but are not in this "
        f"table; {place}."
    )


def _csv_note() -> Html:
    return tag(
        "p",
        "Click a heading to sort. Search takes several words, all of which must be in a row. The CSV holds the rows of "
        "this table that are found, in their order; a text that a spreadsheet would take for a formula gets an "
        "apostrophe in front.",
        class_="note with-js",
    )


def _table(columns: Sequence[Column]) -> Html:
    heads = [
        tag("th", column.heading, scope="col", class_=None if column.is_number else "text", data_column=n)
        for n, column in enumerate(columns)
    ]
    n_rows = min(ROWS_PER_PAGE, len(columns[0].values))
    body = [tag("tr", *[_cell(column, n) for column in columns]) for n in range(n_rows)]
    caption = tag("caption", tag("span", "Images, one a row."))
    inner = tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *body), id="images-table")
    return scrolling(inner, "Images, one a row")


def _cell(column: Column, n: int) -> Html:
    told = _text(column, column.values[n])
    if column.name == "key":
        return tag("th", told, scope="row", class_="text long")
    return tag("td", told, class_=None if column.is_number else "text")


def _text(column: Column, value: Any) -> str:  # noqa: ANN401 (a text, a number or None)
    """A value as a reader sees it: numbers with the decimals of their column."""
    if value is None or not column.is_number:
        return value or ""
    return f"{value:.{column.decimals}f}".replace("-", MINUS)


def as_json(columns: Sequence[Column]) -> str:
    """The columns as the script reads them: numbers as they are, texts as indexes into a list of the distinct ones."""
    told = [
        {
            "name": column.name,
            "heading": column.heading,
            "number": column.is_number,
            "decimals": column.decimals,
            **_packed(column),
        }
        for column in columns
    ]
    text = json.dumps(told, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _packed(column: Column) -> dict[str, Any]:
    if column.is_number:
        return {"values": column.values}
    texts = list(dict.fromkeys(value for value in column.values if value is not None))
    index = {text: n for n, text in enumerate(texts)}
    return {"texts": texts, "values": [None if value is None else index[value] for value in column.values]}


def _column(name: str, column: pa.ChunkedArray) -> Column:
    """A column of the rows: flags as words, numbers rounded, texts on one line."""
    values = plain(column)
    if pa.types.is_boolean(values.type):
        return Column(
            name, False, [None if value is None else "yes" if value else "no" for value in values.to_pylist()]
        )
    if pa.types.is_floating(values.type):
        finite = pc.if_else(pc.is_finite(values), values, None)
        return Column(name, True, pc.round(finite, DECIMALS[name]).to_pylist())
    if pa.types.is_integer(values.type):
        return Column(name, True, values.to_pylist())
    return Column(name, False, [None if value is None else _clean(value) for value in values.to_pylist()])


def _clean(text: str) -> str:
    """On one line, without what turns or hides text."""
    return text if text.isascii() and text.isprintable() else printable(text)
