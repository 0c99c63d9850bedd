"""Pictures with the text that stands in them, however a folder says it.

words.csv, texts.csv or labels.csv (file,text)      in the folder, or FOLDER.csv beside it; its lines are the Items
NAME.gt.txt                                         beside NAME.png (Tesseract's convention)
NAME.json with "lines": [{"text": ...}, ...]        beside NAME.jpg: a page's lines in reading order

Of pictures with sidecars, one that has none is an Item without text. A labels.csv without the column `text` is about
classes. Anything else (a PDF, an archive, a plain folder) has no texts: its pictures are read and compared with each
other alone.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from unlossy.core.errors import UsageError
from unlossy.core.paths import is_file, is_folder
from unlossy.core.tools import json_of, printable
from unlossy.core.types import TextTarget
from unlossy.datasets.folder import UNLISTED, LocalFiles
from unlossy.datasets.tree import Label, Special, TreeDataset, in_key_order
from unlossy.datasets.walk import Found, walk

LISTS: Final = ("words.csv", "texts.csv", "labels.csv")
COLUMNS: Final = ("file", "text")
MAX_SIDECAR_BYTES: Final = 16 << 20


def open_labelled(spec: str) -> TreeDataset | None:
    """The pictures that a text names, with their texts; None where nothing says any.

    Raises:
        UsageError: a list or a sidecar that cannot be understood, naming the file and the line.
    """
    path = Path(spec.removeprefix("file://"))
    if is_file(path) and path.suffix.lower() == ".csv":
        return _listed(spec, path.parent, path)
    if not is_folder(path):
        return None
    table = _table_of(path)
    return _beside(spec, path) if table is None else _listed(spec, path, table)


def _table_of(root: Path) -> Path | None:
    """The CSV that lists a folder's texts; raises UsageError where two do."""
    here = [root / name for name in LISTS if is_file(root / name)]
    beside = root.resolve().parent / f"{root.resolve().name}.csv"
    found = [path for path in here if path.name != "labels.csv" or _has_texts(path)]
    if not found and _is_there(beside) and _has_texts(beside):
        found = [beside]
    if len(found) > 1:
        raise UsageError(f"{root}: {' and '.join(path.name for path in found)} both list texts; keep one of them")
    return found[0] if found else None


def _has_texts(table: Path) -> bool:
    """Whether a CSV of any purpose has the columns of texts."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            return set(COLUMNS) <= set(csv.DictReader(stream).fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {table}: {error}") from error


def _listed(spec: str, root: Path, table: Path) -> TreeDataset:
    """The files that a CSV lists, there or not: reading a missing one is its error."""
    inside = "" if table.resolve().parent == root.resolve() else f"{root.resolve().name}/"
    texts = dict(_lines(table, inside))
    if not texts:
        raise UsageError(f"{table} lists no file")
    found = walk(str(root), follow_links=True)
    unlisted = len({name for name in found.names if name not in found.special} - set(texts))
    special: dict[str, Special] = {name: one for name, one in found.special.items() if name in texts}
    counted = {**found.others, **({UNLISTED: unlisted} if unlisted else {})}
    return TreeDataset(spec, in_key_order(list(texts)), LocalFiles(str(root)), ListedTexts(texts), special, counted)


def _lines(table: Path, inside: str) -> Iterator[tuple[str, str]]:
    """File, relative to the folder, and text of each line; `inside` is where the CSV's paths have to begin."""
    seen: set[str] = set()
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise UsageError(f"{table} needs the columns {','.join(COLUMNS)}; it has {reader.fieldnames}")
            for row in reader:
                where = f"{table}, line {reader.line_num}"
                file, text = _inside(row["file"], inside, where), row["text"]
                if text is None:
                    raise UsageError(f"{where}: {file!r} has no text; put a comma behind it for a picture without any")
                if file in seen:
                    raise UsageError(f"{where}: {file!r} is listed twice")
                seen.add(file)
                yield file, text
    except UnicodeDecodeError as error:
        raise UsageError(f"{table}, line {_line_of(table, error)}: it is not UTF-8; save it as UTF-8") from error
    except (OSError, csv.Error) as error:
        raise UsageError(f"cannot read {table}: {error}") from error


def _line_of(table: Path, error: UnicodeDecodeError) -> int:
    """The line that is not UTF-8; counted anew, for the decoder's position is that in its buffer."""
    for number, line in enumerate(table.read_bytes().split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return number
    return error.start


def _inside(file: str | None, inside: str, where: str) -> str:
    path = PurePosixPath(file or "")
    if not file or path.is_absolute() or ".." in path.parts or not str(path).startswith(inside):
        raise UsageError(f"{where}: {file!r} is not a path inside the folder{f' {inside}' if inside else ''}")
    return str(path)[len(inside) :]


def _beside(spec: str, root: Path) -> TreeDataset | None:
    """A folder's pictures with the texts in their sidecars; None where no picture has one."""
    found = walk(str(root), follow_links=True)
    sidecars = Sidecars(root)
    if not any(sidecars.is_labelled(name) for name in _plain(found)):
        return None
    return TreeDataset(spec, in_key_order(found.names), LocalFiles(str(root)), sidecars, found.special, found.others)


def _plain(found: Found) -> Iterator[str]:
    return (name for name in found.names if name not in found.special)


@dataclass(frozen=True, slots=True)
class ListedTexts:
    """The text is what a CSV says."""

    texts: Mapping[str, str]

    def __call__(self, name: str) -> Label:
        """Target and groups of a listed file."""
        return Label(TextTarget(self.texts[name]), {"folder": printable(name.rpartition("/")[0])})


@dataclass(frozen=True, slots=True)
class Sidecars:
    """The text is what the file beside a picture says, read when the Item is made."""

    root: Path

    def __call__(self, name: str) -> Label:
        """Target and groups of a picture; raises UsageError where its sidecar cannot be understood."""
        text = self._text(name)
        return Label(None if text is None else TextTarget(text), {"folder": printable(name.rpartition("/")[0])})

    def is_labelled(self, name: str) -> bool:
        """Whether a sidecar with a text lies beside a picture."""
        return self._text(name) is not None

    def _text(self, name: str) -> str | None:
        stem = self.root / PurePosixPath(name).with_suffix("")
        plain, described = stem.with_name(stem.name + ".gt.txt"), stem.with_name(stem.name + ".json")
        if _is_there(plain):
            return _decoded(plain).strip()
        return _page(described) if _is_there(described) else None


def _is_there(file: Path) -> bool:
    """True for a regular file; no file is under a name that is too long, as one that is made of another may be."""
    return os.path.isfile(file)  # noqa: PTH113 (Path's own raises)


def _page(file: Path) -> str | None:
    """The lines of a page's JSON; None where it is a JSON about something else."""
    try:
        content: Any = json_of(_decoded(file))
    except ValueError as error:
        raise UsageError(f"cannot read {file}: {error}") from error
    if not isinstance(content, dict) or "lines" not in content:
        return None
    lines = content["lines"]
    if not isinstance(lines, list):
        raise UsageError(f"{file}: `lines` is no list")
    for number, line in enumerate(lines):
        if not isinstance(line, dict) or not isinstance(line.get("text"), str):
            raise UsageError(f"{file}: lines[{number}] needs a `text`")
    return "\n".join(line["text"] for line in lines)


def _decoded(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_SIDECAR_BYTES:
            raise UsageError(f"{file} has more than {MAX_SIDECAR_BYTES} bytes, too many for a picture's text")
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise UsageError(f"{file}, line {line}: it is not UTF-8; save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error}") from error
