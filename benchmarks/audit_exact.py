"""Which number do the tools print for the same JPEGs? unlossy beside ImageMagick, ExifTool and a least-squares reader.

    python benchmarks/audit_exact.py [--keep DIR]      needs cjpeg, identify, exiftool; jpeglib, imagecodecs, pyjpegli

Every file is made here, so that its qualities are known. A mistake is
    a quality        another number than the one that made the file (of two, luma's or chroma's will do), or none
    no quality       a number as if there were one: tables that libjpeg makes at no quality
unlossy must name both luma and chroma, and say that they are exact; a nearest quality with `quality_exact` false and a
residual is no claim. Of the others any number is taken as their claim, since they say nothing else. Tools and packages
that are absent are left out, and so are the files that only they make. The second table counts names of encoders:
right, unknown, false. Exit 1 when unlossy makes a mistake, names under 95 % of Pillow's, cjpeg's or mozjpeg's files, or
any file falsely.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from audit_exact_files import CUSTOM, Made, encoder_files, quality_files
from unlossy.audit.examine import examine
from unlossy.core.blobs import BytesBlob
from unlossy.core.types import Item
from unlossy.jpeg.tables import CHROMINANCE, LUMINANCE, ijg_table

Reader = Callable[[Path, Sequence[Path]], Mapping[str, int | None]]
BAR_MAKERS = ("Pillow", "cjpeg (libjpeg-turbo)", "mozjpeg 3 and 4 (jpeglib)")


def is_unlossys_mistake(made: Made) -> bool:
    row = examine(Item("x", BytesBlob(made.data))).row
    if made.truth is CUSTOM:
        return row.quality_exact is True or (row.ijg_quality_luma is not None and row.quality_residual is None)
    chroma = made.truth[1] if len(made.truth) > 1 else None
    same_at_low = chroma in (1, 2, 3) and row.ijg_quality_chroma in (1, 2, 3)  # clamped, one table is all three
    is_chroma = row.ijg_quality_chroma == chroma or (same_at_low and made.truth[0] != chroma)
    return not (row.quality_exact and row.ijg_quality_luma == made.truth[0] and is_chroma)


def identify(folder: Path, files: Sequence[Path]) -> Mapping[str, int | None]:
    """ImageMagick's %Q; 0 where it has none."""
    command = ["identify", "-ping", "-format", "%f %Q\n", *(file.name for file in files)]
    lines = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout.splitlines()
    return {line.split()[0]: int(line.split()[1]) or None for line in lines if len(line.split()) == 2}


def exiftool(folder: Path, files: Sequence[Path]) -> Mapping[str, int | None]:
    """ExifTool's JPEGQualityEstimate; `<unknown>` is no number."""
    command = ["exiftool", "-T", "-filename", "-JPEGQualityEstimate", *(file.name for file in files)]
    lines = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout.splitlines()
    cells = (line.split("\t") for line in lines)
    return {name: int(value) if value.isdigit() else None for name, value in cells}


def least_squares(folder: Path, files: Sequence[Path]) -> Mapping[str, int | None]:
    """The quality whose tables are nearest by squared error to those that Pillow reads."""
    pairs = [(ijg_table(LUMINANCE, q).reshape(64), ijg_table(CHROMINANCE, q).reshape(64)) for q in range(1, 101)]
    candidates = np.array(pairs, dtype=np.float64)
    return {file.name: _nearest(folder / file.name, candidates) for file in files}


def _nearest(file: Path, candidates: np.ndarray) -> int | None:
    try:
        with Image.open(file) as image:
            tables = np.array([image.quantization[slot] for slot in sorted(image.quantization)[:2]], dtype=np.float64)
    except Exception:  # noqa: BLE001 (whatever Pillow raises: no answer)
        return None
    if not tables.size:
        return None
    return int(((candidates[:, : len(tables)] - tables) ** 2).sum(axis=(1, 2)).argmin()) + 1


def outcome(made: Made, answer: int | None) -> str:
    """Of a reader that gives one number: "right", "wrong" or "none" (counted as a mistake where there is a quality)."""
    if made.truth is CUSTOM:
        return "right" if answer is None else "wrong"
    return "none" if answer is None else "right" if answer in made.truth else "wrong"


def exactness(folder: Path) -> int:
    """Prints the first table; unlossy's mistakes."""
    files = list(quality_files())
    paths = [folder / f"{index:05d}.jpg" for index in range(len(files))]
    for path, made in zip(paths, files, strict=True):
        path.write_bytes(made.data)
    readers: dict[str, Reader] = {"least squares": least_squares}
    readers |= {name: reader for name, reader in (("identify", identify), ("exiftool", exiftool)) if shutil.which(name)}
    answers = {name: reader(folder, paths) for name, reader in readers.items()}
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for path, made in zip(paths, files, strict=True):
        count = counts[made.group]
        count["files"] += 1
        count["unlossy"] += is_unlossys_mistake(made)
        for name in readers:
            count[f"{name} {outcome(made, answers[name].get(path.name))}"] += 1
    _print_exactness(counts, list(readers))
    return sum(count["unlossy"] for count in counts.values())


def _print_exactness(counts: Mapping[str, Counter[str]], readers: list[str]) -> None:
    print(f"| mistakes on | files | unlossy | {' | '.join(readers)} |\n|---|---|---|{'---|' * len(readers)}")
    total: Counter[str] = Counter()
    for group, count in [*counts.items(), ("all", total)]:
        cells = [_mistakes(count, name) for name in readers]
        print(f"| {group} | {count['files']} | {count['unlossy']} | {' | '.join(cells)} |")
        if group != "all":
            total.update(count)
    print("\nIn brackets: files on which the tool gives no number though there is one.\n")


def _mistakes(count: Counter[str], name: str) -> str:
    silent = count[f"{name} none"]
    return f"{count[f'{name} wrong'] + silent}" + (f" ({silent})" if silent else "")


def naming() -> bool:
    """Prints the second table; whether the bar is met."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for made in encoder_files():
        name = (examine(Item("x", BytesBlob(made.data))).row.encoder or "").partition(" (")[0]
        counts[made.group].update(files=1)
        counts[made.group].update(["right" if name == made.truth else "unknown" if name == "unknown" else "false"])
        counts[made.group]["names"] = made.truth
    print("| made by | files | its name | right | unknown | false |\n|---|---|---|---|---|---|")
    for group, count in counts.items():
        cells = (count["files"], count["names"], count["right"], count["unknown"], count["false"])
        print(f"| {group} | {' | '.join(map(str, cells))} |")
    of_bar = [counts[maker] for maker in BAR_MAKERS if maker in counts]
    return all(c["right"] >= 0.95 * c["files"] for c in of_bar) and not any(c["false"] for c in counts.values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="write the files of the first table here, and leave them")
    keep = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as temporary:
        where = keep or Path(temporary)
        where.mkdir(parents=True, exist_ok=True)
        mistakes = exactness(where)
    sys.exit(bool(mistakes) | (not naming()))
