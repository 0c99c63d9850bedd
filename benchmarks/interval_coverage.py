"""How often the 95 % interval of a paired difference holds the true one, on draws whose difference is known.

    python benchmarks/interval_coverage.py [--repetitions 1000] [--items 300] [--seed 0]

Right or wrong answers of a model on clean and compressed items, drawn from a stated share of items that are lost and
won by compression (the true difference is won - lost), and a score in 0..1 whose loss follows a beta distribution (its
mean is the true difference). One line per case: the share of repetitions whose interval holds the truth, its own
standard error, and the mean width. Uses the very function that the study uses.
"""

import argparse

import numpy as np

from unlossy.metrics import paired_difference

ANSWERS = [("heavy", 0.53, 0.02), ("moderate", 0.18, 0.03), ("mild", 0.06, 0.02), ("slight", 0.04, 0.02)]
"""Name, share of items lost and won; MobileNetV2 at JPEG 10, 30, 80 and 90 has about these."""


def answers(generator, n_items, lost, won):
    """Clean and compressed answers (1.0 right, 0.0 wrong) of items, and the true mean difference."""
    kind = generator.choice(3, size=n_items, p=[lost, won, 1 - lost - won])
    kept = (generator.random(n_items) < 0.8).astype(float)
    clean = np.where(kind == 0, 1.0, np.where(kind == 1, 0.0, kept))
    compressed = np.where(kind == 0, 0.0, np.where(kind == 1, 1.0, kept))
    return clean, compressed, won - lost


def scores(generator, n_items):
    """A clean and a compressed score in 0..1, the loss skewed as probabilities' losses are, and its true mean."""
    loss = generator.beta(0.4, 1.6, n_items)
    clean = loss + (1 - loss) * generator.random(n_items)
    return clean, clean - loss, -0.2


def coverage(draw, repetitions, seed):
    """The share of repetitions whose interval holds the truth, and the mean width."""
    held, widths = 0, []
    for repetition in range(repetitions):
        clean, compressed, truth = draw(np.random.default_rng((seed, repetition)))
        interval = paired_difference(compressed.tolist(), clean.tolist(), seed)
        held += interval.low <= truth <= interval.high
        widths.append(interval.high - interval.low)
    return held / repetitions, float(np.mean(widths))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--items", type=int, nargs="+", default=[300])
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"{'case':16s} {'items':>6s} {'truth':>7s} {'covered':>8s} {'+-':>6s} {'width':>7s}")
    for n_items in chosen.items:
        cases = [
            (name, won - lost, lambda g, n=n_items, a=lost, b=won: answers(g, n, a, b)) for name, lost, won in ANSWERS
        ]
        cases.append(("p_true", -0.2, lambda g, n=n_items: scores(g, n)))
        for name, truth, draw in cases:
            share, width = coverage(draw, chosen.repetitions, chosen.seed)
            error = (share * (1 - share) / chosen.repetitions) ** 0.5
            print(f"{name:16s} {n_items:6d} {truth:7.3f} {share:8.3f} {error:6.3f} {width:7.3f}", flush=True)


if __name__ == "__main__":
    main()
