"""Trains what ships as `ttac-mobilenet-v2`: seven stretches from `base`, each from the one before, the last two's mean.

    python benchmarks/retrain_ttac.py [-o RUNS] [--from WEIGHTS...] [--threads N]

Seven to eight hours of two cores; a killed run goes on when it is started again. The result is
RUNS/mean/weights.safetensors, with its validation beside it (`python -m unlossy.correctors.export --ship` makes the
card of it).
"""

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parents[2] / "shared" / "data"
PICTURES = ("imagenet_train", "imagenet_extra", "restoration/train", "restoration/train_clic", "coco/train/images")
FLOWERS = "flowers/train"
AVERAGED = 2
"""Stretches, the last ones, whose mean is the result."""


@dataclass(frozen=True)
class Stretch:
    """Steps, those of them over which the rate falls, its highest, and what is shown: with flowers, which qualities."""

    name: str
    steps: int
    decay_steps: int
    lr: str
    optimizer: str = "muon"
    flowers: bool = False
    qualities: str | None = None

    def words(self, start: str, seed: int) -> list[str]:
        """The options of `unlossy train ttac`, but for where it runs."""
        found = ["--model", f"hf:{DATA / 'models' / 'mobilenet_v2_imagenet'}", "--corrector", start]
        for folder in (*PICTURES, *([FLOWERS] if self.flowers else [])):
            found += ["--images", str(DATA / folder)]
        found += ["--steps", str(self.steps), "--decay-steps", str(self.decay_steps), "--lr", self.lr]
        found += ["--optimizer", self.optimizer, "--seed", str(seed)]
        return found + (["--qualities", self.qualities] if self.qualities else [])


STRETCHES = (
    Stretch("first", 400, 1, "1e-3", "adamw", flowers=True),
    Stretch("second", 400, 1, "1.5e-3", flowers=True),
    Stretch("third", 900, 700, "7e-4", flowers=True),
    Stretch("fourth", 1750, 900, "7e-4", flowers=True),
    Stretch("fifth", 1300, 750, "7e-4"),
    Stretch("sixth", 1000, 480, "7e-4", qualities="shares:5-14=5,15-30=3,31-94=2"),
    Stretch("seventh", 1200, 500, "7e-4", qualities="shares:5-14=6,15-30=2,31-94=2"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--runs", type=Path, default=Path("runs/retrain-ttac"))
    parser.add_argument("--threads", default="2")
    parser.add_argument(
        "--from", dest="done", type=Path, nargs="*", default=[], help="weights of stretches trained before"
    )
    options = parser.parse_args()

    def train(stretch: Stretch, start: str, seed: int, *more: str) -> Path:
        run = options.runs / stretch.name
        words = [*stretch.words(start, seed), *more, "--threads", options.threads, "-o", str(run)]
        subprocess.run([sys.executable, "-m", "unlossy", "train", "ttac", *words], check=True)
        return run / "weights.safetensors"

    weights = list(options.done)
    for seed, stretch in list(enumerate(STRETCHES))[len(weights) :]:
        weights.append(train(stretch, str(weights[-1]) if weights else "base", seed))
    mean = options.runs / "mean" / "weights.safetensors"
    mean.parent.mkdir(parents=True, exist_ok=True)
    files = [str(file) for file in weights[-AVERAGED:]]
    subprocess.run([sys.executable, "-m", "unlossy.train.average", *files, "-o", str(mean)], check=True)
    # a step at rate zero changes nothing, and validates
    train(Stretch("validation", 1, 1, "0"), str(mean), 0, "--evaluate-every", "1")
    shutil.copy(options.runs / "validation" / "validation.csv", mean.with_name("validation.csv"))
    print(mean)


if __name__ == "__main__":
    main()
