"""The files of audit_exact.py: each with the qualities that made it, or with the encoder that wrote it."""

import io
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from unlossy.jpeg.tables import CHROMINANCE, LUMINANCE, ijg_table

CUSTOM = None
"""The truth of tables that libjpeg makes at no quality."""
Truth = tuple[int, ...] | None
"""Luma and chroma quality, one for grey; CUSTOM."""


@dataclass(frozen=True)
class Made:
    """One file: the group that it is counted in, its bytes, and what is true of it."""

    group: str
    data: bytes
    truth: Truth | str


def pixels(size: tuple[int, int] = (48, 32)) -> np.ndarray:
    noise = np.random.default_rng(12).normal(0, 20, (size[1], size[0], 3)).cumsum(axis=0).cumsum(axis=1)
    return np.clip(128 + noise / 8, 0, 255).astype(np.uint8)


def by_pillow(mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels()).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def by_cjpeg(*options: str) -> bytes:
    ppm = b"P6 48 32 255 " + pixels().tobytes()
    return subprocess.run(["cjpeg", *options], input=ppm, capture_output=True, check=True).stdout


def by_jpeglib(version: str, **options: object) -> bytes:
    import jpeglib

    with tempfile.NamedTemporaryFile(suffix=".jpg") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jpeglib.version.set(version)
        jpeglib.from_spatial(pixels()).write_spatial(file.name, **options)
        return Path(file.name).read_bytes()


def with_tables(luma: np.ndarray, chroma: np.ndarray, **options: object) -> bytes:
    return by_pillow(qtables=[luma.reshape(64).tolist(), chroma.reshape(64).tolist()], **options)


def quality_files() -> Iterator[Made]:
    """Every case of the exactness table that can be made here."""
    for sampling in ("4:2:0", "4:4:4", "4:2:2"):
        for q in range(1, 101):
            yield Made(f"libjpeg-turbo, {sampling}, Q 1-100", by_pillow(quality=q, subsampling=sampling), (q, q))
    for q in range(1, 101):
        yield Made("libjpeg-turbo, grey, Q 1-100", by_pillow("L", quality=q), (q,))
    with suppress(ImportError):
        for q in range(1, 101):
            yield Made("libjpeg 9f, 4:2:0, Q 1-100", by_jpeglib("9f", qt=q), (q, q))
    yield from (custom for custom in custom_files())
    if shutil.which("cjpeg"):
        yield from _cjpeg_files()
    with suppress(ImportError):
        yield from _rare_processes()


def custom_files() -> Iterator[Made]:
    rng = np.random.default_rng(7)
    for q in range(5, 100, 5):
        luma, chroma = ijg_table(LUMINANCE, q), ijg_table(CHROMINANCE, q)
        yield Made("luma and chroma tables swapped", with_tables(chroma, luma), CUSTOM)
        off = luma.copy()
        off[tuple(rng.integers(0, 8, 2))] += 1
        yield Made("one entry off by one", with_tables(off, chroma), CUSTOM)
        yield Made("random tables", with_tables(*rng.integers(1, 255, (2, 8, 8))), CUSTOM)
    for preset in ("web_low", "web_medium", "web_high", "web_very_high", "low", "medium", "high", "maximum"):
        yield Made("Photoshop's tables", by_pillow(quality=preset), CUSTOM)
    with suppress(ImportError):
        for q in range(5, 100, 5):
            yield Made("mozjpeg's default tables", by_jpeglib("mozjpeg403", qt=q), CUSTOM)


def _cjpeg_files() -> Iterator[Made]:
    for q in range(1, 25):
        yield Made("16-bit tables (cjpeg), colour", by_cjpeg("-quality", str(q)), (q, q))
        if q < 24:
            yield Made("16-bit tables (cjpeg), grey", by_cjpeg("-quality", str(q), "-grayscale"), (q,))
    for luma, chroma in (
        (75, 20),
        (20, 75),
        (90, 50),
        (95, 85),
        (60, 59),
        (50, 90),
        (30, 10),
        (100, 1),
        (85, 84),
        (8, 80),
    ):
        yield Made("cjpeg -quality 75,20 and others", by_cjpeg("-quality", f"{luma},{chroma}"), (luma, chroma))
    for q in range(5, 101, 5):
        yield Made("arithmetic (cjpeg)", by_cjpeg("-quality", str(q), "-arithmetic"), (q, q))


def _rare_processes() -> Iterator[Made]:
    import imagecodecs

    for q in range(5, 101, 5):
        deep = pixels().astype(np.uint16) << 4
        yield Made("12 bits a sample", imagecodecs.jpeg8_encode(deep, level=q, bitspersample=12), (q, q))
    yield Made("lossless JPEG", imagecodecs.jpeg8_encode(pixels(), lossless=True), CUSTOM)


def encoder_files() -> Iterator[Made]:
    """Files of every encoder that is at hand; the truth is the name."""
    qualities = (1, 5, 10, 25, 40, 50, 60, 75, 80, 85, 90, 92, 95, 99, 100)
    yield from _pillow_makes(qualities)
    if shutil.which("cjpeg"):
        yield from _cjpeg_makes(qualities)
    for make in (_jpeglib_makes, _others_make, _jpegli_makes):
        with suppress(ImportError):
            yield from make(qualities)


def _pillow_makes(qualities: tuple[int, ...]) -> Iterator[Made]:
    plain = ({"subsampling": s} for s in ("4:2:0", "4:4:4", "4:2:2"))
    more = ({"progressive": True}, {"optimize": True}, {"mode": "L"}, {"mode": "CMYK"}, {"keep_rgb": True})
    for options in (
        *plain,
        *more,
        {"restart_marker_rows": 1},
        {"comment": "x"},
        {"dpi": (300, 300)},
        {"exif": b"Exif\0\0"},
    ):
        for q in qualities:
            yield Made("Pillow", by_pillow(quality=q, **options), "libjpeg")
    for preset in ("web_low", "web_high", "low", "high", "maximum"):
        yield Made("Pillow, tables of its presets or random", by_pillow(quality=preset), "unknown")
    for tables in np.random.default_rng(3).integers(1, 255, (30, 2, 8, 8)):
        yield Made("Pillow, tables of its presets or random", with_tables(*tables), "unknown")


def _cjpeg_makes(qualities: tuple[int, ...]) -> Iterator[Made]:
    for options in (
        *(
            [],
            ["-progressive"],
            ["-optimize"],
            ["-arithmetic"],
            ["-grayscale"],
            ["-rgb"],
            ["-baseline"],
            ["-restart", "1"],
        ),
        *(["-sample", "1x1"], ["-sample", "2x1"], ["-sample", "4x1"], ["-qslots", "0"], ["-dct", "float"]),
    ):
        for q in (*map(str, qualities), "75,20"):
            yield Made("cjpeg (libjpeg-turbo)", by_cjpeg("-quality", q, *options), "libjpeg")


def _jpeglib_makes(qualities: tuple[int, ...]) -> Iterator[Made]:
    import jpeglib  # noqa: F401 (absent: these makers are left out)

    for version in ("6b", "7", "8d", "9d", "9f", "turbo120", "turbo210"):
        for q in qualities:
            yield Made("libjpeg 6b to 9f, turbo (jpeglib)", by_jpeglib(version, qt=q), "libjpeg")
    for version in ("mozjpeg300", "mozjpeg403"):
        for q in qualities:
            for options in ({}, *({"base_quant_tbl_idx": index} for index in range(9))):
                yield Made("mozjpeg 3 and 4 (jpeglib)", by_jpeglib(version, qt=q, **options), "mozjpeg")
    for version in ("mozjpeg101", "mozjpeg201"):
        for q in qualities:
            yield Made("mozjpeg 1 and 2 (jpeglib): libjpeg's bytes", by_jpeglib(version, qt=q), "libjpeg")


def _others_make(qualities: tuple[int, ...]) -> Iterator[Made]:
    import imagecodecs
    import simplejpeg

    for q in qualities:
        yield Made("libjpeg-turbo (imagecodecs, simplejpeg)", imagecodecs.jpeg8_encode(pixels(), level=q), "libjpeg")
        yield Made("libjpeg-turbo (imagecodecs, simplejpeg)", simplejpeg.encode_jpeg(pixels(), q), "libjpeg")


def _jpegli_makes(qualities: tuple[int, ...]) -> Iterator[Made]:
    import pyjpegli

    for q in qualities:
        yield Made("jpegli (pyjpegli)", pyjpegli.encode(pixels().tobytes(), 48, 32, q), "jpegli")
