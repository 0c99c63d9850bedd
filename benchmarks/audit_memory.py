"""Peak memory and time of auditing a tar of small JPEGs to Parquet, in a process of its own; bar: under 300 MB.

    python benchmarks/audit_memory.py [--members 200000] [--jobs 1]

The members are 24 JPEGs of 64 x 64 pixels in turn (0.9 to 4 KB), in a temporary tar of about 600 MB.
"""

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

AUDIT = """
import json, resource, sys
from unlossy.cli.main import run
code = run(["audit", sys.argv[1], "-o", sys.argv[2], "--jobs", sys.argv[3], "--json"])
own, children = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({"code": code, "own_mib": own, "largest_child_mib": children}), file=sys.stderr)
"""


def jpegs() -> list[bytes]:
    noise, made = np.random.default_rng(0), []
    for quality in range(20, 92, 3):
        smooth = noise.integers(0, 255, (4, 4, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(smooth).resize((64, 64), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=quality)
        made.append(buffer.getvalue())
    return made


def write_tar(path: Path, members: int) -> None:
    data = jpegs()
    with tarfile.open(path, "w") as tar:
        for index in range(members):
            info = tarfile.TarInfo(f"class{index % 20:02d}/{index:06d}.jpg")
            info.size = len(data[index % len(data)])
            tar.addfile(info, io.BytesIO(data[index % len(data)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200_000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        tar, rows = Path(work) / "shard.tar", Path(work) / "rows.parquet"
        write_tar(tar, options.members)
        begin = time.perf_counter()
        command = [sys.executable, "-c", AUDIT, str(tar), str(rows), str(options.jobs)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        elapsed_s = time.perf_counter() - begin
        summary, peak = json.loads(done.stdout), json.loads(done.stderr.strip().splitlines()[-1])
        print(f"{summary['n_items']} rows, {summary['failed']} failed, tar {tar.stat().st_size / 1e6:.0f} MB")
        print(f"exit code {peak['code']}, {elapsed_s:.1f} s, peak {peak['own_mib']:.0f} MiB", end="")
        print(f", largest child {peak['largest_child_mib']:.0f} MiB" if options.jobs > 1 else "")


if __name__ == "__main__":
    main()
