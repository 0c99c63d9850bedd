"""Two trained models on photographs, from the developers' data set beside the checkout."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unlossy.core.types import ClassTarget
from unlossy.tasks.registry import load_task

DATA = Path(os.environ.get("UNLOSSY_DATA", Path(__file__).parents[3] / "shared" / "data"))

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not (DATA / "models").is_dir(), reason="wants the developers' data set (UNLOSSY_DATA)"),
]


def photographs(step):
    with (DATA / "imagenet" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))[::step]
    images = (Image.open(DATA / "imagenet" / row["file"]).convert("RGB") for row in rows)
    return [(image, ClassTarget(int(row["class_index"]))) for image, row in zip(images, rows, strict=True)]


def test_squeezenet_scores_what_the_data_set_says():
    """The figures are those of the data set's README, measured by its maker's own script."""
    task = load_task("classification", f"onnx:{DATA}/models/squeezenet1_1_imagenet.onnx", threads=1)
    pictures = photographs(step=1)
    answers = []
    for start in range(0, len(pictures), 30):
        answers += task.predict([task.prepare(np.asarray(image)) for image, _ in pictures[start : start + 30]])
    scores = [task.yardstick.score(answer, target) for answer, (_, target) in zip(answers, pictures, strict=True)]
    summary = task.yardstick.summarise(scores)
    assert (round(100 * summary["top1"], 1), round(100 * summary["top5"], 1)) == (64.7, 85.7)


def test_mobilenet_answers_as_in_transformers():
    import torch
    import transformers

    folder = DATA / "models" / "mobilenet_v2_imagenet"
    task = load_task("classification", f"hf:{folder}", threads=1)
    network = transformers.MobileNetV2ForImageClassification.from_pretrained(folder).eval()
    processor = transformers.MobileNetV2ImageProcessorPil.from_pretrained(folder)
    images = [image for image, _ in photographs(step=25)]
    with torch.no_grad():
        expected = network(**processor(images=images, return_tensors="pt")).logits.softmax(-1).numpy()
    answers = task.predict([task.prepare(np.asarray(image)) for image in images])
    np.testing.assert_allclose([answer.probabilities for answer in answers], expected, atol=1e-5)
