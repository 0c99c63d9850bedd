"""The demo's classifier, trained anew by one command: `python -m unlossy.train.demo_classifier [-o DIR] [--seed N]`.

It learns from clean synthetic scenes only (no compression among its augmentations), so that what it loses on JPEG is
what an honest model loses. Training and evaluation scenes come from different seeds. Nothing is downloaded.

Four files come out: `demo_classifier.onnx`, the same weights as `.safetensors`, the `.json` that tells how to feed the
ONNX file, and a card, `.md`, with the figures measured on the ONNX file.
"""

import argparse
import io
import json
import multiprocessing
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from jaxtyping import Float32, Int64, UInt8
from PIL import Image

from unlossy.core.errors import UnlossyError
from unlossy.core.tools import require
from unlossy.datasets.synthetic import CLASS_NAMES, render_scene

TRAINING_SEED, EVALUATION_SEED = 1_000_000, 0
QUALITIES = (90, 80, 70, 60, 50, 40, 30, 20, 10)
_BATCH = 50


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training is made of; the defaults are those of the shipped file."""

    seed: int = 0
    steps: int = 2500
    n_training: int = 6000
    n_evaluation: int = 300
    size: int = 128
    processes: int = 2
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Scenes:
    """Rendered scenes and their classes."""

    images: UInt8[np.ndarray, "n h w 3"]
    class_indices: Int64[np.ndarray, " n"]


def render_scenes(seed: int, n: int, size: int, processes: int) -> Scenes:
    """The first `n` scenes of a seed, rendered in so many processes."""
    jobs = [(seed, index, size) for index in range(n)]
    if processes == 1:
        rendered = [_render(job) for job in jobs]
    else:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            rendered = pool.map(_render, jobs, chunksize=50)
    images, class_indices = zip(*rendered, strict=True)
    return Scenes(np.stack(images), np.array(class_indices, dtype=np.int64))


def _render(job: tuple[int, int, int]) -> tuple[UInt8[np.ndarray, "h w 3"], int]:
    seed, index, size = job
    scene = render_scene(seed, index, width=size, height=size)
    return scene.image_hwc, scene.class_index


def train(settings: Settings, folder: Path) -> dict[str, float]:
    """Top-1 in 0..1 of the trained ONNX file by condition ("clean", "90" .. "10"); the four files are in `folder`.

    Raises MissingDependency without the extra `train`.
    """
    require("torch", "train", "training the demo's classifier")
    import torch

    from unlossy.train import demo_network

    torch.set_num_threads(settings.threads)
    started = time.monotonic()
    scenes = render_scenes(TRAINING_SEED, settings.n_training, settings.size, settings.processes)
    _say(f"{settings.n_training} training scenes of {settings.size} px in {time.monotonic() - started:.0f} s")
    network = demo_network.fit(
        scenes.images,
        scenes.class_indices,
        n_classes=len(CLASS_NAMES),
        steps=settings.steps,
        seed=settings.seed,
        report=lambda step, loss: _say(f"step {step}/{settings.steps}  loss {loss:.3f}"),
    )
    folder.mkdir(parents=True, exist_ok=True)
    onnx_file = folder / "demo_classifier.onnx"
    demo_network.export(network, settings.size, onnx_file, folder / "demo_classifier.safetensors")
    document = description(settings.size, demo_network.MEAN, demo_network.STD)
    (folder / "demo_classifier.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    elapsed_s = time.monotonic() - started
    held_out = render_scenes(EVALUATION_SEED, settings.n_evaluation, settings.size, settings.processes)
    figures = accuracy_curve(onnx_file, held_out, demo_network.MEAN, demo_network.STD)
    (folder / "demo_classifier.md").write_text(_card(settings, figures, elapsed_s, torch.__version__), encoding="utf-8")
    return figures


def description(size: int, mean: float, std: float) -> dict[str, object]:
    """What stands in the JSON beside the ONNX file: how to feed it, and the names of its outputs."""
    return {
        "task": "classification",
        "file": "demo_classifier.onnx",
        "input": {
            "name": "pixel_values",
            "layout": "NCHW",
            "channels": "RGB",
            "scale": "0..1",
            "mean": [mean] * 3,
            "std": [std] * 3,
            "size_hw": [size, size],
            "batch": "dynamic",
            "resize": {"rule": "shortest_edge", "edge": size, "filter": "bilinear", "then": "center_crop"},
        },
        "outputs": [{"name": "logits", "kind": "logits", "shape": ["batch", len(CLASS_NAMES)]}],
        "labels": list(CLASS_NAMES),
        "license": "Apache-2.0",
    }


def accuracy_curve(onnx_file: Path, scenes: Scenes, mean: float, std: float) -> dict[str, float]:
    """Top-1 in 0..1 on clean scenes and on JPEG (Pillow, 4:2:0) of each of QUALITIES."""
    session = onnxruntime.InferenceSession(str(onnx_file), providers=["CPUExecutionProvider"])
    figures = {"clean": _top1(session, scenes, scenes.images, mean, std)}
    for quality in QUALITIES:
        compressed = np.stack([_through_jpeg(image, quality) for image in scenes.images])
        figures[str(quality)] = _top1(session, scenes, compressed, mean, std)
    return figures


def _through_jpeg(image_hwc: UInt8[np.ndarray, "h w 3"], ijg_quality: int) -> UInt8[np.ndarray, "h w 3"]:
    buffer = io.BytesIO()
    Image.fromarray(image_hwc).save(buffer, "JPEG", quality=ijg_quality, subsampling="4:2:0")
    return np.array(Image.open(buffer))


def _top1(
    session: onnxruntime.InferenceSession, scenes: Scenes, images: UInt8[np.ndarray, "n h w 3"], mean: float, std: float
) -> float:
    right = 0
    for start in range(0, len(images), _BATCH):
        part = images[start : start + _BATCH].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        logits: Float32[np.ndarray, "b k"] = session.run(
            ["logits"], {"pixel_values": (part - np.float32(mean)) / np.float32(std)}
        )[0]
        right += int((logits.argmax(axis=1) == scenes.class_indices[start : start + _BATCH]).sum())
    return right / len(images)


def _card(settings: Settings, figures: dict[str, float], elapsed_s: float, torch_version: str) -> str:
    names = {name: name if name == "clean" else f"JPEG {name}" for name in figures}
    return _CARD.format(
        **asdict(settings),
        n_classes=len(CLASS_NAMES),
        training_seed=TRAINING_SEED,
        evaluation_seed=EVALUATION_SEED,
        hours=elapsed_s / 3600,
        machine=f"{os.cpu_count()} cores, {platform.machine()}",
        torch_version=torch_version,
        rows="\n".join(f"| {names[name]} | {100 * value:.1f} |" for name, value in figures.items()),
    )


_CARD = """# demo_classifier

A small convolutional network that tells {n_classes} classes of synthetic scenes apart (4 shapes x 4 fine textures).
It is there for `unlossy demo` and the tests: trained on clean pictures, small enough to ship. It knows nothing of
photographs.

- **Data**: {n_training} scenes of {size} x {size} px, `render_scene({training_seed}, 0..)`. Augmentation: mirroring and
  crops of up to 12 px. No JPEG.
- **Command**: `python -m unlossy.train.demo_classifier --seed {seed} --steps {steps} --threads {threads}`. The same
  settings, processor, torch and number of threads give the same weights.
- **Cost**: {hours:.2f} hours, rendering and training, on {machine}, torch {torch_version}.
- **Input**: `pixel_values`, RGB, NCHW, any batch; the JSON beside this card says the rest. **Output**: `logits`.
- **Licence**: Apache-2.0, weights and data.

Top-1 in per cent on `synthetic:{n_evaluation},size={size},seed={evaluation_seed}`, which training never saw; JPEG by
Pillow with 4:2:0; measured on the ONNX file:

| input | top-1 |
|---|---|
{rows}
"""


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main(arguments: list[str] | None = None) -> int:
    """The exit code of the command line."""
    parser = argparse.ArgumentParser(prog="python -m unlossy.train.demo_classifier", description=train.__doc__)
    defaults = Settings()
    parser.add_argument("-o", "--output", type=Path, default=Path("demo_classifier"), metavar="DIR")
    for name in ("seed", "steps", "n-training", "n-evaluation", "processes", "threads"):
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name.replace("-", "_")), metavar="N")
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
