"""Tesseract's TSV as readings: one row per page, block, paragraph, line and word; the words carry the text."""

from collections import defaultdict
from typing import Final

from unlossy.tasks.models.text.base import Reading

PAGE_LEVEL, WORD_LEVEL = "1", "5"
N_COLUMNS: Final = 12
"""level page_num block_num par_num line_num word_num left top width height conf text."""


def readings_of(tsv: str) -> list[Reading]:
    """One reading per page, in the pages' order: words divided by spaces, lines by line breaks.

    The confidence is the mean of the words', each counted by its characters; None where nothing is read.
    """
    pages: dict[str, dict[tuple[str, ...], list[tuple[str, float]]]] = {}
    for row in tsv.split("\n"):
        cells = row.rstrip("\r").split("\t", N_COLUMNS - 1)
        if cells[0] == PAGE_LEVEL and len(cells) >= N_COLUMNS - 1:
            pages[cells[1]] = defaultdict(list)
        elif cells[0] == WORD_LEVEL and len(cells) == N_COLUMNS and cells[11].strip():
            pages[cells[1]][tuple(cells[2:5])].append((cells[11].strip(), float(cells[10])))
    return [_reading(list(lines.values())) for lines in pages.values()]


def _reading(lines: list[list[tuple[str, float]]]) -> Reading:
    text = "\n".join(" ".join(word for word, _ in line) for line in lines)
    words = [one for line in lines for one in line]
    n_chars = sum(len(word) for word, _ in words)
    if not n_chars:
        return Reading("")
    mean = sum(len(word) * percent for word, percent in words) / n_chars / 100
    return Reading(text, min(max(mean, 0.0), 1.0))
