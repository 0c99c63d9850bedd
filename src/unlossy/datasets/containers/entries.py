"""Which files of an archive are images, and what the files beside them say: WebDataset's samples.

0001.jpg 0001.cls 0001.json      one sample: names equal up to the first dot, one behind the other
    .cls     a class: a number gives the target and the group `class`, a word the group alone
    .json    an object whose `class_index`, `label`, `cls` or `class` says the same
An archive inside the archive is refused with a row. All others are counted by suffix.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from unlossy.core.errors import ItemError, RefusedError
from unlossy.core.tools import json_of
from unlossy.core.types import Blob, ClassTarget
from unlossy.datasets.containers.base import Archive, Member
from unlossy.datasets.failed import failed_blob
from unlossy.datasets.magic import SUFFIXES, has_image_magic, suffix_of

LABEL_SUFFIXES: Final = (".cls", ".json")
LABEL_KEYS: Final = ("class_index", "label", "cls", "class")
MAX_LABEL_BYTES: Final = 1 << 20
MAX_SAMPLE_FILES: Final = 16
MAX_SAMPLE_BYTES: Final = 64 << 20
"""No more is held back while a sample's label may still come."""
NESTED: Final = "an archive inside an archive is not opened; unpack the outer one, then audit what it held"
_NOTHING: Final = Member("", failed_blob(RefusedError("no member")))


@dataclass(frozen=True, slots=True)
class Entry:
    """One regular file of an archive. `head` gives its first 512 bytes, `blob` all of them."""

    name: str
    size: int
    head: Callable[[], bytes]
    blob: Callable[[], Blob]


def images_of(archive: Archive, entries: Iterable[Entry]) -> Iterator[Member]:
    """The images among the entries, in their order, each with its sample's label; the others are counted."""
    held, held_bytes, stem, label = list[Member](), 0, "", _NOTHING
    try:
        for entry in entries:
            own = _stem(entry.name)
            if own != stem or len(held) >= MAX_SAMPLE_FILES or held_bytes > MAX_SAMPLE_BYTES:
                yield from _labelled(held, label)
                label = label if own == stem else _NOTHING
                held, held_bytes, stem = [], 0, own
            if suffix_of(entry.name) in LABEL_SUFFIXES:
                label = _label(entry, label)
            elif (member := _image(archive, entry)) is not None:
                held.append(member)
                held_bytes += entry.size
                continue
            archive.others[suffix_of(entry.name)] += 1
    except Exception:  # the archive ends here, whatever the reason; what came before it stands
        yield from _labelled(held, label)
        raise
    yield from _labelled(held, label)


def _stem(name: str) -> str:
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def _labelled(members: list[Member], label: Member) -> Iterator[Member]:
    for member in members:
        yield replace(member, target=label.target, groups=label.groups)


def _image(archive: Archive, entry: Entry) -> Member | None:
    """The entry as a member, or None where it is no image."""
    if suffix_of(entry.name) in SUFFIXES:
        return Member(entry.name, entry.blob())
    head = entry.head()
    if archive.is_container(entry.name, head):
        return Member(entry.name, failed_blob(RefusedError(NESTED)))
    return Member(entry.name, entry.blob()) if has_image_magic(head) else None


def _label(entry: Entry, label: Member) -> Member:
    """The label so far, or the one that this file says; a number outranks a word."""
    if entry.size > MAX_LABEL_BYTES:
        return label
    try:
        text = entry.blob().all().decode()
        value = _from_json(json_of(text)) if entry.name.lower().endswith(".json") else text.strip()
    except (ItemError, ValueError):
        return label
    name = str(value)
    if name.isdecimal() and len(name) < 10:
        return replace(label, target=ClassTarget(int(name)), groups={"class": str(int(name))})
    known = label.target is not None or not 0 < len(name) <= 200 or not name.isprintable() or value is None
    return label if known else replace(label, groups={"class": name})


def _from_json(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """The first of LABEL_KEYS that holds a number or a word; None without."""
    if not isinstance(value, dict):
        return None
    found = (value.get(key) for key in LABEL_KEYS)
    return next((one for one in found if isinstance(one, int | str) and not isinstance(one, bool)), None)
