"""A document around its sections: one file with everything in it, for the report of a study and that of an audit.

Nothing is loaded from outside: a content security policy forbids it, and allows just the scripts given,
by their hashes.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from unlossy.core.errors import RunError
from unlossy.core.outputs import replacing
from unlossy.report.markup import Html, tag

STYLE, SCRIPT = "style.css", "script.js"
_BEGINNING: Final = "<!doctype html>"
_TITLE_ENDS: Final = " - unlossy"
_HEAD_BYTES: Final = 4096
"""In which the title ends, unless it is very long."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its id, its heading, what stands in it."""

    name: str
    heading: str
    content: Html


def document(
    title: str,
    told: Sequence[Html],
    sections: Sequence[Section],
    *,
    footer: str,
    styles: Sequence[str] = (STYLE,),
    scripts: Sequence[str] = (SCRIPT,),
    several: bool = False,
) -> str:
    """The whole document.

    Args:
        title: the heading, and with the program's name the window's title.
        told: what comes first, before any section: the verdict.
        sections: in the order a reader asks for them; the navigation links to them.
        footer: the last sentence.
        styles: files of this package, by name.
        scripts: the same, each allowed by its hash.
        several: whether `told` speaks of several runs, in smaller letters.
    """
    codes = [asset(name) for name in scripts]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(codes)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title}{_TITLE_ENDS}"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html("".join(map(asset, styles)))),
    )
    body = tag(
        "body",
        tag("a", "To the content", href="#content", class_="skip"),
        _header(title, told, sections, several=several),
        tag("main", *map(_section, sections), id="content"),
        tag("footer", tag("p", footer)),
        *[tag("script", Html(code)) for code in codes],
    )
    return f"{_BEGINNING}\n{tag('html', head, body, lang='en')}\n"


def bound(text: str) -> str:
    """The text with its percent signs bound to their numbers, so that no line begins with one."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def asset(name: str) -> str:
    """The text of a file of this package."""
    return files("unlossy.report").joinpath(name).read_text("utf-8")


def write_whole(text: str, path: Path) -> Path:
    """The file, there only once it is whole; raises RunError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(text.encode("utf-8"))
    except OSError as error:
        finding = error.strerror or error
        raise RunError(f"cannot write the report to {str(path)!r}: {finding}. Give another place") from error
    return path


def is_page(path: Path) -> bool:
    """True for a page that `document` made, which a newer one may replace."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return head.startswith(_BEGINNING.encode()) and f"{_TITLE_ENDS}</title>".encode() in head


def _policy(codes: Sequence[str]) -> str:
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" for code in codes]
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        f"script-src {' '.join(hashes)}"
    )


def _header(title: str, told: Sequence[Html], sections: Sequence[Section], *, several: bool) -> Html:
    links = [tag("li", tag("a", section.heading, href=f"#{section.name}")) for section in sections]
    return tag(
        "header",
        tag("button", "Dark", type="button", id="theme", hidden=True),
        tag("p", "unlossy report", class_="overline"),
        tag("h1", title),
        tag("div", *told, class_="verdicts several" if several else "verdicts"),
        tag("nav", tag("ul", *links), aria_label="Sections"),
    )


def _section(section: Section) -> Html:
    heading = f"{section.name}-heading"
    return tag(
        "section", tag("h2", section.heading, id=heading), section.content, id=section.name, aria_labelledby=heading
    )
