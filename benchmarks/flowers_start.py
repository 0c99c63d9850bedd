"""What the two flowers benchmarks share: MobileNetV2 made ready for 144 px pictures, and runs by one line each.

MobileNetV2 (ImageNet, `../shared/data/models/mobilenet_v2_imagenet`) keeps its weights; its image processor is set to
the flowers' own size, so that no picture is enlarged, and the dropout before its last layer from 0.8 to 0.2.
"""

import json
import shutil
import time
from pathlib import Path

from unlossy.train.finetune import train_finetune
from unlossy.train.finetune_draw import each_alike
from unlossy.train.finetune_pictures import Sources
from unlossy.train.finetune_settings import FinetuneSettings

SIDE_PX = 144
BATCH = 16
CLEAN_STEPS = 200
CLEAN_RATE = 3e-4


def start_model(data: Path, work: Path) -> str:
    """The SPEC of the ImageNet network, set to the flowers' size."""
    folder = work / "start"
    if not folder.exists():
        partial = folder.with_suffix(".part")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(data / "models" / "mobilenet_v2_imagenet", partial)
        size = {"size": {"shortest_edge": SIDE_PX}, "crop_size": {"height": SIDE_PX, "width": SIDE_PX}}
        _change(partial / "preprocessor_config.json", size)
        _change(partial / "config.json", {"classifier_dropout_prob": 0.2})
        partial.rename(folder)
    return f"hf:{folder}"


def _change(path: Path, values: dict) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values, indent=1))


def flowers(data: Path, model: str, **rest) -> Sources:
    return Sources(model, str(data / "flowers" / "train"), batch_size=BATCH, **rest)


def finetuned(name: str, work: Path, settings: FinetuneSettings):
    """How the run of that name stands; a finished one is not done again."""
    begun = time.monotonic()
    result = train_finetune(settings, work / name)
    shown = "" if result.measures is None else ", ".join(f"{k} {v:.3f}" for k, v in result.measures.items())
    print(f"{name}: {result.step} steps, {time.monotonic() - begun:.0f} s; held out: {shown}", flush=True)
    return result


def clean_classifier(data: Path, work: Path, steps: int = CLEAN_STEPS) -> str:
    """The SPEC of the classifier of five flowers, trained on clean pictures."""
    settings = FinetuneSettings(
        flowers(data, start_model(data, work), new_head=True),
        each_alike(["jpeg:10"], clean_share=1.0),
        steps=steps,
        optimizer="adamw",
        lr=CLEAN_RATE,
    )
    return finetuned("clean", work, settings).model
