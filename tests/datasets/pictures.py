"""Small image files for the tests of sources, each with bytes of its own."""

import io

import numpy as np
from PIL import Image


def picture(seed: int, kind: str = "JPEG", size: tuple[int, int] = (24, 16)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **({"quality": 30 + seed % 60} if kind == "JPEG" else {}))
    return buffer.getvalue()
