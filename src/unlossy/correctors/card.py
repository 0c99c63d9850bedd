"""The card beside weights that ship: what they are, what they learned from, how well they did there, the licence."""

import csv
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from unlossy.correctors.nets.sizes import load_network, multiply_adds_per_pixel
from unlossy.correctors.nets.unet import UNet
from unlossy.correctors.nets.weights_file import load_weights
from unlossy.correctors.registry import CORRECTORS, SHIPPED

_TEXT = """# `{name}`

A corrector network of unlossy: a U-Net of {parameters:,} parameters and {cost:,.0f} multiply-adds a pixel
that repairs what JPEG compression did to a picture, guided by the file's own quantization tables. One network
for all qualities, subsamplings and grey.

- **Data**: CID22 training pictures (CC BY-SA 4.0) and CLIC 2025 pictures (Unsplash licence), {pictures} in all,
  compressed on the fly. None of the test sets.
- **Command**: `unlossy train corrector --images PICTURES --size {name} -o RUN`, seed {seed},
  loss `{loss}`{shares}; these are the weights' average at step {step} of the last stretch{hours}.
- **Licence**: Apache-2.0, as the code.
{note}
PSNR (RGB, dB) of pictures held out from training, 256 px crops, 4:2:0, before and after the network alone:

{table}
On LIVE1 and Classic5, with the guards: `benchmarks/corrector_table.py` and `benchmarks/corrector_harm.py`.
"""


_AIMED = """# `{name}`

A corrector network of unlossy, aimed at a task network: a U-Net of {parameters:,} parameters and {cost:,.0f}
multiply-adds a pixel that gives that network the picture it needs (task-targeted artifact correction, Ehrlich et al.,
arXiv 2011.08932). It is guided by the file's own quantization tables; near-lossless JPEGs (mean luma step under
{bypass}) and pictures without traces of JPEG come out as they went in.

- **Aimed at**: {aimed_at}. The network stayed as it is.
- **Data**: {pictures} pictures without labels, compressed on the fly. {note}
- **Command**: `unlossy train ttac{task} --model MODEL --images PICTURES --corrector {initial}{qualities} -o RUN`,
  seed {seed}, loss `{loss}` (weight {task_weight}) and {fidelity_weight} times the mean absolute error in RGB; these
  are the average of the weights at step {step}{hours}.
- **Licence**: Apache-2.0, as the code. Made with, and not holding, the pictures and the model named above.

On views of pictures held out from training: how often the network answers as on the clean picture, as JPEG and
corrected; what is left of the distance to the clean outputs; and the gain in PSNR.

{table}
"""


_SHARES = ("teacher_share", "heavy_share")
"""What a run of `train.corrector` tells of itself beside its loss."""


def card(name: str, weights: Path, note: str = "") -> str:
    """A model card in Markdown; `validation.csv` and `log.csv` beside the weights are told of where they lie there."""
    network = load_network(weights)
    facts = load_weights(weights)[1]
    if "aimed_at" in facts:
        return _aimed_card(name, weights, network, facts, note)
    return _TEXT.format(
        name=name,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        cost=multiply_adds_per_pixel(network),
        pictures=facts.get("pictures", "?"),
        seed=facts.get("seed", "?"),
        loss=facts.get("loss", "?"),
        shares="".join(f", `--{key.replace('_', '-')} {facts[key]}`" for key in _SHARES if key in facts),
        step=facts.get("step", "?"),
        hours=_hours(weights.with_name("log.csv")),
        note=f"- **Training**: {note}\n" if note else "",
        table=_validation(weights.with_name("validation.csv")),
    )


def _aimed_card(name: str, weights: Path, network: UNet, facts: Mapping[str, str], note: str) -> str:
    aims = json.loads(facts["aimed_at"])
    models = [str(aim["model"]) for aim in aims]
    tasks = {str(aim.get("task", "classification")) for aim in aims}
    return _AIMED.format(
        name=name,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        cost=multiply_adds_per_pixel(network),
        bypass=json.loads(facts.get("guards") or "{}").get("bypass_step", 0),
        aimed_at=", ".join(f"`{model}`" for model in models),
        task="".join(f" --task {task}" for task in tasks if tasks != {"classification"}),
        initial=_start(facts["initial"]),
        qualities=f" --qualities {facts['qualities']}" if "qualities" in facts else "",
        hours=_hours(weights.with_name("log.csv")),
        note=note,
        table=_agreement(weights.with_name("validation.csv"), facts.get("step")),
        **{key: facts.get(key, "?") for key in ("pictures", "seed", "loss", "task_weight", "fidelity_weight", "step")},
    )


def _start(initial: str) -> str:
    """What `--corrector` began from: a network that ships by its name, else a file in a folder that is not told."""
    name = initial.removesuffix(".safetensors")
    return name if CORRECTORS.get(name) == SHIPPED else f"START/{initial}"


def _agreement(path: Path, step: str | None) -> str:
    """A table of the validation of `train.ttac` at the step whose weights were kept, else of the last."""
    row = next((row for row in reversed(_rows(path)) if row.get("step") == step), None) or _last_row(path)
    lines = [
        f"| {q} | {float(row[f'agreement_jpeg_q{q}']):.0%} | {float(row[f'agreement_q{q}']):.0%} | "
        f"{float(row[f'distance_q{q}']):.0%} | {float(row[f'gain_q{q}_db']):+.2f} |"
        for q in (name.removeprefix("agreement_q") for name in row if name.startswith("agreement_q"))
    ]
    head = ["| Q | JPEG | corrected | distance left | dB |", "|---|---|---|---|---|"]
    return "\n".join([*head, *lines]) if lines else "(no record)"


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _last_row(path: Path) -> dict[str, str]:
    rows = _rows(path)
    return rows[-1] if rows else {}


def _hours(log: Path) -> str:
    """What a run took, of its log; `elapsed_s` begins anew with each stretch of a run that was resumed."""
    elapsed_s = [float(row["elapsed_s"]) for row in _rows(log) if row.get("elapsed_s")]
    ends = [this for this, following in pairwise([*elapsed_s, 0.0]) if following < this]
    return f", which took {sum(ends) / 3600:.1f} hours" if ends else ""


def _validation(path: Path) -> str:
    """A table of the last validation: columns qN_db and jpeg_qN_db of the training's file."""
    row = _last_row(path)
    lines = [
        f"| {column[1:-3]} | {float(row[f'jpeg_{column}']):.2f} | {float(row[column]):.2f} |"
        for column in row
        if column.startswith("q") and f"jpeg_{column}" in row
    ]
    return "\n".join(["| Q | JPEG | corrected |", "|---|---|---|", *lines]) + "\n" if lines else "(no record)\n"
