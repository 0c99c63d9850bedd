"""What failed: grouped by kind and by message, counted, with the first keys of each group."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from unlossy.audit.columns import plain
from unlossy.report.audit.facts import Facts
from unlossy.report.audit.histogram import images
from unlossy.report.markup import Html, tag

MAX_GROUPS = 40
MAX_KEYS = 8
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+(\.\d+)?")


@dataclass(slots=True)
class Group:
    """Failures of a kind whose messages differ in numbers only; the first message, and the first keys."""

    kind: str
    message: str
    keys: list[str]
    n: int = 0


def error_groups(facts: Facts) -> list[Group]:
    """The groups, the largest first, equal ones by kind and message."""
    at = np.flatnonzero(facts.failed)
    messages = plain(facts.rows["error_message"]).take(pa.array(at)).to_pylist()
    groups: dict[tuple[str, str], Group] = {}
    for key, code, message in zip(facts.keys(at), facts.errors.codes[at], messages, strict=True):
        kind = facts.errors.names[code]
        group = groups.setdefault((kind, _NUMBER.sub("#", message or "")), Group(kind, message or "", []))
        group.n += 1
        if len(group.keys) < MAX_KEYS:
            group.keys.append(key)
    return sorted(groups.values(), key=lambda group: (-group.n, group.kind, group.message))


def errors_section(facts: Facts) -> Html | None:
    """The groups of failures; None where nothing failed."""
    groups = error_groups(facts)
    if not groups:
        return None
    shown = groups[:MAX_GROUPS]
    left = sum(group.n for group in groups[MAX_GROUPS:])
    told = f"{images(sum(group.n for group in groups))} of {facts.n_rows:,} failed; each has its row all the same."
    more = f"And {left:,} more with {len(groups) - MAX_GROUPS} other messages; the rows say which."
    return tag("div", tag("p", told), *map(_article, shown), tag("p", more, class_="note") if left else None)


def _article(group: Group) -> Html:
    listed = [tag("li", key) for key in group.keys]
    left = group.n - len(group.keys)
    return tag(
        "article",
        tag("h3", tag("span", group.kind, class_="kind"), f" {images(group.n)}"),
        tag("p", ("such as: " if group.n > 1 else "") + group.message, class_="message"),
        tag("ul", *listed, tag("li", f"and {left:,} more") if left else None, class_="keys"),
        class_="item error",
    )
