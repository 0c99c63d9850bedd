"""What a compressed training set costs, and what it buys: five flowers, training quality against test quality, 5 x 5.

    python benchmarks/flowers_train_quality.py -o WORK [--data ../shared/data] [--steps 120] [--threads 1]

Five networks, alike but for the pictures they learn from: MobileNetV2 with a new last layer, fine-tuned on flowers that
are clean, or JPEG at quality 80, 40, 20 or 10. Each is tested on `flowers/val` at the same five. Writes `table.md` and
`figure.svg` into WORK; brackets hold the 95 % interval of the difference to the network of clean pictures, in points,
paired picture by picture. The same command goes on where it was stopped.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from flowers_start import finetuned, flowers, start_model
from unlossy.study import StudyPlan, run_study
from unlossy.train.finetune_draw import each_alike
from unlossy.train.finetune_settings import FinetuneSettings

QUALITIES = (80, 40, 20, 10)
RATE = 3e-4
CELL_PX = 92


def trained(data: Path, work: Path, quality: int | None, steps: int) -> str:
    """The SPEC of the network that learnt from pictures of a quality, None for clean ones."""
    codec = f"jpeg:{quality or QUALITIES[0]}"
    settings = FinetuneSettings(
        flowers(data, start_model(data, work), new_head=True),
        each_alike([codec], clean_share=1.0 if quality is None else 0.0),
        steps=steps,
        optimizer="adamw",
        lr=RATE,
        evaluate_every=max(1, steps // 4),
    )
    return finetuned(f"trained-{'clean' if quality is None else quality}", work, settings).model


def grid(result, names):
    """Top-1, and its difference to the network of clean pictures with the interval, by (trained on, tested on)."""
    found = {(names["none"], "clean"): (result.clean["top1"], None)}
    for text, metrics in result.clean_mitigated.items():
        found[names[text], "clean"] = (metrics["top1"], result.methods[text].clean_difference["top1"])
    for cell in result.cells:
        versus = None if cell.versus_none is None else cell.versus_none["top1"]
        found[names[cell.mitigation], cell.codec] = (cell.metrics["top1"], versus)
    return found


def markdown(found, rows, columns):
    """The table: a row per training set, a column per test set."""
    lines = ["| trained on | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    return "\n".join(
        [*lines, *(f"| {row} | " + " | ".join(_entry(found[row, c]) for c in columns) + " |" for row in rows)]
    )


def _entry(cell):
    top1, versus = cell
    text = f"{100 * top1:.1f}"
    return text if versus is None else f"{text} [{100 * versus.low:+.1f}, {100 * versus.high:+.1f}]"


def figure(found, rows, columns):
    """A heat map as SVG: the darker the better; rows are training sets, columns test sets."""
    lowest = min(top1 for top1, _ in found.values())
    highest = max(top1 for top1, _ in found.values())
    side = CELL_PX * (len(columns) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" font-family="sans-serif" font-size="14" '
        'text-anchor="middle"><title>Top-1 by training quality (rows) and test quality (columns)</title>'
    ]
    parts += [
        _text("tested on", 0.5 * side + 0.5 * CELL_PX, 0.25 * CELL_PX),
        _text("trained on", 0.5 * CELL_PX, 0.6 * CELL_PX),
    ]
    parts += [_text(c, (i + 1.5) * CELL_PX, 0.6 * CELL_PX) for i, c in enumerate(columns)]
    parts += [_text(r, 0.5 * CELL_PX, (j + 1.5) * CELL_PX) for j, r in enumerate(rows)]
    for j, row in enumerate(rows):
        for i, column in enumerate(columns):
            top1 = found[row, column][0]
            share = (top1 - lowest) / max(1e-9, highest - lowest)
            x, y = (i + 1) * CELL_PX, (j + 1) * CELL_PX
            fill = f"hsl(210 60% {92 - 57 * share:.0f}%)"
            parts.append(f'<rect x="{x}" y="{y}" width="{CELL_PX - 2}" height="{CELL_PX - 2}" fill="{fill}"/>')
            parts.append(
                _text(f"{100 * top1:.1f}", x + CELL_PX / 2, y + CELL_PX / 2, "#fff" if share > 0.5 else "#000")
            )
    return "\n".join([*parts, "</svg>"])


def _text(text, x, y, fill="#000"):
    return f'<text x="{x:.0f}" y="{y + 5:.0f}" fill="{fill}">{text}</text>'


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("-o", "--work", type=Path, required=True)
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--steps", type=int, default=120)
    options.add_argument("--threads", type=int, default=1)
    asked = options.parse_args()
    torch.set_num_threads(asked.threads)
    begun = time.monotonic()
    asked.work.mkdir(parents=True, exist_ok=True)
    clean = trained(asked.data, asked.work, None, asked.steps)
    others = {f"model={trained(asked.data, asked.work, quality, asked.steps)}": quality for quality in QUALITIES}
    plan = StudyPlan(
        clean,
        str(asked.data / "flowers" / "val"),
        codecs=tuple(f"jpeg:{quality}" for quality in QUALITIES),
        mitigations=("none", *others),
    )
    result = run_study(plan, asked.work / "study")
    (asked.work / "study.json").write_text(json.dumps(result.to_json(), indent=1))
    names = {"none": "clean", **{text: f"jpeg:{quality}" for text, quality in others.items()}}
    found, axis = grid(result, names), ["clean", *(f"jpeg:{quality}" for quality in QUALITIES)]
    table = markdown(found, axis, axis)
    (asked.work / "table.md").write_text(table + "\n")
    (asked.work / "figure.svg").write_text(figure(found, axis, axis) + "\n")
    print(f"{table}\n\n{asked.work / 'figure.svg'}\n{(time.monotonic() - begun) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
