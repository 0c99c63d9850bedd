"""Labelled pictures that can be told apart by colour, in a folder per class; a run of few steps on them."""

import numpy as np
from PIL import Image

from unlossy.train.finetune_draw import each_alike
from unlossy.train.finetune_pictures import Sources
from unlossy.train.finetune_settings import FinetuneSettings

COLOURS = {"blue": (50, 60, 190), "green": (50, 180, 70), "red": (200, 60, 50)}


def colours(root, n=12, size_wh=(48, 40), colours=COLOURS):
    """`n` noisy pictures of each colour under `root`, as PNG."""
    for index, (name, colour) in enumerate(colours.items()):
        (root / name).mkdir(parents=True)
        for number in range(n):
            rng = np.random.default_rng((index, number))
            noise = rng.integers(-40, 41, (size_wh[1], size_wh[0], 3))
            picture = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(root / name / f"{number:02}.png")
    return root


def asked(model, data, *, batch=6, new_head=True, validation=None, held_out=0.2, **rest):
    """Settings of a short run: six steps, in this process."""
    sources = Sources(model, str(data), validation and str(validation), held_out, new_head, batch)
    given = {"compressions": each_alike(["jpeg:20"], 0.25), "steps": 6, "workers": 0, "evaluate_every": 3, **rest}
    return FinetuneSettings(sources, **given)
