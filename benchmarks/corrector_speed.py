"""How fast: base and small against FBCNN in torch at 512 x 512, and small in ONNX Runtime at 4000 x 3000.

    python benchmarks/corrector_speed.py [--rounds 5] [--threads 2] [--megapixels 12] [--device cpu]

The networks take turns in one process, in float32, with the same number of threads; the ratio is of the medians. FBCNN
(72 M parameters) is built by spandrel with random weights: time does not depend on them. At 4000 x 3000 the whole
corrector is timed (routing, tiles, network, projection, rounding), and beside it a plain decode of the same JPEG.
"""

import argparse
import statistics
import time

import numpy as np
import torch

from restoration import jpeg_bytes
from unlossy.codecs import decode_hinted, decode_source
from unlossy.correctors.base import Condition
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.tasks.models.torchvision_compat import ensure_torchvision

SIDE = 512


def fbcnn(device):
    ensure_torchvision()
    from spandrel.architectures.FBCNN import FBCNN

    network = FBCNN(in_nc=3, out_nc=3).eval().to(device)
    picture = torch.rand(1, 3, SIDE, SIDE, device=device)

    def run():
        with torch.inference_mode():
            network(picture)

    return run


def ours(name, choices):
    network = open_corrector(name, choices).network
    hints = decode_hinted(jpeg_bytes(np.zeros((16, 16, 3), np.uint8), 30)).hints
    ycc, condition = np.random.default_rng(0).random((1, 3, SIDE, SIDE), np.float32), Condition.of([hints])
    return lambda: network.run(ycc, condition)


def timed(runs, rounds, device):
    """Seconds of each run, the median of rounds in which all take turns; the first round does not count."""
    taken = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if device != "cpu":
                torch.cuda.synchronize()
            if number:
                taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in taken.items()}


def networks(chosen):
    in_torch = Choices("torch", threads=chosen.threads, device=chosen.device)
    runs = {"FBCNN": fbcnn(chosen.device)} | {name: ours(name, in_torch) for name in ("base", "small")}
    if chosen.device == "cpu":
        runs |= {f"{name} (ONNX Runtime)": ours(name, Choices(threads=chosen.threads)) for name in ("base", "small")}
    seconds = timed(runs, chosen.rounds, chosen.device)
    for name, value in seconds.items():
        ratio = seconds["FBCNN"] / value
        print(f"{name:22s} {value * 1e3:9.1f} ms  {SIDE**2 / 1e6 / value:7.3f} MP/s  {ratio:6.1f} x FBCNN")


def whole(chosen):
    height = int((chosen.megapixels * 1e6 * 3 / 4) ** 0.5)
    width = height * 4 // 3
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    ramp = ((x // 3 + y // 5) % 200)[:, :, None] + rng.integers(0, 24, (height, width, 3))
    data = jpeg_bytes(ramp.astype(np.uint8), 50)
    corrector, decoded = open_corrector("small", Choices(threads=chosen.threads)), decode_hinted(data)
    seconds = timed(
        {"decode": lambda: decode_source(data), "small": lambda: corrector.correct([decoded])}, chosen.rounds, "cpu"
    )
    speed = {name: decoded.pixels_hwc.size / 3e6 / value for name, value in seconds.items()}
    share = speed["small"] / speed["decode"]
    print(
        f"{width} x {height}: small {speed['small']:.2f} MP/s, decoding {speed['decode']:.1f} MP/s, share {share:.4f}"
    )


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--megapixels", type=float, default=12)
    options.add_argument("--device", default="cpu")
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    networks(chosen)
    whole(chosen)


if __name__ == "__main__":
    main()
