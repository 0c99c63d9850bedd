"""Trains what ships as `ttac-mobilenet-v2`: three stretches, each from the one before, and the mean of their weights.

    python benchmarks/retrain_ttac.py [-o RUNS] [--from WEIGHTS...]

About two hours of one core; a killed run goes on when it is started again. It starts from `small` as installed; what
ships started from the `small` of 2026-11-21. RUNS/mean/weights.safetensors is the
result, with its validation beside it (`python -m unlossy.correctors.export --ship` makes the card of it).
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

DATA = Path(__file__).parents[2] / "shared" / "data"
PICTURES = ("imagenet_train", "imagenet_extra", "restoration/train", "restoration/train_clic", "coco/train/images")
MORE_PICTURES = (*PICTURES, "flowers/train")
STRETCHES = (
    ("first", 900, "1e-3", PICTURES),
    ("second", 300, "6e-4", PICTURES),
    ("third", 1600, "1e-3", MORE_PICTURES),
)


def stretch(run: Path, start: str, steps: int, lr: str, pictures: tuple[str, ...], extra: list[str]) -> Path:
    """The weights at the end of one stretch."""
    words = ["train", "ttac", "--model", f"hf:{DATA / 'models' / 'mobilenet_v2_imagenet'}", "--corrector", start]
    for name in pictures:
        words += ["--images", str(DATA / name)]
    words += ["--steps", str(steps), "--lr", lr, "--threads", "1", "-o", str(run), *extra]
    subprocess.run([sys.executable, "-m", "unlossy", *words], check=True)
    return run / "weights.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--runs", type=Path, default=Path("runs/retrain-ttac"))
    parser.add_argument(
        "--from", dest="done", type=Path, nargs="*", default=[], help="weights of stretches trained before"
    )
    options = parser.parse_args()
    weights = list(options.done)
    for name, steps, lr, pictures in STRETCHES[len(weights) :]:
        start = str(weights[-1]) if weights else "small"
        weights.append(stretch(options.runs / name, start, steps, lr, pictures, ["--evaluate-every", "100"]))
    mean = options.runs / "mean" / "weights.safetensors"
    mean.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "unlossy.train.average", *map(str, weights), "-o", str(mean)], check=True)
    # a step at rate zero changes nothing, and validates
    stretch(options.runs / "validation", str(mean), 1, "0", MORE_PICTURES, ["--evaluate-every", "1"])
    shutil.copy(options.runs / "validation" / "validation.csv", mean.with_name("validation.csv"))
    print(mean)


if __name__ == "__main__":
    main()
