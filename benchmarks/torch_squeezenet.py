"""SqueezeNet as a torch network, for aiming at it: its weights beside a JSON that says how to feed them.

    python benchmarks/torch_squeezenet.py FOLDER

Prints the model's SPEC. The ONNX file of these weights cannot be made a torch network; the safetensors can, and want
BGR, 0..255, less the mean. Both give the same answers (the mean probability of the true class is compared below).
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

from unlossy.codecs import decode_source
from unlossy.core.pixels import as_rgb
from unlossy.datasets import open_dataset
from unlossy.tasks.registry import load_task

DATA = Path("../shared/data")
ONNX = DATA / "models" / "squeezenet1_1_imagenet.onnx"
N_COMPARED = 16


def torch_squeezenet(folder: Path) -> str:
    """The SPEC of the network whose weights and JSON are now in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "squeezenet1_1.safetensors"
    shutil.copyfile(ONNX.with_suffix(".safetensors"), weights)
    facts = json.loads(ONNX.with_suffix(".json").read_text("utf-8"))
    fed = facts["input"] | {"channels": "BGR", "scale": "0..255", "mean": [104, 117, 123], "std": [1, 1, 1]}
    told = facts | {"file": weights.name, "input": fed}
    weights.with_suffix(".json").write_text(json.dumps(told), "utf-8")
    return f"torchvision:squeezenet1_1@{weights}"


def main() -> None:
    spec = torch_squeezenet(Path(sys.argv[1]))
    tasks = [load_task("classification", one) for one in (spec, f"onnx:{ONNX}")]
    items = [item for item, _ in zip(open_dataset(str(DATA / "imagenet")), range(N_COMPARED), strict=False)]
    pictures = [as_rgb(decode_source(item.blob.all())) for item in items]
    answers = [task.predict([task.prepare(picture) for picture in pictures]) for task in tasks]
    apart = max(float(np.abs(a.probabilities - b.probabilities).max()) for a, b in zip(*answers, strict=True))
    print(f"largest difference of a probability to the ONNX file's, {len(items)} pictures: {apart:.1e}")
    print(spec)


if __name__ == "__main__":
    main()
