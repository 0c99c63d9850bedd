"""A trained model on photographs, from the developers' data set beside the checkout."""

import os
from itertools import islice
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from unlossy.codecs import decode_source
from unlossy.datasets import open_dataset
from unlossy.datasets.base import categories_of
from unlossy.tasks.registry import load_task

DATA = Path(os.environ.get("UNLOSSY_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "models").is_dir(), reason="wants the developers' data set (UNLOSSY_DATA)")
def test_deeplab_answers_as_its_own_library_does():
    """The classes are those of transformers and torch; that the whole set gives 0.433 takes a minute, see the study."""
    import transformers

    folder = DATA / "models" / "deeplabv3_mnv2_voc"
    dataset = open_dataset(str(DATA / "coco" / "val"), targets="label_map")
    categories = categories_of(dataset)
    task = load_task("semantic_segmentation", f"hf:{folder}", categories=categories, threads=1)
    network = transformers.AutoModelForSemanticSegmentation.from_pretrained(folder).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    for item in islice(dataset, 1):
        picture = decode_source(item.blob.all())
        (answer,) = task.predict([task.prepare(picture)])
        with torch.inference_mode():
            values = network(**processor(images=picture, return_tensors="pt")).logits
            numbers = F.interpolate(values, picture.shape[:2], mode="bilinear", align_corners=True)[0].argmax(dim=0)
        voc = [network.config.id2label[number] for number in range(21)]
        found = answer.class_ids[::7, ::7]
        names = [[voc[number] for number in row] for row in numbers.numpy()[::7, ::7]]
        same = {"tvmonitor": "tv", "motorbike": "motorcycle", "aeroplane": "airplane", "sofa": "couch"}
        same |= {"diningtable": "dining table", "pottedplant": "potted plant"}
        agree = [
            task.classes[int(number)] == same.get(name, name)
            for row, names_row in zip(found, names, strict=True)
            for number, name in zip(row, names_row, strict=True)
        ]
        assert sum(agree) > 0.999 * len(agree)
        assert task.yardstick.score(answer, item.target).values["item_miou"] > 0.4
