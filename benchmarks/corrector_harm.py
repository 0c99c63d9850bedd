"""Does a corrector ever harm? Its gain over what it was given, mean and worst picture, where others were seen to lose.

    python benchmarks/corrector_harm.py small base [--limit N] [--only tables hidden double grain lossless projection]

    tables      LIVE1 as 4:2:0 JPEGs at Q 5..100
    hidden      the same pixels without their tables, on the grid and cut off it by (3, 5); the share touched
    double      Q10, shifted by (4, 4), Q50: guided by the second tables alone
    grain       LIVE1 with noise of three kinds before compression, Q 50..98
    lossless    LIVE1 itself, and with noise: PSNR to itself of what is touched
    projection  share of luma coefficients that stay when the output is compressed again with the same tables: of all,
                and of those that are not 0

PSNR is of 8-bit RGB, the mean over pictures; `worst` is the smallest gain of one picture, and whose.
"""

import numpy as np

from restoration import as_jpeg, opened, options, pictures
from unlossy.core.types import Decoded
from unlossy.correctors.colour import ycc_of
from unlossy.correctors.guards import Hidden
from unlossy.correctors.projection import coefficients
from unlossy.metrics import psnr_db

QUALITIES = [*range(5, 100, 5), 98, 100]


def report(label, gains, before, extra=""):
    worst = min(gains, key=gains.get)
    mean = np.mean(list(gains.values()))
    print(
        f"{label:28s} {before:7.2f} {before + mean:7.2f} {mean:+7.3f}   {gains[worst]:+7.3f} {worst} {extra}",
        flush=True,
    )


def measured(label, corrector, pairs):
    """`pairs`: name -> (Decoded, reference); prints one line."""
    gains, before, touched = {}, [], []
    for name, (decoded, reference) in pairs:
        before.append(psnr_db(decoded.pixels_hwc, reference))
        touched.append(corrector.touches(decoded))
        gains[name] = psnr_db(corrector.correct([decoded])[0], reference) - before[-1] if touched[-1] else 0.0
    report(label, gains, np.mean(before), f"share {np.mean(touched):.2f}")


def tables(spec, chosen, sets):
    corrector = opened(spec, chosen)
    for quality in chosen.qualities:
        measured(f"{spec} Q{quality}", corrector, ((n, (as_jpeg(x, quality), x)) for n, x in sets()))


def hidden(spec, chosen, sets):
    told, untold = opened(spec, chosen), opened(spec, chosen, hidden=Hidden.AUTO)
    for quality in (10, 20, 30, 40, 75, 90, 95):
        jpegs = {n: (as_jpeg(x, quality), x) for n, x in sets()}
        measured(f"{spec} Q{quality} tables", told, jpegs.items())
        bare = {n: (Decoded(d.pixels_hwc), x) for n, (d, x) in jpegs.items()}
        measured(f"{spec} Q{quality} no tables", untold, bare.items())
        cut = {n: (Decoded(np.ascontiguousarray(d.pixels_hwc[3:, 5:])), x[3:, 5:]) for n, (d, x) in jpegs.items()}
        measured(f"{spec} Q{quality} no tables, off grid", untold, cut.items())


def double(spec, chosen, sets):
    corrector = opened(spec, chosen)
    for first, second in ((10, 50), (10, 75), (50, 75), (75, 90)):
        pairs = ((n, (as_jpeg(as_jpeg(x, first).pixels_hwc[4:, 4:], second), x[4:, 4:])) for n, x in sets())
        measured(f"{spec} Q{first} shifted Q{second}", corrector, pairs)


def grainy(image, kind, seed):
    """The picture with noise: fine and coloured, grain (luma, soft, stronger in the mid tones), or salt and pepper."""
    rng = np.random.default_rng(seed)
    if kind == "fine":
        noise = rng.normal(0, 8, image.shape)
    elif kind == "grain":
        plane = rng.normal(0, 1, image.shape[:2])
        soft = (plane + np.roll(plane, 1, 0) + np.roll(plane, 1, 1) + np.roll(plane, (1, 1), (0, 1))) / 2
        tone = image.mean(axis=2) / 255.0
        noise = (12.0 * 4 * tone * (1 - tone) * soft)[:, :, None]
    else:
        noise = np.where(rng.random(image.shape[:2]) < 0.02, rng.choice([-255.0, 255.0], image.shape[:2]), 0)[
            :, :, None
        ]
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def grain(spec, chosen, sets):
    corrector = opened(spec, chosen)
    for kind in ("fine", "grain", "specks"):
        noisy = {name: grainy(image, kind, seed) for seed, (name, image) in enumerate(sets())}
        for quality in (50, 75, 90, 95, 98):
            pairs = ((name, (as_jpeg(image, quality), image)) for name, image in noisy.items())
            measured(f"{spec} {kind} Q{quality}", corrector, pairs)


def lossless(spec, chosen, sets):
    for kind in ("as it is", "fine", "grain", "specks"):
        for how in (Hidden.AUTO, Hidden.ALWAYS):
            corrector, to_itself = opened(spec, chosen, hidden=how), {}
            for seed, (name, image) in enumerate(sets()):
                picture = Decoded(image if kind == "as it is" else grainy(image, kind, seed))
                if corrector.touches(picture):
                    to_itself[name] = psnr_db(corrector.correct([picture])[0], picture.pixels_hwc)
            worst = f"lowest {min(to_itself.values()):.2f} dB to itself" if to_itself else ""
            print(f"{spec} lossless {kind:8s} hidden={how.value:6s} touched {len(to_itself)} {worst}", flush=True)


def projection(spec, chosen, sets):
    corrector = opened(spec, chosen)
    for quality in (10, 30, 50, 75, 90, 95):
        same, same_filled = [], []
        for _, image in sets():
            decoded = as_jpeg(image, quality)
            levels = levels_of(decoded.pixels_hwc, decoded.hints)
            again = as_jpeg(corrector.correct([decoded])[0], quality)
            kept = levels_of(again.pixels_hwc, again.hints) == levels
            same.append(kept.mean())
            same_filled.append(kept[levels != 0].mean())
        print(f"{spec} Q{quality} same {np.mean(same):.5f}, of those not 0 {np.mean(same_filled):.5f}", flush=True)


def levels_of(image, hints):
    height, width = (side // 8 * 8 for side in image.shape[:2])
    return np.rint(coefficients(ycc_of(image[:height, :width])[0]) / hints.table_luma.astype(np.float32))


PARTS = {
    "tables": tables,
    "hidden": hidden,
    "double": double,
    "grain": grain,
    "lossless": lossless,
    "projection": projection,
}


def main():
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), default=list(PARTS))
    parser.add_argument("--set", default="LIVE1")
    parser.add_argument("--qualities", type=int, nargs="+", default=QUALITIES, help="of the part `tables`")
    chosen = parser.parse_args()
    print(f"{'':28s} {'before':>7s} {'after':>7s} {'gain':>7s}   {'worst':>7s}")
    for part in chosen.only:
        for spec in chosen.correctors:
            print(f"-- {part}")
            PARTS[part](spec, chosen, lambda: pictures(chosen, chosen.set))


if __name__ == "__main__":
    main()
