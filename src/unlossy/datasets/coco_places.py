"""Where the files of a COCO data set lie: its pictures, and in COCO's own layout its annotations.

val/instances.json                        val/images/, else val/
coco/annotations/instances_NAME.json      the same, else coco/NAME/, else coco/images/NAME/: COCO's own layout

The first folder that has any of the listed pictures is the one; those it lacks are items whose reading fails.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unlossy.core.errors import UsageError
from unlossy.core.paths import is_file, is_folder
from unlossy.core.tools import printable

ANNOTATIONS: Final = "annotations"
PREFIX: Final = "instances_"


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """`folder` below `root`, "" or with a `/` at its end. An item's name is the path relative to `root`."""

    root: Path
    folder: str

    @property
    def path(self) -> Path:
        """The folder itself."""
        return self.root / self.folder

    def has_any(self, names: Collection[str]) -> bool:
        """True where one of the files, named relative to the folder, is there; raises UsageError where none can tell.

        The folder is listed, so that the many names that it does not have cost no system call each.
        """
        if not is_folder(self.path):
            return False
        try:
            there = set(os.listdir(self.path))  # noqa: PTH208 (names alone)
        except OSError as error:
            raise UsageError(f"cannot list the folder {str(self.path)!r}: {error.strerror}") from error
        return any(
            name.split("/", 1)[0] in there and os.path.isfile(f"{self.path}/{name}")  # noqa: PTH113 (an error is False)
            for name in names
        )


def picture_folder(file: Path, names: Collection[str]) -> PictureFolder:
    """Where the pictures lie that a COCO file lists; raises UsageError naming where they were looked for."""
    places = _places(file)
    found = next((place for place in places if place.has_any(names)), None)
    if found is None:
        looked = [printable(f"{place.path}/") for place in places]
        raise UsageError(
            f"{file} lists {len(names)} images ({printable(next(iter(names)))!r} ...), and none of them is in "
            f"{', '.join(looked[:-1])} or {looked[-1]}; put the pictures into one of these folders"
        )
    return found


def own_layout(root: Path) -> Path | None:
    """The COCO file `annotations/instances_NAME.json` of a folder; None where there is none.

    Of several it is the one whose pictures have a folder of their own here, as where only those of val2017 were taken
    from COCO. Raises UsageError where that does not leave one.
    """
    files = sorted(one for one in (root / ANNOTATIONS).glob(f"{PREFIX}*.json") if _name_of(one) and is_file(one))
    if len(files) < 2:
        return files[0] if files else None
    with_pictures = [file for file in files if any(is_folder(place.path) for place in _named_places(file))]
    if len(with_pictures) == 1:
        return with_pictures[0]
    finding = "with pictures of their own" if with_pictures else "and no folder of pictures named as one of them"
    listed = ", ".join(printable(str(file)) for file in with_pictures or files)
    raise UsageError(f"{str(root)!r} holds several COCO files {finding}; give one in place of the folder: {listed}")


def _places(file: Path) -> tuple[PictureFolder, ...]:
    """Where a COCO file's pictures may lie, in the order in which they are looked for."""
    return PictureFolder(file.parent, "images/"), PictureFolder(file.parent, ""), *_named_places(file)


def _named_places(file: Path) -> tuple[PictureFolder, ...]:
    folder = file.parent if file.parent.name else file.absolute().parent
    name = _name_of(file)
    if folder.name != ANNOTATIONS or not name:
        return ()
    return PictureFolder(folder.parent, f"{name}/"), PictureFolder(folder.parent, f"images/{name}/")


def _name_of(file: Path) -> str:
    """The NAME of `instances_NAME.json`, "" for a file that is called otherwise (or by dots: no name of a folder)."""
    name = file.stem.removeprefix(PREFIX) if file.stem.startswith(PREFIX) else ""
    return name if name.strip(".") else ""
