"""What each residual block of a network of ours is worth: PSNR lost on LIVE1 where it is left out, and what it costs.

    python benchmarks/corrector_blocks.py base [--limit 8] [--qualities 10 30]

Central 256 x 256 of each picture, RGB, JPEG 4:2:0, the network alone (torch, no guards). Blocks that are worth little
for what they cost are where a network of the same speed can be made better (docs/decisions.md).
"""

import numpy as np
import torch

from restoration import options, pictures
from unlossy.correctors.nets.sizes import load_network, multiply_adds_per_pixel
from unlossy.correctors.registry import weights_of
from unlossy.train.degrade import through_jpeg
from unlossy.train.losses import psnr_db
from unlossy.train.reshape import LEVELS, each_left_out
from unlossy.train.tables import libjpeg_tables
from unlossy.train.validation import as_rgb, corrected

SIDE = 256
CPU = torch.device("cpu")


def central(image):
    top, left = ((length - SIDE) // 2 for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + SIDE, left : left + SIDE])


def means(network, references, qualities):
    """Mean PSNR at each quality."""
    scores = []
    for quality in qualities:
        files = [(image, *through_jpeg(image, libjpeg_tables(quality), "4:2:0")) for image in references]
        pairs = [(corrected(network, jpeg, compression, CPU), as_rgb(image, CPU)) for image, jpeg, compression in files]
        scores.append(np.mean([float(psnr_db(output, reference)) for output, reference in pairs]))
    return np.array(scores)


def main():
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--qualities", type=int, nargs="+", default=[10, 30])
    chosen = parser.parse_args()
    references = [central(image) for _, image in pictures(chosen, "LIVE1")]
    for spec in chosen.correctors:
        network = load_network(weights_of(spec))
        whole, work = means(network, references, chosen.qualities), multiply_adds_per_pixel(network)
        print(
            f"{spec}: {' / '.join(f'{db:.2f}' for db in whole)} dB at Q{chosen.qualities}, {work / 1e3:.1f} k a pixel"
        )
        print("| left out | multiply-adds a pixel, k | parameters, k | dB |\n|---|---|---|---|")
        for name in LEVELS:
            blocks = list(getattr(network, name))
            for place in each_left_out(network, name):
                lost = " / ".join(f"{db:+.3f}" for db in means(network, references, chosen.qualities) - whole)
                saved = (work - multiply_adds_per_pixel(network)) / 1e3
                count = sum(weights.numel() for weights in blocks[place].parameters()) / 1e3
                print(f"| {name} {place} | {saved:.1f} | {count:.0f} | {lost} |", flush=True)


if __name__ == "__main__":
    main()
