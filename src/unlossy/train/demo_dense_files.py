"""What stands beside the demo's ONNX graphs of detection and segmentation: the JSON that feeds them, and the card."""

import os
import platform
from dataclasses import asdict, dataclass
from typing import Any, Final

from unlossy.core.tools import version_of
from unlossy.datasets.scenes.labels import OBJECT_CATEGORIES, PIXEL_CATEGORIES
from unlossy.train.demo_classifier import EVALUATION_SEED, TRAINING_SEED

STRIDE, REG_MAX = 8, 7
"""Of the detector: pixels between two cells, and the greatest distance from a cell to a box's side, in strides."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training is made of; the defaults are those of the shipped files."""

    steps: int
    seed: int = 0
    n_training: int = 4000
    n_evaluation: int = 200
    size: int = 128
    processes: int = 1
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two: its task, the name of its files, the graph's outputs, the card's figures and words."""

    task: str
    name: str
    outputs: tuple[str, ...]
    figures: tuple[str, ...]
    settings: Settings
    what: str


KINDS: Final = {
    "detection": Kind(
        "detection",
        "demo_detector",
        ("scores", "sides"),
        ("ap", "ap50"),
        Settings(steps=3000),
        "A small anchor-free detector (one stride, NanoDet's outputs) that finds {n} classes of things in synthetic\n"
        "scenes (4 shapes x 4 fine textures). Loss: NanoDet's.",
    ),
    "segmentation": Kind(
        "semantic_segmentation",
        "demo_segmenter",
        ("logits",),
        ("miou",),
        Settings(steps=2200),
        "A small convolutional network that gives each pixel of a synthetic scene one of {n} classes (4 shapes x 4\n"
        "fine textures) or the background, at a quarter of the size. Loss: cross-entropy.",
    ),
}

Curve = dict[str, dict[str, float | None]]
"""The figures by condition: "clean", "jpeg:90" .. "jpeg:10"."""


def description(kind: Kind, size: int) -> dict[str, Any]:
    """What stands in the JSON beside the ONNX file: how to feed it, and how to read its outputs; needs torch."""
    from unlossy.train.demo_network import MEAN, STD

    image = {
        "name": "pixel_values",
        "layout": "NCHW",
        "channels": "RGB",
        "scale": "0..1",
        "mean": [MEAN] * 3,
        "std": [STD] * 3,
        "size_hw": [size, size],
        "batch": "dynamic",
        "resize": {"rule": "stretch", "filter": "bilinear"},
    }
    head = {"task": kind.task, "file": f"{kind.name}.onnx", "input": image}
    return head | (_detector_outputs(size) if kind.task == "detection" else _segmenter_outputs(size))


def _detector_outputs(size: int) -> dict[str, Any]:
    n_cells, n_classes = (size // STRIDE) ** 2, len(OBJECT_CATEGORIES)
    return {
        "outputs": [
            {"name": "scores", "kind": "class_scores", "shape": ["batch", n_cells, n_classes], "stride": STRIDE},
            {
                "name": "sides",
                "kind": "box_distribution",
                "shape": ["batch", n_cells, 4 * (REG_MAX + 1)],
                "stride": STRIDE,
            },
        ],
        "decoder": {
            "name": "nanodet",
            "strides": [STRIDE],
            "reg_max": REG_MAX,
            "score_threshold": 0.05,
            "nms_iou": 0.6,
            "nms": "per class",
            "max_detections": 100,
        },
        "labels": list(OBJECT_CATEGORIES.values()),
        "category_ids": list(OBJECT_CATEGORIES),
        "license": "Apache-2.0",
    }


def _segmenter_outputs(size: int) -> dict[str, Any]:
    shape = ["batch", len(PIXEL_CATEGORIES), size // 4, size // 4]
    return {
        "outputs": [{"name": "logits", "kind": "class_logits", "shape": shape}],
        "labels": list(PIXEL_CATEGORIES.values()),
        "category_ids": list(PIXEL_CATEGORIES),
        "license": "Apache-2.0",
    }


def card(kind: Kind, settings: Settings, figures: Curve, elapsed_s: float) -> str:
    """The card of a trained file, in Markdown."""
    lines = []
    for condition, values in figures.items():
        name = condition.replace("jpeg:", "JPEG ")
        numbers = ("" if value is None else f"{100 * value:.1f}" for value in values.values())
        lines.append(f"| {' | '.join((name, *numbers))} |")
    return _CARD.format(
        **asdict(settings),
        name=kind.name,
        kind=next(key for key, value in KINDS.items() if value == kind),
        what=kind.what.format(n=len(OBJECT_CATEGORIES)),
        training_seed=TRAINING_SEED,
        evaluation_seed=EVALUATION_SEED,
        minutes=elapsed_s / 60,
        machine=f"{os.cpu_count()} cores, {platform.machine()}",
        torch_version=version_of("torch"),
        names=" | ".join(kind.figures),
        rule="|---" * (1 + len(kind.figures)) + "|",
        rows="\n".join(lines),
    )


_CARD = """# {name}

{what}
It is there for `unlossy demo` and the tests: trained on clean pictures, small enough to ship. It knows nothing of
photographs.

- **Data**: {n_training} scenes of {size} x {size} px with one to four subjects, seed {training_seed}. Augmentation:
  mirroring. No JPEG.
- **Command**: `python -m unlossy.train.demo_dense {kind} --seed {seed} --steps {steps} --threads {threads}`. The same
  settings, processor, torch and number of threads give the same weights.
- **Cost**: {minutes:.0f} processor minutes, rendering and training, on {machine}, torch {torch_version}.
- **Input**: `pixel_values`, RGB, NCHW, any batch; the JSON beside this card says the rest, and how to read the output.
- **Licence**: Apache-2.0, weights and data.

In per cent on `synthetic:{n_evaluation},size={size},seed={evaluation_seed}`, which training never saw; JPEG by Pillow
with 4:2:0; measured on the ONNX file:

| input | {names} |
{rule}
{rows}
"""
