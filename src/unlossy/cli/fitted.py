"""A table that fits the terminal: numbers are never cut, and names are folded, or stand above their numbers."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

GAP: Final = 2
"""Columns of a terminal between those of a table."""
INDENT: Final = "  "


def fitted(names: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> RenderableType:
    """The table in `width` columns of a terminal, every character of it, as far as its numbers fit there.

    Args:
        names: heads of the first columns, which hold names (codec settings, mitigations).
        numbers: heads of the others, aligned to the right.
        rows: the texts of each row in the order of the heads; none is read as markup.
        width: of the terminal.
    """
    n_names, heads = len(names), (*names, *numbers)
    for told in (rows, [[*map(folded, row[:n_names]), *row[n_names:]] for row in rows]):
        widths = [widest(texts) for texts in zip(heads, *told, strict=True)]
        if sum(widths) + GAP * (len(widths) - 1) <= width:
            return _side_by_side(heads, told, n_names)
    return _names_above(names, numbers, rows)


def folded(name: str) -> str:
    """A name in lines: broken behind what is done, and before a second part of it."""
    return name.replace("=", "=\n").replace("+", "\n+")


def widest(texts: Sequence[str]) -> int:
    """Of all their lines, in columns of a terminal."""
    return max(cell_len(line) for text in texts for line in text.split("\n"))


def _side_by_side(heads: Sequence[str], rows: Sequence[Sequence[str]], n_names: int) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP // 2))
    for number, head in enumerate(heads):
        table.add_column(Text(head), justify="left" if number < n_names else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _names_above(names: Sequence[str], numbers: Sequence[str], rows: Sequence[Sequence[str]]) -> Group:
    n_names = len(names)
    widths = [widest(texts) for texts in zip(numbers, *(row[n_names:] for row in rows), strict=True)]

    def line(texts: Sequence[str], style: str = "") -> Text:
        aligned = (" " * (wide - cell_len(text)) + text for text, wide in zip(texts, widths, strict=True))
        return Text(INDENT + (" " * GAP).join(aligned), style)

    told = [Text((" " * GAP).join(names), "bold"), line(numbers, "bold")]
    for row in rows:
        told += [Text((" " * GAP).join(row[:n_names])), line(row[n_names:])]
    return Group(*told)
