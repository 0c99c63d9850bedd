"""Top-1 of a transformers classifier at some JPEG qualities, by Pillow and transformers alone: no unlossy in here.

    python benchmarks/independent_top1.py ../shared/data/models/mobilenet_v2_imagenet ../shared/data/imagenet 10 50 90

The check on `unlossy study`: both must count the same right answers, to within one image.
"""

import csv
import io
import sys
from pathlib import Path

sys.modules["torchvision"] = None  # not needed here, and one that does not fit torch would break the next imports

import torch
from PIL import Image
from transformers.models.mobilenet_v2.image_processing_pil_mobilenet_v2 import MobileNetV2ImageProcessorPil
from transformers.models.mobilenet_v2.modeling_mobilenet_v2 import MobileNetV2ForImageClassification

model_folder, data_folder, *qualities = sys.argv[1:]
model = MobileNetV2ForImageClassification.from_pretrained(model_folder).eval()
processor = MobileNetV2ImageProcessorPil.from_pretrained(model_folder)
labels = list(csv.DictReader((Path(data_folder) / "labels.csv").open()))

for quality in [None, *map(int, qualities)]:
    right = 0
    for row in labels:
        image = Image.open(Path(data_folder) / row["file"]).convert("RGB")
        if quality is not None:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
            image = Image.open(buffer)
        with torch.inference_mode():
            answer = model(**processor(image, return_tensors="pt")).logits.argmax().item()
        right += answer == int(row["class_index"])
    print(f"{'clean' if quality is None else f'jpeg:{quality}'}\t{right}/{len(labels)}\t{right / len(labels):.4f}")
