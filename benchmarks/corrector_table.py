"""One table of what correctors win: PSNR, SSIM with both windows and PSNR-B, on LIVE1 in colour and grey, and Classic5.

    python benchmarks/corrector_table.py quantsmooth dncnn3@FILE small base [--limit N] [--qualities 10 20] [--hidden]

A row per corrector and quality, the JPEG itself first; figures are means over pictures of 8-bit results, a Markdown
table. Colour is RGB, 4:2:0 by Pillow. Grey is what the literature takes: Y of 16..235 of the colour pictures,
rounded, as a grey JPEG. quantsmooth gets the files themselves, the others pixels and tables; `--hidden` keeps the
tables from them.
"""

import numpy as np

from restoration import jpeg_bytes, matlab_luma, opened, options, pictures
from unlossy.codecs import decode_hinted
from unlossy.core.types import Decoded
from unlossy.correctors.guards import Hidden
from unlossy.correctors.quantsmooth import QuantSmooth
from unlossy.metrics import psnr_db, psnrb_db, ssim_gaussian_11, ssim_uniform_8

METRICS = {"PSNR": psnr_db, "SSIM gaussian 11": ssim_gaussian_11, "SSIM uniform 8": ssim_uniform_8, "PSNR-B": psnrb_db}
SETS = {
    "LIVE1 colour": ("LIVE1", lambda image: image),
    "LIVE1 grey": ("LIVE1", matlab_luma),
    "Classic5": ("Classic5", lambda image: image[:, :, :1]),
}


def corrected(corrector, data, hidden):
    decoded = decode_hinted(data)
    if corrector is None:
        return decoded.pixels_hwc
    if isinstance(corrector, QuantSmooth):
        return corrector.correct_file(data)
    return corrector.correct([Decoded(decoded.pixels_hwc) if hidden else decoded])[0]


def row(name, set_name, quality, scores):
    means = [np.mean(scores[metric]) for metric in METRICS]
    figures = " | ".join(f"{mean:.3f}" if abs(mean) < 1.5 else f"{mean:.2f}" for mean in means)
    print(f"| {set_name} | {quality} | {name} | {figures} |", flush=True)


def main():
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--qualities", type=int, nargs="+", default=[10, 20, 30, 40, 80, 90])
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=list(SETS))
    parser.add_argument("--hidden", action="store_true")
    chosen = parser.parse_args()
    how = {"hidden": Hidden.ALWAYS} if chosen.hidden else {}
    correctors = {"JPEG": None} | {spec: opened(spec, chosen, **how) for spec in chosen.correctors}
    print(f"| pictures | Q | corrector | {' | '.join(METRICS)} |\n|---|---|---|{'---|' * len(METRICS)}")
    for set_name in chosen.sets:
        folder, prepare = SETS[set_name]
        references = [np.ascontiguousarray(prepare(image)) for _, image in pictures(chosen, folder)]
        for quality in chosen.qualities:
            files = [jpeg_bytes(reference, quality) for reference in references]
            for name, corrector in correctors.items():
                scores = {metric: [] for metric in METRICS}
                for data, reference in zip(files, references, strict=True):
                    output = corrected(corrector, data, chosen.hidden)
                    for metric, score in METRICS.items():
                        scores[metric].append(score(output, reference))
                row(name.split("@")[0], set_name, quality, scores)


if __name__ == "__main__":
    main()
