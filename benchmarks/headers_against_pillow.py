"""Every JPEG header of a folder, ours against Pillow's and djpeg's: size, components, sampling, tables, process.

    python benchmarks/headers_against_pillow.py [DIR]        default ../shared/data/robust/jpeg

Pillow (lazy opening) is the reference for size, components with their sampling factors and table ids, tables (it gives
them in natural order, as we do: the script checks that first), and progressive or not. djpeg -verbose, where it is
installed, is the reference for the exact process (its SOF code). Exit 1 on a deviation without a reason, on anything
but an ItemError, or on a file that takes a second.
"""

import io
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from unlossy.core.blobs import FileBlob
from unlossy.core.errors import ItemError
from unlossy.jpeg import JpegHeader, read_header
from unlossy.jpeg.segments import PROCESS_OF_SOF
from unlossy.jpeg.tables import LUMINANCE

DEFAULT = Path(__file__).parents[1].parent / "shared" / "data" / "robust" / "jpeg"
REASONS = {
    "gofuzz_2566b1acd0.jpg": "sampling factors of 15x15, where 1..4 exist; djpeg refuses it (no scan either)",
    "gofuzz_ee436f8faf.jpg": "a DRI segment of 22 bytes; djpeg refuses it as well (bogus marker length)",
    "zune_07210830b1.jpg": "sampling factors of 0x0 (the frame header is the letters of JFIF); djpeg refuses it",
}
FIELDS = ("size", "components", "tables", "progressive")


def pillow_header(path: Path) -> dict | None:
    """The four fields as Pillow reads them, None where it refuses the file."""
    try:
        with Image.open(path) as image:
            return {
                "size": image.size,
                "components": list(image.layer),
                "tables": image.quantization,
                "progressive": bool(image.info.get("progressive")),
            }
    except Exception:  # noqa: BLE001 (whatever Pillow raises, it does not read the header)
        return None


def our_fields(header: JpegHeader) -> dict:
    return {
        "size": (header.width, header.height),
        "components": [(c.id, c.h, c.v, c.table_id) for c in header.components],
        "tables": {table.id: table.entries.reshape(64).tolist() for table in header.tables},
        "progressive": "progressive" in header.process,
    }


def djpeg_process(path: Path) -> str | None:
    """The process by the SOF code that djpeg prints, None where it gets to none."""
    done = subprocess.run(
        ["djpeg", "-verbose", "-verbose", "-outfile", "/dev/null", str(path)],
        capture_output=True,
        timeout=20,
        check=False,
    )
    codes = re.findall(rb"Start Of Frame 0x(\w\w)", done.stderr)
    return str(PROCESS_OF_SOF[int(codes[0], 16)]) if codes else None


def pillow_gives_natural_order() -> bool:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG", quality=50)
    return Image.open(buffer).quantization[0] == LUMINANCE.reshape(64).tolist()


@dataclass
class Tally:
    """What has been compared so far."""

    compared: Counter = field(default_factory=Counter)
    equal: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)
    deviations: list[str] = field(default_factory=list)
    unexplained: int = 0
    slowest_s: float = 0.0

    def note(self, path: Path, name: str, ours: object, theirs: object) -> None:
        """Counts one field of one file; a deviation is kept with both values and its reason."""
        self.compared[name] += 1
        self.equal[name] += ours == theirs
        if ours != theirs:
            self.unexplained += path.name not in REASONS
            reason = REASONS.get(path.name, "UNEXPLAINED")
            self.deviations.append(f"{path.name} {name}: ours {ours}; theirs {theirs}; {reason}")


def compare(path: Path, tally: Tally, *, has_djpeg: bool) -> None:
    """Reads one file in all ways; anything but an ItemError of ours passes through and ends the script."""
    begin = time.perf_counter()
    try:
        header, refusal = read_header(FileBlob(path)), ""
    except ItemError as error:
        header, refusal = None, f"refused: {error}"
    tally.slowest_s = max(tally.slowest_s, time.perf_counter() - begin)
    theirs = pillow_header(path)
    tally.refused[header is None, theirs is None] += 1
    ours = our_fields(header) if header else {}
    for name in FIELDS if theirs else ():
        tally.note(path, name, ours.get(name, refusal), theirs[name])
    if has_djpeg and header and (process := djpeg_process(path)):
        tally.note(path, "process", str(header.process), process)


def main(folder: Path) -> int:
    """The exit code: 1 on anything unexplained."""
    warnings.simplefilter("ignore")
    if not pillow_gives_natural_order():
        print("Pillow gives tables in another order than natural: compare nothing")
        return 1
    tally, has_djpeg = Tally(), shutil.which("djpeg") is not None
    files = sorted(path for path in folder.iterdir() if path.is_file())
    for path in files:
        compare(path, tally, has_djpeg=has_djpeg)
    print("\n".join(tally.deviations), end="\n\n")
    print(f"{len(files)} files; Pillow reads the header of {tally.compared['size']}; refused by both ", end="")
    print(
        f"{tally.refused[True, True]}, us only {tally.refused[True, False]}, Pillow only {tally.refused[False, True]}"
    )
    for name in (*FIELDS, "process"):
        print(f"{name:12} equal in {tally.equal[name]} of {tally.compared[name]}")
    print("process by djpeg -verbose" if has_djpeg else "no djpeg here: process not compared", end="; ")
    print(f"slowest file {tally.slowest_s * 1000:.1f} ms; unexplained: {tally.unexplained}")
    return 1 if tally.unexplained or tally.slowest_s > 1 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT))
