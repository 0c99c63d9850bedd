"""`tesseract:LANGUAGES[psm=N,scale=X]`: the program tesseract, called once for several pictures.

A picture at most 256 px high and 2^18 px large is a crop: read as one word (page segmentation mode 8), enlarged
twofold. Anything larger is a page: mode 3, as it is. `psm` and `scale` in brackets overrule this for all pictures.

Starting the program takes some 100 ms, a crop then 20: pictures go to it as a list. It runs apart from us, so that a
crash or an endless page is one picture's error. Its language networks keep no state from picture to picture.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from unlossy.core.errors import ModelError, TooLargeError, UsageError
from unlossy.core.pixels import MAX_PIXELS, as_rgb, from_pil, to_pil
from unlossy.tasks.models.text.base import Reading
from unlossy.tasks.models.text.tesseract_program import PROGRAM, digest, has_languages
from unlossy.tasks.models.text.tsv import readings_of

CROP_HEIGHT: Final = 256
CROP_PX: Final = 2**18
WORD, PAGE = 8, 3
"""Page segmentation modes."""
LEAST_PER_PROCESS: Final = 8
"""Pictures below which another process costs more than it brings."""
TIMEOUT_S: Final = 120
"""For each picture of a call."""

_NAME: Final = re.compile(r"(?P<languages>[\w/+-]+)(?:\[(?P<settings>[^\]]*)\])?")


@dataclass(frozen=True, slots=True)
class Settings:
    """What brackets overrule: the page segmentation mode (0..13) and the enlargement; None follows the size."""

    psm: int | None = None
    scale: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A picture as Tesseract gets it, and the page segmentation mode that it is read in."""

    pixels_hwc: UInt8[np.ndarray, "h w 3"]
    psm: int


@dataclass(frozen=True, slots=True)
class TesseractReader:
    """A Reader (see `base`) over the program; `n_processes` run at once, each on one core."""

    spec: str
    digest: str
    languages: str
    settings: Settings
    n_processes: int
    libraries: tuple[str, ...] = ("Pillow",)

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
        """The picture as it is, in RGB."""
        return as_rgb(image_hwc)

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Scan:
        """The picture enlarged, with its mode; raises TooLargeError where it grows beyond what we allocate."""
        height, width = image_hwc.shape[:2]
        crop = height <= CROP_HEIGHT and height * width <= CROP_PX
        scale = self.settings.scale or (2.0 if crop else 1.0)
        psm = (WORD if crop else PAGE) if self.settings.psm is None else self.settings.psm
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        if size_wh[0] * size_wh[1] > MAX_PIXELS:
            raise TooLargeError(f"{width}x{height} pixels enlarged {scale:g} times are {size_wh[0]}x{size_wh[1]}")
        if size_wh == (width, height):
            return Scan(image_hwc, psm)
        return Scan(from_pil(to_pil(image_hwc).resize(size_wh, Image.Resampling.LANCZOS)), psm)

    def read(self, batch: Sequence[Scan]) -> list[Reading | ModelError]:
        """One reading per picture; raises ModelError where the program fails."""
        calls = [call for psm in sorted({scan.psm for scan in batch}) for call in self._calls(batch, psm)]
        with ThreadPoolExecutor(self.n_processes) as pool:
            answers = list(pool.map(lambda call: self._call([batch[place] for place in call]), calls))
        read = {
            place: one
            for call, found in zip(calls, answers, strict=True)
            for place, one in zip(call, found, strict=True)
        }
        return [read[place] for place in range(len(batch))]

    def _calls(self, batch: Sequence[Scan], psm: int) -> list[list[int]]:
        """The places of a mode's pictures, dealt out to as many calls as are worth their start."""
        places = [place for place, scan in enumerate(batch) if scan.psm == psm]
        least = LEAST_PER_PROCESS if psm == WORD else 1
        n_calls = max(1, min(self.n_processes, len(places) // least))
        return [places[number::n_calls] for number in range(n_calls)]

    def _call(self, scans: Sequence[Scan]) -> list[Reading]:
        """What one process reads; raises ModelError."""
        with TemporaryDirectory(prefix="unlossy-") as folder:
            files = [Path(folder) / f"{number}.ppm" for number in range(len(scans))]
            for file, scan in zip(files, scans, strict=True):
                _write_ppm(file, scan.pixels_hwc)
            names = Path(folder) / "list.txt"
            names.write_text("".join(f"{file}\n" for file in files), "utf-8")
            command = [PROGRAM, str(names), "stdout", "-l", self.languages, "--psm", str(scans[0].psm), "tsv"]
            try:
                done = subprocess.run(
                    command,
                    capture_output=True,
                    timeout=TIMEOUT_S * len(scans),
                    check=False,
                    env={**os.environ, "OMP_THREAD_LIMIT": "1"},
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise ModelError(f"{PROGRAM} cannot be run or does not end: {type(error).__name__}") from error
        readings = readings_of(done.stdout.decode("utf-8", "replace"))
        if done.returncode or len(readings) != len(scans):
            raise ModelError(f"{PROGRAM} failed with exit code {done.returncode}: {_finding(done.stderr)}")
        return readings


def load(name: str, *, spec: str, threads: int | None) -> TesseractReader:
    """The reader; raises UsageError (languages, settings) and MissingProgram where tesseract is not installed."""
    parsed = _NAME.fullmatch(name)
    if parsed is None:
        raise UsageError(f"{spec}: give it as tesseract:LANGUAGES[psm=N,scale=X], for example tesseract:eng[psm=7]")
    settings = _settings(parsed["settings"] or "", spec)
    languages = parsed["languages"].split("+")
    has_languages(languages, spec)
    told = {"psm": settings.psm, "scale": settings.scale}
    n_processes = threads or os.cpu_count() or 1
    return TesseractReader(spec, digest(languages, told), parsed["languages"], settings, n_processes)


def _settings(text: str, spec: str) -> Settings:
    given = dict(part.partition("=")[::2] for part in text.split(",") if part)
    psm, scale = given.pop("psm", None), given.pop("scale", None)
    if given or (psm is not None and (not psm.isdecimal() or int(psm) not in {1, *range(3, 14)})):
        raise UsageError(f"{spec}: in brackets may stand psm=N (1 or 3..13) and scale=X")
    try:
        factor = None if scale is None else float(scale)
    except ValueError:
        factor = 0.0
    if factor is not None and not 0.1 <= factor <= 8:
        raise UsageError(f"{spec}: scale is a number from 0.1 to 8, not {scale!r}")
    return Settings(None if psm is None else int(psm), factor)


def _write_ppm(file: Path, image_hwc: UInt8[np.ndarray, "h w 3"]) -> None:
    height, width = image_hwc.shape[:2]
    file.write_bytes(b"P6\n%d %d\n255\n" % (width, height) + image_hwc.tobytes())


def _finding(stderr: bytes) -> str:
    """The last line of what the program says that is no mere progress."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines()]
    told = [line for line in lines if line and not line.startswith(("Page ", "Estimating ", "Detected "))]
    return told[-1][:200] if told else "it says nothing"
