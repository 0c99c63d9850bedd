"""Keys and groups from names: what a path, a member's name or a shard's file name says by itself.

photos/train/cat/1.jpg      folder photos/train/cat, class cat (the parent folder), split train (any folder's name)
imagenet-train-0001.tar     split train
../../etc/1.jpg             key etc/1.jpg: nothing is ever written under a member's name, and keys stay below the root
"""

import re
from typing import Final

from unlossy.core.tools import printable

SPLIT_NAMES: Final = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""Of folders, in small or capital letters."""
GROUP_KINDS: Final = frozenset({"class", "supercategory", "split", "folder", "shard"})
"""What datasets tell of an image, where they can."""
MAX_NAME_CHARS: Final = 4096
_SPLIT: Final = re.compile(rf"(?:^|[^a-z0-9])({'|'.join(sorted(SPLIT_NAMES, reverse=True))})(?=[^a-z0-9]|$)")


def key_of(name: str) -> str:
    """The name on one line that any terminal takes; most names are that already."""
    return name if name.isprintable() else printable(name)


def member_key(name: str) -> str:
    """A member's name as a key: relative, without `.` and `..`, at most 4096 characters (the last ones)."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return key_of("/".join(parts)[-MAX_NAME_CHARS:]) or "unnamed"


def is_split(name: str) -> bool:
    """True for a folder's name that is a split's: train, Test, VAL."""
    return name.casefold() in SPLIT_NAMES


def path_groups(folder: str) -> dict[str, str]:
    """The groups that a folder's path tells: `folder`, `class` (its last name), `split` (the first split's name)."""
    groups = {"folder": folder}
    names = [name for name in folder.split("/") if name]
    if names and not is_split(names[-1]):
        groups["class"] = names[-1]
    splits = [name for name in names if is_split(name)]
    return groups | {"split": splits[0]} if splits else groups


def split_of(file_name: str) -> str | None:
    """The split that stands as a word in a shard's file name (train-00000-of-00012.parquet), else None."""
    match = _SPLIT.search(file_name.lower())
    return match[1] if match else None


class UniqueKeys:
    """Keys as they come, the second and later equal ones with `#2`, `#3` behind them.

    Hashes are remembered, not keys: 200 000 members cost 15 MB.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def __call__(self, key: str) -> str:
        """The key itself, or numbered where it was there before."""
        numbered, number = key, 1
        while hash(numbered) in self._seen:
            number += 1
            numbered = f"{key}#{number}"
        self._seen.add(hash(numbered))
        return numbered
