"""HTML as values: text is escaped by construction, because only `Html` passes as it is and only `tag` makes it."""

import html
from collections.abc import Iterable

VOID = frozenset({"br", "col", "hr", "img", "link", "meta"})

Attribute = str | int | float | bool | None


class Html(str):
    """Markup that is ready; every other text is escaped when it becomes a child."""

    __slots__ = ()


def tag(element: str, /, *children: str | None, **attributes: Attribute) -> Html:
    """The element with its children; a plain text is escaped, None is left out.

    Attribute names lose a trailing underscore and have `_` as `-` (`class_`, `aria_label`); None and False leave the
    attribute out, True gives it bare.
    """
    opening = "".join(_attribute(key, value) for key, value in attributes.items())
    if element in VOID:
        return Html(f"<{element}{opening}>")
    return Html(f"<{element}{opening}>{join(children)}</{element}>")


def join(children: Iterable[str | None]) -> Html:
    """The children one after the other, escaped where they are plain text."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children if child is not None))


def escape(text: str) -> Html:
    """The text as markup; characters that no document may hold become the replacement character."""
    clean = text
    if not text.isprintable():  # asked of the whole first: a picture's data URI has a million characters
        clean = "".join(c if c.isprintable() or c in "\n\t\xa0" else "\N{REPLACEMENT CHARACTER}" for c in text)
    return Html(html.escape(clean, quote=True))


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    text = number(value) if isinstance(value, float) else str(value)
    return f' {name}="{escape(text)}"'


def number(value: float) -> str:
    """At most two decimals, no trailing zeros, no negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
