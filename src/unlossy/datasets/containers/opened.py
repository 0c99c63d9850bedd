"""From a container to Items: keys, groups, and a row for whatever goes wrong.

Rows up to the place where a container cannot be read on, then one Item, under the container's key, whose blob raises
the error. A container without an image gives that one Item too. Nothing rises from here but an interrupt.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from unlossy.core.errors import ItemError, MissingDependency, NoImageError, ReadError
from unlossy.core.tools import printable
from unlossy.core.types import Blob, Item
from unlossy.datasets.containers.base import Archive, Container
from unlossy.datasets.containers.registry import is_container
from unlossy.datasets.failed import failed_item
from unlossy.datasets.naming import UniqueKeys, key_of, member_key, path_groups, split_of

COUNTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a container lies: its key, what its members' keys begin with, and the groups that its place tells."""

    key: str
    prefix: str
    groups: Mapping[str, str]


def open_container(container: Container, blob: Blob, place: Place, others: Counter[str]) -> Iterator[Item]:
    """The container's images as Items, in its own order; `others` counts what it holds beside them."""
    archive = Archive(place.key.rpartition("/")[2], blob, is_container)
    groups = {**place.groups, **_split_group(archive.name, place.groups)}
    unique, groups_at = UniqueKeys(), _FolderGroups(groups, place.prefix)

    def failed(error: ItemError) -> Item:
        return failed_item(unique(place.key), error, groups, container.name)

    is_empty = True
    try:
        for member in container.members(archive):
            is_empty = False
            key = unique(place.prefix + member_key(member.name))
            shared = groups_at(key) if container.joint == "/" else groups
            own = {**shared, **member.groups} if member.groups else shared
            yield Item(key, member.blob, member.target, own, container.name)
        if is_empty:
            raise NoImageError(f"this {container.name} holds no image file{_beside(archive.others)}")
    except ItemError as error:
        yield failed(error)
    except MissingDependency as error:
        yield failed(ReadError(str(error)))
    except Exception as error:  # noqa: BLE001 (the libraries raise whatever they stumble on in damaged files)
        finding = printable(str(error)) or type(error).__name__
        yield failed(ReadError(f"the {container.name} is damaged: {finding}"))
    finally:
        others.update(archive.others)


def _split_group(name: str, groups: Mapping[str, str]) -> dict[str, str]:
    """The split that a shard's file name says, where its folder says none."""
    split = None if "split" in groups else split_of(name)
    return {"split": split} if split else {}


class _FolderGroups:
    """Class and split by the folders inside the container; `folder` by the whole key, as in a folder.

    Members that follow one another in a folder share one object.
    """

    def __init__(self, groups: Mapping[str, str], prefix: str) -> None:
        self._outer, self._prefix = groups, prefix
        self._folder: str | None = None
        self._groups: Mapping[str, str] = {}

    def __call__(self, key: str) -> Mapping[str, str]:
        folder = key.rpartition("/")[0]
        if folder != self._folder:
            inner = path_groups(folder[len(self._prefix) :])
            self._folder, self._groups = folder, {**self._outer, **inner, "folder": folder}
        return self._groups


def _beside(others: Counter[str]) -> str:
    """What a container without an image holds: " (12 .txt, 1 link in an archive)"."""
    counts = [f"{n} {key_of(kind) or 'without a suffix'}" for kind, n in others.most_common(COUNTS_SHOWN)]
    return f" ({', '.join(counts)})" if counts else ""
