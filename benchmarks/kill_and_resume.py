"""A study killed with kill -9 at moments spread evenly over its run, and resumed: rows as of an undisturbed run?

    python benchmarks/kill_and_resume.py [--kills 20] [--items 300] [--model SPEC --data DIR]

By default the demo's classifier on generated scenes over nine JPEG qualities. Every kill is a run of its own in a new
folder: started, killed, started again, left to finish, and compared row by row in every column but the times. Prints
one line per kill and the verdict; exits 1 where a row differs or a run had ended before it could be killed.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from unlossy.store import RowStore, StudyRow


def study(arguments: argparse.Namespace, run: Path) -> list[str]:
    data = arguments.data or f"synthetic:{arguments.items}"
    options = ["--model", arguments.model, "--data", data, "--limit", str(arguments.items), "--codec", "jpeg:10..90:10"]
    return [sys.executable, "-c", "from unlossy.cli.main import main; main()", "study", *options, "-o", str(run)]


def rows_of(run: Path) -> list[StudyRow]:
    with RowStore(run / "rows.sqlite", read_only=True) as store:
        return [replace(row, elapsed_s=0.0) for row in store.rows()]


def done(run: Path) -> int:
    return len({row.item_index for row in rows_of(run)}) if (run / "plan.toml").exists() else 0


def killed_and_finished(arguments: argparse.Namespace, run: Path, moment_s: float) -> tuple[int, int]:
    """The exit code of the killed process and the items it had rows for."""
    process = subprocess.Popen(study(arguments, run), stdout=subprocess.DEVNULL)
    try:
        process.wait(moment_s)
    except subprocess.TimeoutExpired:
        process.kill()
    code, items = process.wait(), done(run)
    subprocess.run(study(arguments, run), check=True, stdout=subprocess.DEVNULL)
    return code, items


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--model", default="onnx:demo")
    parser.add_argument("--data")
    arguments = parser.parse_args()
    sound = True
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = Path(folder, "undisturbed")
        start = time.monotonic()
        subprocess.run(study(arguments, undisturbed), check=True, stdout=subprocess.DEVNULL)
        whole_s = time.monotonic() - start
        expected = rows_of(undisturbed)
        print(f"undisturbed: {len(expected)} rows in {whole_s:.1f} s")
        for number in range(1, arguments.kills + 1):
            run, moment_s = Path(folder, f"run{number}"), number * whole_s / (arguments.kills + 1)
            code, items = killed_and_finished(arguments, run, moment_s)
            equal = rows_of(run) == expected
            sound = sound and equal and code == -9
            verdict = "rows equal" if equal else "ROWS DIFFER"
            print(
                f"kill {number:2d}: after {moment_s:5.1f} s, exit {code}, {items:3d} items had rows; {verdict}",
                flush=True,
            )
    print("all equal" if sound else "NOT ALL EQUAL")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
