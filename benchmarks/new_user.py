"""What a new user waits for: the three commands of the README on a folder of photos, each timed.

    python benchmarks/new_user.py PHOTOS --model SPEC [--steps 300] [-o RUNS]

1. what compression costs     2. a corrector aimed at the model     3. all methods compared, and the report

The photos need no labels. Every second one in the order of names is aimed with, the others are judged.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

CODEC = "jpeg:10,30,50,70,90"


def commands(model: str, steps: int, runs: Path) -> list[tuple[str, list[str]]]:
    """Title and words of each command, run in a folder that holds `aim/` and `judge/`."""
    aimed = runs / "aimed"
    study = ["study", "--model", model, "--data", "judge/", "--codec", CODEC]
    named = ("none", "correct=small", f"correct={aimed}/weights.safetensors")
    methods = [word for name in named for word in ("--mitigate", name)]
    aim = ["train", "ttac", "--model", model, "--images", "aim/", "--steps", str(steps), "-o", str(aimed)]
    return [
        ("what does it cost", [*study, "-o", f"{runs}/cost"]),
        ("aim a corrector", aim),
        ("what wins it back", [*study, *methods, "-o", f"{runs}/methods", "--html", f"{runs}/report.html"]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", required=True, help="as in a study; a path in it is absolute")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("-o", "--runs", type=Path, default=Path("runs/new-user"))
    options = parser.parse_args()
    work = options.runs.absolute()
    if work.exists():
        sys.exit(f"{work} is there already, and a command that goes on takes no time: name another folder with -o")
    photos = sorted(path for path in options.photos.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    for index, photo in enumerate(photos):
        place = work / ("aim", "judge")[index % 2] / f"{index:05d}{photo.suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo, place)
    print(f"{len(photos)} photos, {len(photos) // 2} of them judged")
    for title, words in commands(options.model, options.steps, work):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "unlossy", *words], cwd=work, check=True)
        print(f"== {title}: {time.perf_counter() - begin:.0f} s\n", flush=True)
    print(work / "report.html")


if __name__ == "__main__":
    main()
