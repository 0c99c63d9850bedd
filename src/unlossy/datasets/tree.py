"""Named files as a dataset, wherever they lie: what folders, lists, patterns, COCO files and URLs become.

A file is an Item. A file that is a container stands for the Items in it, with keys that begin with its own:

photos/1.jpg  photos/shards/0001.tar      1.jpg  shards/0001.tar/a.jpg  shards/0001.tar/b.jpg
photos/scan.pdf                           scan.pdf#p1/Im1
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from unlossy.core.errors import ItemError
from unlossy.core.types import Blob, Item, Target
from unlossy.datasets.containers.base import Container
from unlossy.datasets.containers.opened import Place, open_container
from unlossy.datasets.failed import failed_item
from unlossy.datasets.naming import UniqueKeys, key_of, path_groups


@dataclass(frozen=True, slots=True)
class Label:
    """What a file's place tells: its target and its groups. One object serves all files of a folder."""

    target: Target | None
    groups: Mapping[str, str]


Special = Container | ItemError
"""A file that is no image: a container to open, or a refusal to put into its row."""


@dataclass(frozen=True)
class TreeDataset:
    """Files in the order of their keys.

    Attributes:
        spec: The text that opens it.
        names: Of the files, in the order of their keys.
        blob_of: The bytes behind a name; made when an Item is.
        label_of: Target and groups of a name.
        special: Those names that are no plain images.
        counted: Files that give no Item, by suffix or in words.
        own_name: Where the dataset is one file, what its keys begin with: the file's name; "" for a folder, and for a
            container whose members' keys are paths.
    """

    spec: str
    names: tuple[str, ...]
    blob_of: Callable[[str], Blob]
    label_of: Callable[[str], Label]
    special: Mapping[str, Special] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)
    own_name: str = ""
    is_bare: bool = False
    """True where the one container is the dataset: its members' keys begin with nothing, and there is no `shard`."""
    _inside: Counter[str] = field(default_factory=Counter, init=False, repr=False, compare=False)

    @property
    def n_items(self) -> int | None:
        """Number of files; None with a container among them."""
        return None if any(isinstance(one, Container) for one in self.special.values()) else len(self.names)

    @property
    def others(self) -> Mapping[str, int]:
        """What gives no Item; what containers hold counts once they have been read."""
        return Counter(self.counted) + self._inside

    @property
    def items(self) -> tuple[Item, ...]:
        """Every plain image file, in order: without containers, and without what is refused."""
        plain = replace(self, names=tuple(name for name in self.names if name not in self.special), special={})
        return tuple(plain)

    def __len__(self) -> int:
        if self.n_items is None:
            raise TypeError(f"{self.spec!r} holds containers: only iterating tells how many items there are")
        return self.n_items

    def __iter__(self) -> Iterator[Item]:
        self._inside.clear()
        special, blob_of, label_of = self.special, self.blob_of, self.label_of
        for name, key in zip(self.names, self._keys(), strict=True):
            if name in special:
                yield from self._special(name, key, special[name])
            else:
                label = label_of(name)
                yield Item(key, blob_of(name), label.target, label.groups)

    def _keys(self) -> Iterable[str]:
        """The names' keys; the names themselves where nothing has to be done, for the sake of a million of them."""
        if all(map(str.isprintable, self.names)) and len(set(self.names)) == len(self.names):
            return self.names
        return map(UniqueKeys(), map(key_of, self.names))

    def _special(self, name: str, key: str, special: Special) -> Iterator[Item]:
        groups = self.label_of(name).groups
        if isinstance(special, ItemError):
            yield failed_item(key, special, groups)
            return
        if not self.is_bare:
            groups = {**groups, "shard": key.rpartition("/")[2]}
        place = Place(key, "" if self.is_bare and special.joint == "/" else key + special.joint, groups)
        yield from open_container(special, self.blob_of(name), place, self._inside)


def in_key_order(names: Sequence[str]) -> tuple[str, ...]:
    """The names by the code points of their keys."""
    return tuple(sorted(names, key=key_of))


@dataclass(frozen=True, slots=True)
class PathLabels:
    """Groups by a file's own path, no target; one object for each folder."""

    _known: dict[str, Label] = field(default_factory=dict)

    def __call__(self, name: str) -> Label:
        """What the path tells: `folder`, `class` (the parent folder), `split`."""
        folder = name.rpartition("/")[0]
        label = self._known.get(folder)
        if label is None:
            label = self._known[folder] = Label(None, path_groups(key_of(folder)))
        return label
