"""Five flowers, four methods, every quality: what fine-tuning with labels wins back, and what correction does.

    python benchmarks/flowers_methods.py -o WORK [--data ../shared/data] [--steps 200] [--threads 1]

A MobileNetV2 is fine-tuned on clean pictures. Then, each with the same number of steps and its rate searched over three
values on pictures held out of the training set: `finetuned`, that network fine-tuned with labels on qualities 5 to 95;
`ttac`, the small corrector aimed at it without labels. `corrected` is the small corrector as it ships. `per quality` is
one network fine-tuned at each of a few qualities, at the rate that won. All are measured on `flowers/val`, and set
beside each other there pair by pair. Everything lies in WORK; the same command goes on where it was stopped.
"""

import argparse
import csv
import json
import time
from pathlib import Path

import torch

from flowers_start import clean_classifier, finetuned, flowers
from unlossy.correctors.registry import weights_of
from unlossy.study import StudyPlan, run_study
from unlossy.tasks.models.differentiable import open_differentiable
from unlossy.train.finetune_draw import drawn_from, each_alike
from unlossy.train.finetune_settings import FinetuneSettings
from unlossy.train.finetune_validation import score_of
from unlossy.train.schedule import Schedule
from unlossy.train.state import LoopSettings
from unlossy.train.ttac import TtacSettings, train_ttac
from unlossy.train.ttac import score_of as ttac_score

FINETUNE_RATES = (3e-5, 1e-4, 3e-4)
TTAC_RATES = (1e-4, 3e-4, 1e-3)
PER_QUALITY = (10, 20, 40)
TTAC_BATCH = 8
HELD_OUT = 0.2
"""Of the labelled pictures, to choose the rate of fine-tuning by: 160 of 800."""


def best_finetuned(data: Path, work: Path, model: str, asked):
    """The best of the rates by the held-out pictures: the rate, and the model's SPEC."""
    found = {}
    for rate in asked.finetune_rates:
        settings = FinetuneSettings(
            flowers(data, model, held_out=HELD_OUT),
            drawn_from("uniform:5-95"),
            steps=asked.steps,
            optimizer=asked.optimizer,
            lr=rate,
            evaluate_every=asked.steps // 4,
        )
        found[rate] = finetuned(f"finetuned-{rate:g}", work, settings)
    rate = max(found, key=lambda rate: score_of(found[rate].measures))
    return rate, found[rate].model


def best_aimed(data: Path, work: Path, model: str, asked):
    """The best of the rates by the distance of held-out answers to the clean ones: the rate, and the weights."""
    found = {}
    for rate in asked.ttac_rates:
        run, begun = work / f"ttac-{rate:g}", time.monotonic()
        loop = LoopSettings(
            Schedule(asked.steps, warmup_steps=asked.steps // 10),
            lr=rate,
            ema_decay=0.98,
            evaluate_every=asked.steps,
            log_every=10,
        )
        settings = TtacSettings(
            (data / "flowers" / "train",), weights_of("small"), loop, batch_size=TTAC_BATCH, workers=1
        )
        train_ttac(settings, [open_differentiable(model)], run)
        with (run / "validation.csv").open() as stream:
            row = {name: float(value) for name, value in list(csv.DictReader(stream))[-1].items()}
        found[rate] = ttac_score(row)
        print(f"ttac-{rate:g}: {time.monotonic() - begun:.0f} s; distance taken away {found[rate]:.3f}", flush=True)
    rate = max(found, key=found.__getitem__)
    return rate, work / f"ttac-{rate:g}" / "weights.safetensors"


def per_quality(data: Path, work: Path, model: str, steps: int, optimizer: str, rate: float):
    """One network for each of a few qualities, and the study of each at its own."""
    found = {}
    for quality in PER_QUALITY:
        settings = FinetuneSettings(
            flowers(data, model),
            each_alike([f"jpeg:{quality}"]),
            steps=steps,
            optimizer=optimizer,
            lr=rate,
            evaluate_every=steps // 4,
        )
        own = f"model={finetuned(f'only-{quality}', work, settings).model}"
        plan = StudyPlan(model, str(data / "flowers" / "val"), codecs=(f"jpeg:{quality}",), mitigations=("none", own))
        found |= cells_of(run_study(plan, work / f"study-{quality}"), {own: "per quality"})
    return found


def cells_of(result, names):
    """What is won back (of top-1) and top-1 by codec and method."""
    return {
        (cell.codec, names.get(cell.mitigation, cell.mitigation)): {
            "top1": cell.metrics["top1"],
            "recovered": None if cell.recovered is None else cell.recovered["top1"],
        }
        for cell in result.cells
    }


def markdown(cells, clean):
    """The table: a row per codec, a column per method."""
    methods = list(dict.fromkeys(method for _, method in cells))
    lines = ["| | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    lines.append("| clean | " + " | ".join(f"{100 * clean[m]:.1f}" if m in clean else "" for m in methods) + " |")
    for codec in dict.fromkeys(codec for codec, _ in cells):
        lines.append(f"| {codec} | " + " | ".join(_entry(cells.get((codec, m))) for m in methods) + " |")
    return "\n".join(lines)


def _entry(cell):
    if cell is None:
        return ""
    share = cell["recovered"]
    text = f"{100 * cell['top1']:.1f}"
    if share is None:
        return text
    ends = ["?" if end is None else f"{100 * end:.0f}" for end in (share.low, share.high)]
    return f"{text} ({100 * share.mean:.0f} % [{ends[0]}, {ends[1]}])"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("-o", "--work", type=Path, required=True)
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--steps", type=int, default=200)
    options.add_argument("--finetune-rates", type=float, nargs="+", default=FINETUNE_RATES, help="to choose from")
    options.add_argument("--ttac-rates", type=float, nargs="+", default=TTAC_RATES, help="to choose from")
    options.add_argument("--codec", default="jpeg:5..90:5", help="settings of the study")
    options.add_argument("--optimizer", default="adamw", choices=("adamw", "sgd"))
    options.add_argument("--threads", type=int, default=1)
    asked = options.parse_args()
    torch.set_num_threads(asked.threads)
    data, work, begun = asked.data, asked.work, time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    model = clean_classifier(data, work)
    rate, tuned = best_finetuned(data, work, model, asked)
    aimed_rate, aimed = best_aimed(data, work, model, asked)
    names = {"correct=small": "corrected", f"correct={aimed}": "ttac", f"model={tuned}": "finetuned"}
    plan = StudyPlan(model, str(data / "flowers" / "val"), codecs=(asked.codec,), mitigations=("none", *names))
    result = run_study(plan, work / f"study-{plan.hash[:8]}")
    (work / "study.json").write_text(json.dumps(result.to_json(), indent=1))
    told = [f"rates: finetuned {rate:g}, ttac {aimed_rate:g}; {asked.steps} steps each", "", *besides(result, names)]
    cells, clean = cells_of(result, names), {"none": result.clean["top1"]}
    clean |= {names[text]: metrics["top1"] for text, metrics in result.clean_mitigated.items()}
    print("\n".join([*told, "", markdown(cells, clean)]), flush=True)
    single = per_quality(data, work, model, asked.steps, asked.optimizer, rate)
    told += ["", markdown(cells | single, clean)]
    (work / "table.md").write_text("\n".join(told) + "\n")
    print("\n".join(told), f"{(time.monotonic() - begun) / 60:.0f} minutes", sep="\n")


def besides(result, names):
    """A line for each method on clean pictures, and for ttac beside fine-tuning at each setting: points of top-1."""
    for text, cost in result.methods.items():
        if text in names:
            yield (
                f"clean, {names[text]} minus none: {_points(cost.clean_difference['top1'])}; {cost.became_wrong} "
                f"became wrong, {cost.became_right} right of {cost.n_clean}; p_true moved by {cost.mean_abs_p_true:.4f}"
            )
    for pair in result.pairs:
        both = {names.get(pair.a), names.get(pair.b)}
        if both == {"ttac", "finetuned"}:
            yield f"{pair.codec}, {names[pair.a]} minus {names[pair.b]}: {_points(pair.difference['top1'])}"


def _points(interval):
    return f"{100 * interval.mean:+.1f} [{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]"


if __name__ == "__main__":
    main()
