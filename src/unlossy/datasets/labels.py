"""`labels.csv`: the columns `file` and `class_index`, others ignored."""

import csv
from pathlib import Path, PurePosixPath

from unlossy.core.errors import UsageError


def read_labels(path: Path) -> dict[str, int]:
    """File (relative, with `/`) to class index, in the file's order; raises UsageError naming the line at fault."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if not {"file", "class_index"} <= set(reader.fieldnames or ()):
                raise UsageError(f"{path} needs the columns file,class_index; it has {reader.fieldnames}")
            labels: dict[str, int] = {}
            for row in reader:
                file, class_index = _checked(path, reader.line_num, row)
                if file in labels:
                    raise UsageError(f"{path}, line {reader.line_num}: {file!r} is listed twice")
                labels[file] = class_index
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    return labels


def _checked(path: Path, line: int, row: dict[str, str | None]) -> tuple[str, int]:
    file, text = row["file"], row["class_index"]
    if not file or PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
        raise UsageError(f"{path}, line {line}: {file!r} is not a path inside the folder")
    try:
        class_index = int(text or "")
    except ValueError:
        class_index = -1
    if class_index < 0:
        raise UsageError(f"{path}, line {line}: class_index must be a whole number from 0 on, not {text!r}")
    return str(PurePosixPath(file)), class_index
