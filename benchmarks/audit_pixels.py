"""Images per second of an audit with --pixels against a bare grey decode of the same files, side by side.

    python benchmarks/audit_pixels.py [DIR] [--rounds N] [--limit N]      default ../shared/data/imagenet

    bare        open, read, simplejpeg.decode_jpeg(data, "GRAY"): what nobody can do faster with that library
    pillow      Image.open, draft "L", load: the same plane, for comparison
    audit       the complete row with --pixels, as Arrow batches
    measure     as `audit` without headers and rows: what the measures cost, one thread

Rounds are interleaved, so that a busy minute hits all; the best round counts. The bar: audit at least 0.75 of bare.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import simplejpeg
from PIL import Image

from unlossy.audit.pixels import measure
from unlossy.audit.scan import ScanOptions, scan_batches
from unlossy.core.blobs import FileBlob
from unlossy.core.types import Item

DEFAULT = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "imagenet"
BAR = 0.75


def bare(paths: Sequence[Path]) -> None:
    for path in paths:
        with path.open("rb", buffering=0) as file:
            simplejpeg.decode_jpeg(file.read(), "GRAY")


def pillow(paths: Sequence[Path]) -> None:
    for path in paths:
        with Image.open(path) as image:
            image.draft("L", image.size)
            image.load()


def audit(paths: Sequence[Path]) -> None:
    items = (Item(path.name, FileBlob(path)) for path in paths)
    n_rows = sum(batch.num_rows for batch in scan_batches(items, ScanOptions(pixels=True)))
    assert n_rows == len(paths)


def measures(paths: Sequence[Path]) -> None:
    for path in paths:
        measure(FileBlob(path), "jpeg")


def timed(work: Callable[[Sequence[Path]], None], paths: Sequence[Path]) -> tuple[float, float]:
    """Seconds by the clock and of CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(paths)
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> int:
    """The exit code: 1 under the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=int, default=1000)
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.rglob("*") if path.suffix in (".jpg", ".jpeg"))[: arguments.limit]
    ways = {"bare": bare, "pillow": pillow, "audit": audit, "measure": measures}
    times = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, work in ways.items():
            times[name].append(timed(work, paths))
    best = {name: [min(column) for column in zip(*runs, strict=True)] for name, runs in times.items()}
    print(f"{len(paths)} files of {arguments.folder.name}, best of {arguments.rounds} interleaved rounds")
    for name, (wall_s, cpu_s) in best.items():
        speed = f"{len(paths) / wall_s:7.0f} images/s, {best['bare'][0] / wall_s:.2f} of bare"
        cpu = f"{cpu_s / len(paths) * 1e6:.0f} us, {best['bare'][1] / cpu_s:.2f} of bare's speed"
        print(f"{name:8} {speed}; CPU {cpu}")
    return 0 if best["bare"][0] / best["audit"][0] >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
