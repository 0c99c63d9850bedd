"""The demo's detector and segmenter, trained anew: `python -m unlossy.train.demo_dense detection|segmentation`.

Each learns from clean synthetic scenes of one to four subjects (no compression among the augmentations), so that what
it loses on JPEG is what an honest model loses. Training and evaluation scenes come from different seeds; nothing is
downloaded. Three files come out in `-o DIR`: the ONNX graph, the JSON that tells how to feed and read it, and a card
with the figures measured on the graph.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8

from unlossy.codecs import Codec, decode_source, parse_codecs
from unlossy.core.errors import UnlossyError
from unlossy.core.tools import require
from unlossy.core.types import Item
from unlossy.datasets.scenes.labels import OBJECT_CATEGORIES, PIXEL_CATEGORIES
from unlossy.datasets.synthetic import SyntheticDataset
from unlossy.tasks.base import Score, Task
from unlossy.tasks.registry import load_task, yardstick
from unlossy.train.demo_classifier import EVALUATION_SEED, TRAINING_SEED
from unlossy.train.demo_dense_files import KINDS, Curve, Kind, Settings, card, description
from unlossy.train.demo_dense_scenes import render_dense_scenes

CODECS: Final = "jpeg:90,70,50,30,20,10"
_BATCH = 16


def train(kind: Kind, settings: Settings, folder: Path) -> Curve:
    """The trained ONNX file's figures by condition; the three files are in `folder`.

    Raises MissingDependency without the extra `train`.
    """
    for module in ("torch", "onnx"):
        require(module, "train", f"training the demo's {kind.task} model")
    started = time.process_time()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{kind.name}.onnx"
    _fit_and_export(kind, settings, file)
    document = description(kind, settings.size)
    file.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    elapsed_s = time.process_time() - started
    figures = measured(kind, file, settings)
    file.with_suffix(".md").write_text(card(kind, settings, figures, elapsed_s), encoding="utf-8")
    return figures


def _fit_and_export(kind: Kind, settings: Settings, file: Path) -> None:
    import torch

    from unlossy.train import demo_dense_losses as losses
    from unlossy.train.demo_dense_network import DemoDetector, DemoSegmenter, export

    torch.set_num_threads(settings.threads)
    scenes = render_dense_scenes(TRAINING_SEED, settings.n_training, settings.size, settings.processes)
    _say(f"{settings.n_training} training scenes of {settings.size} px are rendered")
    torch.manual_seed(settings.seed)
    network: losses.Network
    loss_of: losses.Loss
    if kind.task == "detection":
        network, loss_of = DemoDetector(len(OBJECT_CATEGORIES)), losses.detection_loss
    else:
        network, loss_of = DemoSegmenter(len(PIXEL_CATEGORIES)), losses.segmentation_loss
    tell = f"step {{}}/{settings.steps}  loss {{:.3f}}"
    losses.fit(
        network,
        loss_of,
        scenes,
        steps=settings.steps,
        seed=settings.seed,
        report=lambda step, loss: _say(tell.format(step, loss)),
    )
    export(network, settings.size, kind.outputs, file)


def measured(kind: Kind, file: Path, settings: Settings, codecs: str = CODECS) -> Curve:
    """The figures of the ONNX file on scenes that training never saw, clean and through JPEG (Pillow, 4:2:0)."""
    scenes = SyntheticDataset(
        settings.n_evaluation, settings.size, EVALUATION_SEED, targets=yardstick(kind.task).targets
    )
    items = list(scenes)
    task = load_task(kind.task, f"onnx:{file}", categories=scenes.categories, threads=settings.threads)
    pictures = [decode_source(item.blob.all()) for item in items]
    conditions: dict[str, Codec | None] = {"clean": None} | {codec.setting: codec for codec in parse_codecs(codecs)}
    curve: Curve = {}
    for name, codec in conditions.items():
        seen = pictures if codec is None else [codec.decode(codec.encode(picture)) for picture in pictures]
        found = task.yardstick.summarise(_scores(task, seen, items))
        curve[name] = {figure: found[figure] for figure in kind.figures}
    return curve


def _scores(task: Task, pictures: Sequence[UInt8[np.ndarray, "h w c"]], items: Sequence[Item]) -> list[Score]:
    scores: list[Score] = []
    for start in range(0, len(items), _BATCH):
        answers = task.predict([task.prepare(picture) for picture in pictures[start : start + _BATCH]])
        for answer, item in zip(answers, items[start : start + _BATCH], strict=True):
            if isinstance(answer, Exception):
                raise answer
            scores.append(task.yardstick.score(answer, item.target))
    return scores


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main(arguments: list[str] | None = None) -> int:
    """The exit code of the command line."""
    parser = argparse.ArgumentParser(prog="python -m unlossy.train.demo_dense", description=train.__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("-o", "--output", type=Path, metavar="DIR")
    for field in fields(Settings):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=int, metavar="N")
    options = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    kind = KINDS[options.pop("kind")]
    folder = options.pop("output", Path(kind.name))
    try:
        figures = train(kind, replace(kind.settings, **options), folder)
    except UnlossyError as error:
        _say(str(error))
        return error.exit_code
    print(json.dumps({"files": str(folder), "figures": figures}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
