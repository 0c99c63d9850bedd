"""Trains what ships as `ttac-mobilenet-v2`: four stretches from `base`, each from the one before.

    python benchmarks/retrain_ttac.py [-o RUNS] [--from WEIGHTS...] [--threads N]

About three hours and a half of two cores; a killed run goes on when it is started again. The weights of the last
stretch, RUNS/fourth/weights.safetensors, are the result, with their validation beside them
(`python -m unlossy.correctors.export --ship` makes the card of it).
"""

import argparse
import subprocess
import sys
from pathlib import Path

DATA = Path(__file__).parents[2] / "shared" / "data"
PICTURES = (
    "imagenet_train",
    "imagenet_extra",
    "restoration/train",
    "restoration/train_clic",
    "coco/train/images",
    "flowers/train",
)
STRETCHES = (  # steps, those of them over which the rate falls, its highest, the optimizer
    ("first", 400, 1, "1e-3", "adamw"),
    ("second", 400, 1, "1.5e-3", "muon"),
    ("third", 900, 700, "7e-4", "muon"),
    ("fourth", 1750, 900, "7e-4", "muon"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--runs", type=Path, default=Path("runs/retrain-ttac"))
    parser.add_argument("--threads", default="2")
    parser.add_argument(
        "--from", dest="done", type=Path, nargs="*", default=[], help="weights of stretches trained before"
    )
    options = parser.parse_args()
    start = str(options.done[-1]) if options.done else "base"
    for seed, (name, steps, falling, lr, optimizer) in list(enumerate(STRETCHES))[len(options.done) :]:
        words = ["train", "ttac", "--model", f"hf:{DATA / 'models' / 'mobilenet_v2_imagenet'}", "--corrector", start]
        for folder in PICTURES:
            words += ["--images", str(DATA / folder)]
        words += ["--steps", str(steps), "--decay-steps", str(falling), "--lr", lr, "--optimizer", optimizer]
        words += ["--seed", str(seed), "--threads", options.threads, "-o", str(options.runs / name)]
        subprocess.run([sys.executable, "-m", "unlossy", *words], check=True)
        start = str(options.runs / name / "weights.safetensors")
    print(start)


if __name__ == "__main__":
    main()
