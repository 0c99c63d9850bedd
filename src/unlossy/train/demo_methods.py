"""The demo's other methods, trained anew by one command: `python -m unlossy.train.demo_methods [-o DIR] [--seed N]`.

demo_finetuned    the demo's classifier, fine-tuned with labels on scenes compressed on the fly
demo_ttac         the small corrector, aimed without labels at the demo's classifier as it is

Training and evaluation scenes come from different seeds; nothing is downloaded. Each method comes with a card that has
the figures measured on the files as they ship.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor, nn

from unlossy.codecs.source import decode_source, hints_of
from unlossy.core.errors import UnlossyError
from unlossy.core.pixels import as_rgb
from unlossy.core.tools import require
from unlossy.core.types import Decoded
from unlossy.correctors.export import export_onnx
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.correctors.weights_place import shipped_weights
from unlossy.datasets.synthetic import CLASS_NAMES
from unlossy.tasks.models.differentiable import TorchClassifier
from unlossy.tasks.models.registry import load_classifier
from unlossy.train.demo_classifier import EVALUATION_SEED, TRAINING_SEED, Scenes, description, render_scenes
from unlossy.train.demo_network import MEAN, STD, DemoNetwork, export, normalise
from unlossy.train.kernels_in_bytes import in_bytes
from unlossy.train.schedule import Schedule
from unlossy.train.state import LoopSettings
from unlossy.train.ttac import TtacSettings, train_ttac

UNLABELED_SEED: Final = 2_000_000
"""Of the scenes that the corrector learns from."""
QUALITIES: Final = (90, 70, 50, 30, 10)
FINETUNED, TTAC = "demo_finetuned", "demo_ttac"
_BATCH, _PEAK_RATE, _CLEAN_SHARE = 32, 1e-3, 0.2
_WEIGHTS = resources.files("unlossy.tasks.models") / "weights"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the trainings are made of; the defaults are those of the shipped files.

    `n_scenes` of 128 px are labelled and fine-tuned on; `n_unlabeled` of `unlabeled_px` are what the corrector sees.
    """

    seed: int = 0
    n_scenes: int = 4000
    finetune_steps: int = 700
    n_unlabeled: int = 2000
    unlabeled_px: int = 160
    ttac_steps: int = 1200
    n_evaluation: int = 300
    processes: int = 1
    threads: int = 1


Curve = dict[str, float]
"""Top-1 in 0..1 by condition: "clean", "90" .. "10"."""


def train(settings: Settings, folder: Path) -> dict[str, Curve]:
    """Top-1 of the demo's classifier on held-out scenes with nothing and with each method; the files are in `folder`.

    Raises MissingDependency without the extra `train`.
    """
    require("onnx", "train", "training the demo's methods")
    torch.set_num_threads(settings.threads)
    folder.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    finetuned = finetune(_classifier(), settings)
    _write_finetuned(finetuned, folder)
    finetune_s = time.process_time() - started
    _say(f"fine-tuned in {finetune_s:.0f} s")
    aim(_classifier(), settings, folder)
    ttac_s = time.process_time() - started - finetune_s
    _say(f"aimed in {ttac_s:.0f} s")
    figures = measured(folder, settings)
    (folder / f"{FINETUNED}.md").write_text(_card(FINETUNED, settings, figures, finetune_s), encoding="utf-8")
    (folder / f"{TTAC}.md").write_text(_card(TTAC, settings, figures, ttac_s), encoding="utf-8")
    return figures


def finetune(network: DemoNetwork, settings: Settings) -> DemoNetwork:
    """The network after fine-tuning with labels on scenes of which four in five are JPEGs; in evaluation mode."""
    torch.manual_seed(settings.seed)
    chance = np.random.default_rng(settings.seed)
    scenes = render_scenes(TRAINING_SEED, settings.n_scenes, 128, settings.processes)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_PEAK_RATE, weight_decay=1e-2)
    steps = settings.finetune_steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK_RATE, total_steps=steps, pct_start=0.2)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.02)
    network.train()
    for step in range(steps):
        picked = chance.integers(0, len(scenes.images), _BATCH)
        batch = np.stack([_degraded(chance, scenes.images[index]) for index in picked])
        loss = loss_of(network(torch.from_numpy(normalise(batch))), torch.from_numpy(scenes.class_indices[picked]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99:
            _say(f"fine-tuning: step {step + 1}/{steps}  loss {float(loss.detach()):.3f}")
    return network.eval()


def aim(network: DemoNetwork, settings: Settings, folder: Path) -> None:
    """Nothing; `folder` holds the corrector aimed at the network: weights, and the graph that refers to them."""
    task = as_differentiable(network)
    loop = LoopSettings(Schedule(settings.ttac_steps, 20), lr=1e-3, ema_decay=0.99, evaluate_every=100)
    with tempfile.TemporaryDirectory() as place:
        pictures = Path(place) / "scenes"
        pictures.mkdir()
        scenes = render_scenes(UNLABELED_SEED, settings.n_unlabeled, settings.unlabeled_px, settings.processes)
        for index, image in enumerate(scenes.images):
            Image.fromarray(image).save(pictures / f"{index:06d}.png")
        made = TtacSettings((pictures,), shipped_weights("small"), loop, seed=settings.seed, workers=0)
        train_ttac(made, [task], Path(place) / "run", _every_fifty("TTAC"))
        weights = folder / f"{TTAC}.safetensors"
        weights.write_bytes((Path(place) / "run" / "weights.safetensors").read_bytes())
    export_onnx(weights, weights.with_suffix(".onnx"), self_contained=False)


def as_differentiable(network: DemoNetwork) -> TorchClassifier:
    """The demo's network as something that task-targeted training goes through."""
    frozen = network.eval().requires_grad_(requires_grad=False)
    digest = load_classifier("onnx:demo").digest
    arithmetic = torch.eye(3) / STD, torch.full((3,), -MEAN / STD)
    return TorchClassifier("onnx:demo", digest, (128, 128), frozen, _unchanged, *arithmetic)


def measured(folder: Path, settings: Settings) -> dict[str, Curve]:
    """Top-1 by method and condition on held-out scenes, from the files in `folder`."""
    scenes = render_scenes(EVALUATION_SEED, settings.n_evaluation, 128, settings.processes)
    corrector = open_corrector(str(folder / f"{TTAC}.safetensors"), Choices(threads=settings.threads))
    with resources.as_file(_WEIGHTS / "demo_classifier.onnx") as file:
        plain = _session(file)
    finetuned = _session(folder / f"{FINETUNED}.onnx")
    figures: dict[str, Curve] = {"none": {}, TTAC: {}, FINETUNED: {}}
    for quality in (None, *QUALITIES):
        name = "clean" if quality is None else str(quality)
        pictures = [_picture(image, quality) for image in scenes.images]
        seen = np.stack([picture.pixels_hwc for picture in pictures])
        corrected = seen if quality is None else np.stack(corrector.correct(pictures))
        figures["none"][name] = _top1(plain, seen, scenes)
        figures[TTAC][name] = _top1(plain, corrected, scenes)
        figures[FINETUNED][name] = _top1(finetuned, seen, scenes)
    return figures


def _classifier() -> DemoNetwork:
    loader = require("safetensors.torch", "train", "the weights of the demo's classifier")
    network = DemoNetwork(len(CLASS_NAMES))
    with resources.as_file(_WEIGHTS / "demo_classifier.safetensors") as file:
        network.load_state_dict(loader.load_file(str(file)))
    return network


def _degraded(chance: np.random.Generator, image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """A scene as fine-tuning sees it: mirrored or not, and in four cases of five a JPEG of quality 5 to 95."""
    mirrored = np.ascontiguousarray(image_hwc[:, :: int(chance.choice([-1, 1]))])
    quality = int(chance.integers(5, 96))
    return mirrored if chance.random() < _CLEAN_SHARE else _picture(mirrored, quality).pixels_hwc


def _picture(image_hwc: UInt8[np.ndarray, "h w 3"], ijg_quality: int | None) -> Decoded:
    """The scene as it is, or as a 4:2:0 JPEG with what its bytes tell."""
    if ijg_quality is None:
        return Decoded(image_hwc)
    buffer = BytesIO()
    Image.fromarray(image_hwc).save(buffer, "JPEG", quality=ijg_quality, subsampling="4:2:0")
    return Decoded(as_rgb(decode_source(buffer.getvalue())), hints_of(buffer.getvalue()))


def _write_finetuned(network: DemoNetwork, folder: Path) -> None:
    """Nothing; the graph with its weights in bytes, and the JSON that says how to feed it."""
    graph = folder / f"{FINETUNED}.onnx"
    with tempfile.TemporaryDirectory() as place:
        export(network, 128, graph, Path(place) / "weights.safetensors")
    graph.write_bytes(in_bytes(graph.read_bytes()))
    document = description(128, MEAN, STD) | {"file": graph.name}
    graph.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _session(file: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def _top1(session: onnxruntime.InferenceSession, images: UInt8[np.ndarray, "n h w 3"], scenes: Scenes) -> float:
    parts = [images[start : start + 50] for start in range(0, len(images), 50)]
    answers = [session.run(["logits"], {"pixel_values": normalise(part)})[0].argmax(axis=1) for part in parts]
    return float((np.concatenate(answers) == scenes.class_indices).mean())


def _every_fifty(name: str) -> Callable[[int, int], None]:
    return lambda done, total: _say(f"{name}: step {done}/{total}") if done % 50 == 0 else None


def _unchanged(answer: Any) -> Tensor:  # noqa: ANN401 (a module's answer)
    logits: Tensor = answer
    return logits


_WHAT: Final = {
    FINETUNED: "The demo's classifier, fine-tuned with labels: {n_scenes} scenes (seed {scenes_seed}), a fifth clean, "
    "the rest\nJPEGs of quality 5 to 95, {finetune_steps} steps of 32. The kernels are stored in bytes.",
    TTAC: "The corrector `small`, aimed without labels at the demo's classifier as it is: {n_unlabeled} scenes of "
    "{unlabeled_px} px (seed\n{unlabeled_seed}), {ttac_steps} steps of 16 crops.",
}

_CARD = """# {name}

{what}

- **Command**: `python -m unlossy.train.demo_methods --seed {seed} --threads {threads}`, {minutes} processor minutes.
- **Licence**: Apache-2.0, weights and data.

Top-1 in per cent on `synthetic:{n_evaluation},size=128,seed={evaluation_seed}`, which no training saw; JPEG by Pillow
with 4:2:0; measured on the files as they ship:

| input | none | {names} |
|---|---|---|---|
{rows}
"""


def _card(name: str, settings: Settings, figures: dict[str, Curve], elapsed_s: float) -> str:
    seeds = {"scenes_seed": TRAINING_SEED, "unlabeled_seed": UNLABELED_SEED, "evaluation_seed": EVALUATION_SEED}
    columns: Sequence[Curve] = (figures["none"], figures[TTAC], figures[FINETUNED])
    lines = []
    for condition in figures["none"]:
        values = " | ".join(f"{100 * column[condition]:.1f}" for column in columns)
        lines.append(f"| {condition if condition == 'clean' else f'JPEG {condition}'} | {values} |")
    return _CARD.format(
        name=name,
        what=_WHAT[name].format(**asdict(settings), **seeds),
        minutes=round(elapsed_s / 60),
        names=f"{TTAC} | {FINETUNED}",
        rows="\n".join(lines),
        **asdict(settings),
        **seeds,
    )


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main(arguments: list[str] | None = None) -> int:
    """The exit code of the command line."""
    parser = argparse.ArgumentParser(prog="python -m unlossy.train.demo_methods", description=train.__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("demo_methods"), metavar="DIR")
    for name, default in asdict(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, metavar="N")
    options = vars(parser.parse_args(arguments))
    folder = options.pop("output")
    try:
        figures = train(Settings(**options), folder)
    except UnlossyError as error:
        _say(str(error))
        return error.exit_code
    print(json.dumps({"files": str(folder), "top1": figures}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
