"""A study killed with kill -9 at random moments and resumed: its rows must equal an undisturbed run's, but for times.

    python benchmarks/kill_and_resume.py [--kills 3] [--items 300] [--seed 0] [--model SPEC --data DIR]

By default the demo's classifier on generated scenes over nine JPEG qualities. Prints one line per kill and the verdict;
exits 1 where a row differs.
"""

import argparse
import random
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="onnx:demo")
    parser.add_argument("--data")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        undisturbed, disturbed = Path(folder, "undisturbed"), Path(folder, "disturbed")
        start = time.monotonic()
        subprocess.run(study(arguments, undisturbed), check=True, stdout=subprocess.DEVNULL)
        whole_s = time.monotonic() - start
        print(f"undisturbed: {len(rows_of(undisturbed))} rows in {whole_s:.1f} s")
        for number in range(arguments.kills):
            process = subprocess.Popen(study(arguments, disturbed), stdout=subprocess.DEVNULL)
            moment_s = moments.uniform(0.1, 0.9) * whole_s / (number + 1)
            try:
                process.wait(moment_s)
            except subprocess.TimeoutExpired:
                process.kill()
            code = process.wait()
            print(f"kill {number + 1}: after {moment_s:.1f} s, exit {code}, {done(disturbed)} items have rows")
        subprocess.run(study(arguments, disturbed), check=True, stdout=subprocess.DEVNULL)
        equal = rows_of(disturbed) == rows_of(undisturbed)
    print("rows equal" if equal else "ROWS DIFFER")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
