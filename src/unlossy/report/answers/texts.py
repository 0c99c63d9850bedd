"""Readings below their pictures: what was read, the characters that differ from the truth marked."""

from difflib import SequenceMatcher

from unlossy.metrics.text import normalised, rule_of
from unlossy.report.answers.base import Drawing, Shown
from unlossy.report.markup import Html, tag

MAX_CHARACTERS = 600
"""Shown of a reading; a page has more, and the rows hold it."""


def draw_text(shown: Shown) -> Drawing:
    """The picture as it is; the reading below it, against the truth or without one the clean reading."""
    reference = shown.clean.prediction if shown.answer.target is None else shown.answer.target
    wanted, read = _text(reference.get("text")), _text(shown.answer.prediction.get("text"))
    confidence = shown.answer.prediction.get("confidence")
    sure = None if confidence is None else tag("span", f"{100 * float(confidence):.0f} % sure", class_="percent")
    rule = rule_of(wanted)  # as the metrics compare them: of a single word, letters and digits alone
    right = normalised(wanted, rule) == normalised(read, rule)
    judged = tag("span", "read as it is written" if right else "misread", class_="judged")
    truth = tag("p", "written: ", tag("q", wanted), class_="note") if shown.is_clean and wanted else None
    caption = tag(
        "div",
        tag("span", *(marked(wanted, read) or ["nothing was read"]), class_="name reading"),
        judged,
        sure,
        class_=f"answer {'right' if right else 'wrong'}",
    )
    return Drawing(shown.picture, None, tag("div", caption, truth))


def marked(wanted: str, read: str) -> list[Html | str]:
    """The reading in pieces: what agrees as it is, what does not in <mark>, what is missing in <del>."""
    pieces: list[Html | str] = []
    for kind, a, b, c, d in SequenceMatcher(None, wanted, read, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(read[c:d])
        if kind in ("replace", "insert"):
            pieces.append(tag("mark", read[c:d]))
        if kind in ("replace", "delete"):
            pieces.append(tag("del", wanted[a:b]))
    return pieces


def _text(value: object) -> str:
    text = str(value or "")
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + "..."
