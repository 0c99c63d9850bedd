"""Peak memory of correcting one large picture, in a process of its own: what it takes besides the picture itself.

    python benchmarks/corrector_memory.py CORRECTOR [--megapixels 100] [--twice]

The picture is a smooth ramp with noise, as a 4:2:0 JPEG of quality 60 read from memory; `--twice` makes it one that
was compressed before on another grid, so that it passes the network twice. The peak is the process's resident memory
(Linux).
"""

import argparse
import resource
import time

import numpy as np

from restoration import jpeg_bytes
from unlossy.codecs import decode_hinted
from unlossy.correctors.registry import Choices, open_corrector


def noisy_ramp(height, width):
    rng = np.random.default_rng(0)
    image = np.empty((height, width, 3), np.uint8)
    for y in range(height):
        image[y] = rng.integers(0, 24, (width, 3)) + (y // 64 + np.arange(width)[:, None] // 64) % 200
    return image


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("corrector")
    options.add_argument("--megapixels", type=float, default=100)
    options.add_argument("--twice", action="store_true")
    options.add_argument("--threads", type=int, default=2)
    chosen = options.parse_args()
    side = int((chosen.megapixels * 1e6) ** 0.5)
    image = noisy_ramp(side, side)
    if chosen.twice:
        image = np.ascontiguousarray(decode_hinted(jpeg_bytes(image, 10)).pixels_hwc[4:, 4:])
    data = jpeg_bytes(image, 60)
    del image
    corrector = open_corrector(chosen.corrector, Choices(threads=chosen.threads))
    print(f"{side} x {side}: {peak_bytes() / 1e9:.2f} GB at most before (making the picture)", flush=True)
    start = time.perf_counter()
    (output,) = corrector.correct([decode_hinted(data)])
    elapsed_s = time.perf_counter() - start
    print(f"{peak_bytes() / 1e9:.2f} GB at most, {output.size / 3e6 / elapsed_s:.2f} megapixels a second")


if __name__ == "__main__":
    main()
