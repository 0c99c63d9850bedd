"""The audit's speed beside others on the same files, in interleaved rounds: medians, and ratios of medians.

Elapsed times count on a quiet machine; processor times (all threads and child processes) tell more on a busy one.

    python benchmarks/audit_speed.py [--images DIR] [--files 20000] [--many 100000] [--rounds 7]

The JPEGs of DIR (default ../shared/data/imagenet) are copied under other names until there are enough; every round
shuffles their order anew. Page cache warm, one process unless said otherwise:

    floor       open(), read(4096), close
    unlossy     the complete row of each file written to Parquet (one process; a second thread writes)
    pillow      Image.open(), .quantization
    identify    one `identify -ping -format %Q` over all (ImageMagick; two rounds, since it takes long)
    jobs        unlossy with two processes and with one, on --many names of the same files
    own tables  unlossy and Pillow where every file has two quantization tables of its own
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from unlossy.audit.parquet import recorded
from unlossy.audit.scan import ScanOptions, scan_batches
from unlossy.audit.schema import schema
from unlossy.core.blobs import FileBlob
from unlossy.core.types import Item

IMAGES = Path(__file__).parents[1].parent / "shared" / "data" / "imagenet"
OWN_TABLES = 5000
AT_ONCE = 5000
"""Names on one command line of identify."""
ITEMS: dict[str, Item] = {}


def names_of(images: Path, folder: Path, count: int, place: Callable[[Path, Path], object]) -> list[str]:
    """`count` files under new names, twenty folders of them, each put there by `place(source, target)`."""
    sources = sorted(path for path in images.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    if not sources:
        sys.exit(f"no JPEG in {images}")
    for index in range(20):
        (folder / f"class{index:02d}").mkdir(parents=True, exist_ok=True)
    names = [str(folder / f"class{index % 20:02d}" / f"{index:06d}.jpg") for index in range(count)]
    for index, name in enumerate(names):
        place(sources[index % len(sources)], Path(name))
    return names


def own_tables(images: Path, folder: Path) -> list[str]:
    """Files whose two DQT segments hold noisy multiples of one another's entries: 128 bytes that no two share."""
    noise = np.random.default_rng(0)

    def place(source: Path, target: Path) -> None:
        data = bytearray(source.read_bytes())
        at = data.index(b"\xff\xdb\x00\x43")
        for begin in (at + 5, at + 74):
            entries = np.frombuffer(bytes(data[begin : begin + 64]), np.uint8).astype(int)
            made = np.clip(entries * noise.integers(1, 12) + noise.integers(0, 4, 64), 1, 255)
            data[begin : begin + 64] = made.astype(np.uint8).tobytes()
        target.write_bytes(data)

    return names_of(images, folder, OWN_TABLES, place)


def items_of(names: list[str]) -> list[Item]:
    """What a folder's dataset holds for these files."""
    folders = [Path(name).parent.name for name in names]
    groups = {folder: {"folder": folder, "class": folder} for folder in folders}
    return [Item(name, FileBlob(name), groups=groups[folder]) for name, folder in zip(names, folders, strict=True)]


def floor(names: list[str]) -> None:
    for name in names:
        with open(name, "rb") as file:  # noqa: PTH123 (no Path is built)
            file.read(4096)


def pillow(names: list[str]) -> None:
    for name in names:
        with Image.open(name) as image:
            image.quantization  # noqa: B018 (what the loop is for)


def identify(names: list[str]) -> None:
    folder = Path(names[0]).parents[1]
    relative = [str(Path(name).relative_to(folder)) for name in names]
    for at in range(0, len(names), AT_ONCE):
        command = ["identify", "-ping", "-format", "%Q\n", *relative[at : at + AT_ONCE]]
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)


def unlossy(names: list[str], jobs: int = 1) -> None:
    items = [ITEMS[name] for name in names]
    with tempfile.TemporaryDirectory() as folder:
        batches = scan_batches(items, ScanOptions(jobs=jobs))
        rows = sum(batch.num_rows for batch in recorded(batches, Path(folder) / "rows.parquet", schema()))
    assert rows == len(names)


def processor_s() -> float:
    """User and system time so far, of this process with its threads and of processes it has waited for."""
    return sum(os.times()[:4])


def race(
    title: str, names: list[str], runners: dict[str, Callable[[list[str]], None]], rounds: int
) -> dict[str, float]:
    """Median seconds of each runner; every round shuffles the files and runs all of them."""
    times: dict[str, list[float]] = {name: [] for name in runners}
    processor: dict[str, list[float]] = {name: [] for name in runners}
    generator = random.Random(0)
    ITEMS.clear()
    ITEMS.update((item.key, item) for item in items_of(names))  # names and Items are there before the clock starts
    floor(names)  # the page cache is warm from here on
    for index in range(rounds):
        generator.shuffle(names)
        for name, run in runners.items():
            if name == "identify" and index >= 2:
                continue
            begin, before = time.perf_counter(), processor_s()
            run(names)
            times[name].append(time.perf_counter() - begin)
            processor[name].append(processor_s() - before)
    print(f"\n{title}: {len(names)} files, {rounds} rounds")
    for name, each in times.items():
        each = [second / len(names) * 1e6 for second in each]
        of_processor = statistics.median(processor[name]) / len(names) * 1e6
        print(
            f"  {name:12} median {statistics.median(each):8.2f} us a file   ({min(each):.2f} to {max(each):.2f})",
            end="",
        )
        print(f"   processor time {of_processor:8.2f}")
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=IMAGES)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        copied = names_of(options.images, Path(work) / "copies", options.files, shutil.copyfile)
        runners = {"floor": floor, "unlossy": unlossy, "pillow": pillow}
        if shutil.which("identify"):
            runners["identify"] = identify
        else:
            print("identify (ImageMagick) is not installed: not compared")
        took = race("complete rows to Parquet", copied, runners, options.rounds)
        for name, bar in (("pillow", 3), ("identify", 12)):
            if name in took:
                print(f"  unlossy is {took[name] / took['unlossy']:.2f} times as fast as {name} (bar {bar})")
        print(f"  unlossy takes {took['unlossy'] / took['floor']:.2f} times the floor (bar 2 at most)")
        many = names_of(Path(work) / "copies", Path(work) / "links", options.many, lambda a, b: os.link(a, b))
        both = {"jobs 1": unlossy, "jobs 2": lambda names: unlossy(names, jobs=2)}
        took = race("two processes", many, both, max(3, options.rounds // 2))
        print(f"  two processes are {took['jobs 1'] / took['jobs 2']:.2f} times as fast as one (bar 1.5)")
        own = own_tables(options.images, Path(work) / "own")
        took = race("own tables", own, {"unlossy": unlossy, "pillow": pillow}, options.rounds)
        print(f"  unlossy takes {took['unlossy'] / took['pillow']:.2f} times Pillow's time (bar 1 at most)")


if __name__ == "__main__":
    main()
