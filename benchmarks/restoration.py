"""The restoration test sets, and what the corrector benchmarks do to their pictures."""

import argparse
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from unlossy.codecs import decode_hinted
from unlossy.correctors.registry import Choices, open_corrector

SUFFIXES = {".webp", ".png", ".bmp"}


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("correctors", nargs="*", metavar="CORRECTOR", help="small, base, a weights file, ...")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/restoration/test"))
    parser.add_argument("--limit", type=int, help="take the first N pictures of each set")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def opened(spec, chosen, **how):
    return open_corrector(spec, Choices(threads=chosen.threads, **how))


def pictures(chosen, name):
    """(name, RGB picture) of a set, in the order of names."""
    files = sorted(file for file in (chosen.data / name).iterdir() if file.suffix in SUFFIXES)
    for file in files[: chosen.limit]:
        with Image.open(file) as image:
            yield file.stem, np.asarray(image.convert("RGB"))


def jpeg_bytes(image_hwc, quality, subsampling="4:2:0"):
    """A JPEG by Pillow; one channel makes a grey one."""
    image = Image.fromarray(image_hwc[:, :, 0] if image_hwc.shape[2] == 1 else image_hwc)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def as_jpeg(image_hwc, quality, subsampling="4:2:0"):
    """The picture as decoded from a JPEG, with its tables."""
    return decode_hinted(jpeg_bytes(image_hwc, quality, subsampling))


def matlab_luma(image_hwc):
    """Y of 16..235 (ITU-R BT.601), rounded: what the literature calls the grey version of a colour picture."""
    y = 16.0 + image_hwc.astype(float) @ np.array([65.481, 128.553, 24.966]) / 255.0
    return np.rint(y).astype(np.uint8)[:, :, None]
