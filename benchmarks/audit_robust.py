"""Seconds and memory that each malformed file costs an audit, one file at a time.

    python benchmarks/audit_robust.py [DIR] [--files-a-process N]      default ../shared/data/robust

Each file is opened by `open_dataset` and scanned alone: headers, with --deep, with --pixels --deep. A process audits 40
files after a warm-up on a good JPEG and a good PDF, so that imports do not count; its extra memory is the growth of its
peak resident set since the warm-up, so each file's own is at most that. Exit 1 where a file takes over a second of CPU,
a process grows by over 200 MB, an exception rises, or a file gives no row.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.datasets.wrappings import write_pdf
from tests.jpeg.streams import encoded

DEFAULT = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "robust"
MODES = {"headers": {}, "--deep": {"deep": True}, "--pixels --deep": {"pixels": True, "deep": True}}
MAX_S, MAX_MB = 1.0, 200.0


@dataclass(frozen=True)
class Cost:
    """One file's."""

    name: str
    wall_s: float
    cpu_s: float
    grown_mb: float
    kinds: tuple[str, ...]


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cost_of(path: Path, options: dict, start_mb: float) -> Cost:
    """One file, from opening to its last row."""
    from unlossy.audit.scan import ScanOptions, scan_batches
    from unlossy.datasets import open_dataset

    wall, cpu = time.perf_counter(), time.process_time()
    kinds: list[str] = []
    for batch in scan_batches(open_dataset(str(path), labelled=False), ScanOptions(**options)):
        kinds += [kind or "ok" for kind in batch.column("error_kind").to_pylist()]
    assert kinds, f"{path} gives no row"
    elapsed = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(path.name, *elapsed, peak_mb() - start_mb, tuple(kinds))


def costs_of(work: tuple[list[Path], dict, list[Path]]) -> list[Cost]:
    """A process's share."""
    paths, options, warm = work
    warnings.simplefilter("ignore")
    for path in warm:
        cost_of(path, options, 0.0)
    start_mb = peak_mb()
    return [cost_of(path, options, start_mb) for path in paths]


def report(mode: str, costs: list[Cost]) -> bool:
    """Prints one mode's figures; True where they keep the limits."""
    slowest, largest = max(costs, key=lambda cost: cost.cpu_s), max(costs, key=lambda cost: cost.grown_mb)
    kinds = Counter(kind for cost in costs for kind in cost.kinds)
    counted = ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())
    by_clock_s = max(cost.wall_s for cost in costs)
    print(f"{mode:16} {len(costs)} files, {kinds.total()} rows ({counted})")
    print(f"{'':16} slowest {slowest.cpu_s:.3f} s CPU ({slowest.name}), {by_clock_s:.3f} s by the clock")
    print(f"{'':16} most memory +{largest.grown_mb:.1f} MB (up to {largest.name})", flush=True)
    return slowest.cpu_s <= MAX_S and largest.grown_mb <= MAX_MB


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--files-a-process", type=int, default=40)
    arguments = parser.parse_args()
    paths = sorted(path for path in arguments.folder.rglob("*") if path.is_file() and path.suffix != ".csv")
    shares = [paths[n : n + arguments.files_a_process] for n in range(0, len(paths), arguments.files_a_process)]
    keeps = True
    with tempfile.TemporaryDirectory() as where:
        warm = [Path(where) / "warm.jpg", write_pdf({"a.jpg": encoded()}, Path(where))]
        warm[0].write_bytes(encoded(size=(200, 200)))
        for mode, options in MODES.items():
            with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
                done = pool.map(costs_of, [(share, options, warm) for share in shares], chunksize=1)
            keeps &= report(mode, [cost for share in done for cost in share])
    return 0 if keeps else 1


if __name__ == "__main__":
    sys.exit(main())
