"""What outputs are called: as their sources, with the suffix of the new format; no two of them alike.

    cat/1.jpg   ->   cat/1.png       corrected; cat/1.jpg where it is copied
    cat/2.png   ->   cat/2.png       either way
    a.jpg, a.png, a.webp   ->   a.jpg.png, a.png, a.webp.png       each would be a.png

Names are given to all files before work starts, from the names alone, so that a resumed run gives the same. They differ
also where upper and lower case are one, as on some file systems.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "png": (".png",),
    "webp": (".webp",),
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
}
"""Output format to its suffixes; a new name gets the first."""


def corrected_names(paths: Sequence[str], format_name: str) -> dict[str, str]:
    """The output path of each file where it is corrected, by its path; both relative with `/`. A copy keeps its own.

    Args:
        paths: all files of the folder, each once.
        format_name: one of FORMATS.
    """
    suffixes = FORMATS[format_name]
    wanted = {path: _with_suffix(path, suffixes) for path in paths}
    own = {_folded(path) for path in paths}
    folders = {_folded(str(parent)) for path in paths for parent in PurePosixPath(path).parents}
    claims = Counter(_folded(name) for path, name in wanted.items() if name != path)
    taken = own | folders | set(claims)
    names = {}
    for path in sorted(paths):
        name = wanted[path]
        if name != path and (claims[_folded(name)] > 1 or _folded(name) in own | folders):
            name = _free(path, suffixes[0], taken)
            taken.add(_folded(name))
        names[path] = name
    return names


def _with_suffix(path: str, suffixes: tuple[str, ...]) -> str:
    """The path in the new format; one that has a suffix of it keeps it, in its own spelling."""
    pure = PurePosixPath(path)
    return path if pure.suffix.lower() in suffixes else str(pure.with_name(pure.stem + suffixes[0]))


def _free(path: str, suffix: str, taken: set[str]) -> str:
    name, number = path + suffix, 1
    while _folded(name) in taken:
        number += 1
        name = f"{path}-{number}{suffix}"
    return name


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
