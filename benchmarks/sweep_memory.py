"""Peak memory of a study over few and over many pictures: it must not grow with their number.

    python benchmarks/sweep_memory.py [--items 300 3000] [--model SPEC] [--pictures DIR] [--codec SPEC]

Without `--pictures` the demo's classifier is asked about generated scenes. With it, a folder of as many pictures as
wanted is made of links to those in DIR (over and over, without labels). Each study runs in a process of its own,
whose peak resident memory the operating system tells.
"""

import argparse
import os
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def linked(pictures, folder, n_items):
    files = sorted(file for file in pictures.rglob("*") if file.suffix.lower() in SUFFIXES)
    for number, file in enumerate(islice(cycle(files), n_items)):
        (folder / f"{number:06d}{file.suffix.lower()}").symlink_to(file.resolve())
    return str(folder)


def peak_mib(command):
    """Peak resident memory of a command in MiB; exits where it fails."""
    pid = os.posix_spawn(
        command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    )
    _pid, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"failed: {command}")
    return usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--items", type=int, nargs="+", default=[300, 3000])
    parser.add_argument("--model", default="onnx:demo")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--codec", default="jpeg:30")
    chosen = parser.parse_args()
    for n_items in chosen.items:
        with tempfile.TemporaryDirectory() as folder:
            data = f"synthetic:{n_items}"
            if chosen.pictures:
                pictures = Path(folder, "pictures")
                pictures.mkdir()
                data = linked(chosen.pictures, pictures, n_items)
            start = [sys.executable, "-c", "from unlossy.cli.main import main; main()", "study", "--quiet"]
            options = ["--model", chosen.model, "--data", data, "--codec", chosen.codec, "-o", f"{folder}/run"]
            print(f"{n_items:6d} items: peak {peak_mib([*start, *options]):.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
