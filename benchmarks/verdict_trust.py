"""How far a verdict can be trusted: false claims where nothing is planted, and planted blocks found and rightly named.

    python benchmarks/verdict_trust.py [--seeds 200] [--planted 50] [--images 600] [--folder DIR]

Header rows are real: small JPEGs, PNGs and WebPs are made in memory by Pillow (and by mozjpeg where jpeglib is
installed), audited, and dealt to classes, splits and folders by a seeded draw. Nothing planted: the dealing has nothing
to do with the rows, whatever their mixture; each line counts the datasets where a rogue block or a leak is claimed, and
gives the Wilson interval at 95 %. Planted: `30 at Q12` puts 15 images of quality 12 into each of two classes; `other
encoder` remakes one class at the same quality. Rightly named is: one block and no other, its groups and the number of
its images exact, its traits those that were planted. With --folder the rows of a real folder are dealt too.
"""

import argparse
import io
import itertools
import time
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pyarrow as pa
from PIL import Image

from unlossy.audit.options import ScanOptions
from unlossy.audit.scan import scan_batches
from unlossy.audit.verdict import judge
from unlossy.core.blobs import BytesBlob
from unlossy.core.types import Item

ALL, WEB = tuple(range(20, 97)), (60, 70, 75, 75, 75, 80, 80, 85, 85, 90, 90, 92, 95)
PILLOW = ("libjpeg", {})


@dataclass(frozen=True)
class Pool:
    """Audited rows, and the positions of those that were made in one way: ("jpeg", 75) or ("mozjpeg", 75)."""

    rows: pa.Table
    at: dict

    def draw(self, generator, ways, n):
        """Positions of n rows, each made in one of these ways."""
        return np.array([self.at[ways[i]] for i in generator.integers(len(ways), size=n)])


def pictures():
    """Name of the way, quality and bytes, for every way there is here."""
    noise = np.random.default_rng(0).normal(0, 20, (48, 48, 3))
    ramp = np.linspace(40, 200, 48)[None, :, None]
    image = Image.fromarray(np.clip(ramp + noise, 0, 255).astype(np.uint8))
    robidoux = [16, 16, 17, 18, 25, 37, 56, 85] * 8
    ways = {
        "jpeg": {},
        "444": {"subsampling": 0},
        "progressive": {"progressive": True},
        "grey": {},
        "webp": {},
    }
    for name, options in ways.items():
        for quality in (*ALL, 10, 11, 12, 13, 97, 98):
            yield name, quality, saved(image.convert("L" if name == "grey" else "RGB"), name, quality, options)
    yield "png", 0, saved(image, "png", None, {})
    for quality in ALL:
        scale = 50 / quality if quality < 50 else 2 - quality / 50
        tables = [[max(1, min(255, round(entry * scale))) for entry in robidoux]] * 2
        yield "own tables", quality, saved(image, "jpeg", None, {"qtables": tables})
    # each with a table of its own: what a camera or a rate-controlled encoder makes
    generator = np.random.default_rng(1)
    for number in range(200):
        tables = [np.sort(generator.integers(1, 120, 64)).tolist()]
        yield "unique", number, saved(image, "jpeg", None, {"qtables": tables * 2})
    yield from mozjpegs(np.asarray(image))


def saved(image, name, quality, options):
    stream = io.BytesIO()
    kind = {"png": "PNG", "webp": "WEBP"}.get(name, "JPEG")
    image.save(stream, kind, **({} if quality is None else {"quality": quality}), **options)
    return stream.getvalue()


def mozjpegs(pixels):
    try:
        import jpeglib
    except ModuleNotFoundError:
        print("jpeglib is not installed: nothing from mozjpeg")
        return
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder, jpeglib.version("mozjpeg403"):
        path = str(Path(folder) / "a.jpg")
        for quality in ALL:
            jpeglib.from_spatial(np.ascontiguousarray(pixels)).write_spatial(path, qt=quality)
            yield "mozjpeg", quality, Path(path).read_bytes()


def made_pool():
    ways, items = [], []
    for name, quality, data in pictures():
        ways.append((name, quality))
        items.append(Item(f"{name}-{quality}", BytesBlob(data)))
    rows = pa.Table.from_batches(scan_batches(iter(items), ScanOptions()))
    return Pool(rows, {way: place for place, way in enumerate(ways)})


def dealt(rows, places, groups):
    """The rows at these places under new keys and groups; `groups` is one array of names for each kind."""
    table = rows.take(pa.array(places))
    kinds, n = sorted(groups), len(places)
    names = np.stack([groups[kind] for kind in kinds], axis=1).reshape(-1)
    maps = pa.MapArray.from_arrays(
        pa.array(np.arange(n + 1) * len(kinds), pa.int32()),
        pa.array(kinds * n, pa.string()),
        pa.array(names.tolist(), pa.string()),
    )
    keys = pa.array([f"{i:06d}" for i in range(n)])
    return table.set_column(table.schema.get_field_index("key"), "key", keys).set_column(
        table.schema.get_field_index("groups"), "groups", maps
    )


def random_groups(generator, n):
    """Classes (2 to 30), splits and folders of a made dataset, that know nothing of the rows."""
    n_classes = int(generator.integers(2, 31))
    weights = generator.dirichlet(np.full(n_classes, 5.0))
    classes = np.array([f"c{c:02d}" for c in generator.choice(n_classes, n, p=weights)])
    splits = generator.choice(["train", "val", "test"], n, p=[0.7, 0.2, 0.1])
    return {"class": classes, "split": splits, "folder": np.char.add(np.char.add(splits, "/"), classes)}


def mixtures(pool):
    """Names of the mixtures and what they draw from; weights are by repetition."""
    jpegs = [("jpeg", q) for q in WEB]
    tail = [("jpeg", q) for q in ALL]
    return {
        "web qualities and a long tail": jpegs * 8 + tail,
        "any quality alike": tail,
        "one quality": [("jpeg", 90)],
        "jpeg, png, webp, grey, progressive": jpegs * 2
        + [("png", 0)] * 6
        + [("webp", 80)] * 4
        + [(way, q) for way in ("grey", "progressive", "444") for q in WEB],
        "every table set its own": [way for way in pool.at if way[0] == "unique"],
        "5 % at Q12, spread": [("jpeg", 12)] + [("jpeg", q) for q in WEB[:1] * 3 + WEB + (75, 80, 90)],
        "three encoders": [(way, q) for way in ("jpeg", "own tables", "444") for q in (75, 80, 85, 90)],
    }


def wilson(hits, n):
    """The 95 % interval of a share (Wilson 1927), in percent."""
    z, share = 1.96, hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{100 * share:.1f} % [{100 * max(0, centre - half):.1f}, {100 * min(1, centre + half):.1f}]"


def nothing_planted(rows, places_of, n_seeds):
    blocks = leaks = either = 0
    for seed in range(n_seeds):
        generator = np.random.default_rng([seed, 1])
        places = places_of(generator)
        verdict = judge(dealt(rows, places, random_groups(generator, len(places))), seed=seed)
        block, leak = bool(verdict.rogue_blocks), any(leak.claimed for leak in verdict.leaks)
        blocks, leaks, either = blocks + block, leaks + leak, either + (block or leak)
    return f"blocks {blocks}, leaks {leaks}, either {wilson(either, n_seeds)}"


def even_groups(generator, n, n_classes):
    classes = np.array([f"c{c:02d}" for c in np.arange(n) * n_classes // n])
    splits = generator.choice(["train", "val"], n, p=[0.8, 0.2])
    return {"class": classes, "split": splits, "folder": np.char.add(np.char.add(splits, "/"), classes)}


def planted_q12(pool, ways, generator, n, n_classes):
    """15 of the images of each of two classes at quality 12."""
    groups = even_groups(generator, n, n_classes)
    odd = generator.choice(np.unique(groups["class"]), 2, replace=False)
    places = pool.draw(generator, ways, n)
    for name in odd:
        chosen = generator.choice(np.flatnonzero(groups["class"] == name), 15, replace=False)
        places[chosen] = pool.at["jpeg", 12]
    return dealt(pool.rows, places, groups), set(odd), 30, {"quality": "12"}


def planted_encoder(pool, way, generator, n, n_classes, same):
    """One class made another way at the same quality; `same` is the one quality of all, or None for any."""
    groups = even_groups(generator, n, n_classes)
    odd = generator.choice(np.unique(groups["class"]))
    qualities = np.full(n, same) if same else generator.choice(WEB, n)
    inside = groups["class"] == odd
    kinds = np.where(inside, way, "jpeg")
    places = np.array([pool.at[kind, int(q)] for kind, q in zip(kinds, qualities, strict=True)])
    return dealt(pool.rows, places, groups), {odd}, int(inside.sum()), None


def rightly_named(verdict, groups, n, traits):
    """Found, and rightly named; where no traits are given, one that is about the encoder must be among them."""
    found = [block for block in verdict.rogue_blocks if groups & set(block.groups)]
    if not found or len(verdict.rogue_blocks) != 1:
        return bool(found), False
    block = found[0]
    exact = set(block.groups) == groups and block.dimension == "class" and block.n == n
    if traits is not None:
        return True, exact and all(block.traits.get(name) == value for name, value in traits.items())
    return True, exact and bool({"encoder", "luma table", "process", "sampling"} & set(block.traits))


def planted(make, n_seeds):
    found = named = 0
    example = ""
    for seed in range(n_seeds):
        rows, groups, n, traits = make(np.random.default_rng([seed, 2]))
        verdict = judge(rows, seed=seed)
        is_found, is_named = rightly_named(verdict, groups, n, traits)
        found, named = found + is_found, named + is_named
        example = verdict.sentences[0]
    return f"found {found}, rightly named {wilson(named, n_seeds)} of {n_seeds}\n    {example}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--planted", type=int, default=50)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--folder")
    options = parser.parse_args()
    start, pool = time.perf_counter(), made_pool()
    print(f"{options.seeds} datasets of {options.images} images with nothing planted")
    for name, ways in mixtures(pool).items():
        told = nothing_planted(pool.rows, lambda g, ways=ways: pool.draw(g, ways, options.images), options.seeds)
        print(f"  {name}: {told}", flush=True)
    if options.folder:
        from unlossy.audit.sources import open_sources

        rows = pa.Table.from_batches(scan_batches(open_sources([options.folder]), ScanOptions()))
        told = nothing_planted(rows, lambda g: g.permutation(len(rows))[: options.images], options.seeds)
        print(f"  {options.folder} ({len(rows)} rows): {told}", flush=True)
    print(f"planted, {options.planted} seeds")
    backgrounds = {"one quality": [("jpeg", 90)], "web and tail": mixtures(pool)["web qualities and a long tail"]}
    for (name, ways), n_classes in itertools.product(backgrounds.items(), (4, 10, 20)):
        told = planted(lambda g, w=ways, c=n_classes: planted_q12(pool, w, g, options.images, c), options.planted)
        print(f"  30 at Q12 in two of {n_classes} classes, {name}: {told}", flush=True)
    others = [way for way in ("mozjpeg", "own tables", "progressive", "444") if (way, 75) in pool.at]
    for way, same in itertools.product(others, (75, None)):
        told = planted(lambda g, w=way, s=same: planted_encoder(pool, w, g, options.images, 10, s), options.planted)
        print(f"  other encoder ({way}), {'all at 75' if same else 'web qualities'}: {told}", flush=True)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
