"""How far a reading lies from the truth: edits of characters and of words, after normalisation by a stated rule.

    word    NFKC, casefold, letters and digits only     truths that are one word (IIIT5K's protocol for word crops)
    page    NFKC, whitespace collapsed                  all others: case, punctuation and spaces count

The truth chooses its rule (`rule_of`), so one number covers crops and pages. Lines are read as one text: a line break
is a space. Rates are edits over lengths, both summed over the items: CER of characters, WER of words (Levenshtein).
"""

import unicodedata
from collections import Counter
from dataclasses import astuple, dataclass
from types import ModuleType
from typing import Final, Literal

import numpy as np
from jaxtyping import Float

from unlossy.core.tools import require

Rule = Literal["word", "page"]

KEPT: Final = frozenset("LMN")
"""First letters of the Unicode categories that the word rule keeps: letters, marks (vowel signs), numbers."""


@dataclass(frozen=True, slots=True)
class TextEdits:
    """Edits between a reading and its truth, and the truth's lengths; all after normalisation."""

    char_edits: int
    chars: int
    word_edits: int
    words: int

    @property
    def char_accuracy(self) -> float:
        """1 - edits / characters, not below 0; of an empty truth 1 where the reading is empty too, else 0."""
        return max(0.0, 1.0 - self.char_edits / self.chars) if self.chars else float(not self.char_edits)

    def packed(self) -> str:
        """The four numbers as a text."""
        return " ".join(map(str, astuple(self)))


def rule_of(truth: str) -> Rule:
    """The rule that a truth is compared by: "word" for a single word with a letter or digit in it, else "page"."""
    return "word" if len(truth.split()) == 1 and _letters_and_digits(truth) else "page"


def normalised(text: str, rule: Rule) -> str:
    """The text as a rule compares it."""
    if rule == "word":
        return _letters_and_digits(text)
    return " ".join(unicodedata.normalize("NFKC", text).split())


def edits_of(reading: str, truth: str) -> TextEdits:
    """The fewest insertions, deletions and substitutions that make the truth of the reading.

    Raises:
        MissingDependency: rapidfuzz is not installed.
    """
    levenshtein, (read, true) = _levenshtein(), _both(reading, truth)
    words = true.split()
    return TextEdits(levenshtein.distance(read, true), len(true), levenshtein.distance(read.split(), words), len(words))


def confusions_of(reading: str, truth: str) -> Counter[tuple[str, str]]:
    """How often (true character, what was read for it) differ; "" stands for no character: one missed, or invented.

    Raises:
        MissingDependency: rapidfuzz is not installed.
    """
    read, true = _both(reading, truth)
    return Counter(
        ("" if edit.tag == "insert" else true[edit.src_pos], "" if edit.tag == "delete" else read[edit.dest_pos])
        for edit in _levenshtein().editops(true, read)
    )


def unpacked(evidence: list[str | None]) -> Float[np.ndarray, "n 4"]:
    """What `packed` wrote, one row per item; zeros where an item has none."""
    rows = [[float(number) for number in text.split()] if text else [0.0] * 4 for text in evidence]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def error_rates(
    edits: Float[np.ndarray, "n 4"], weights: Float[np.ndarray, "d n"]
) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
    """CER and WER of the items under each row of weights; NaN where the truth has no character, at most 1.

    More edits than characters (a reading that invents text) count as everything wrong: metrics lie in 0..1.
    """
    char_edits, chars, word_edits, words = (weights @ edits).T
    return _rate(char_edits, chars), _rate(word_edits, words)


def _rate(edits: Float[np.ndarray, " d"], lengths: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    found = np.full(len(edits), np.nan)
    np.divide(edits, lengths, out=found, where=lengths > 0)
    return np.minimum(found, 1.0)


def _both(reading: str, truth: str) -> tuple[str, str]:
    rule = rule_of(truth)
    return normalised(reading, rule), normalised(truth, rule)


def _letters_and_digits(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(c for c in folded if unicodedata.category(c)[0] in KEPT)


def _levenshtein() -> ModuleType:
    return require("rapidfuzz.distance.Levenshtein", "text", "comparing texts")
