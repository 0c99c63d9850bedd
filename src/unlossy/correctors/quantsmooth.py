"""`quantsmooth`: the classical baseline, through the program jpegqs (JPEG Quant Smooth, by Ilya Kurdyukov).

It smooths each block as far as its quantization intervals allow, so it wants coefficients. A file's own go in through
`correct_file`. Pixels with their tables are compressed again with these first: luma comes out the same, chroma that was
subsampled loses a little (LIVE1: 0.01 dB at quality 10, 0.1 at 40).
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import UInt8

from unlossy.codecs import decode_source
from unlossy.core.errors import MissingProgram, ModelError, UsageError
from unlossy.core.pixels import to_pil
from unlossy.core.tools import digest_of
from unlossy.core.types import CompressionHints, Decoded
from unlossy.correctors.base import Corrector

if TYPE_CHECKING:
    from unlossy.correctors.registry import Choices

PROGRAM: Final = "jpegqs"
QUALITY: Final = 6
"""Its best setting: chroma is smoothed along luma's edges."""
TIMEOUT_S: Final = 300
_SUBSAMPLINGS: Final = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}


def open_from(name: str, file: str, choices: "Choices") -> Corrector:
    """The corrector; raises MissingProgram where jpegqs is not installed."""
    if file or choices.runtime != "auto":
        raise UsageError(f"{name} is a program: it takes neither a file nor a runtime")
    if shutil.which(PROGRAM) is None:
        raise MissingProgram(PROGRAM, "Debian and Ubuntu: apt install jpegqs", f"the corrector {name}")
    return QuantSmooth(name, digest_of({"program": PROGRAM, "version": _version(), "quality": QUALITY}))


@dataclass(frozen=True, slots=True)
class QuantSmooth:
    """A Corrector (see `base`) that runs jpegqs once per picture."""

    name: str
    digest: str
    libraries: tuple[str, ...] = ("Pillow",)

    def touches(self, picture: Decoded) -> bool:
        """Whether the picture has tables and sampling factors that can be written again."""
        hints = picture.hints
        return hints is not None and hints.sampling_hv in _SUBSAMPLINGS and int(hints.table_luma.max()) <= 255

    def correct(self, batch: Sequence[Decoded]) -> list[UInt8[np.ndarray, "h w c"]]:
        """The smoothed pictures in order; those without tables as they are. Raises ModelError where jpegqs fails."""
        return [self._one(picture) for picture in batch]

    def correct_file(self, data: bytes) -> UInt8[np.ndarray, "h w c"]:
        """The smoothed picture of a JPEG file, from its own coefficients; raises ModelError where jpegqs fails."""
        command = [PROGRAM, "--quality", str(QUALITY), "--info", "0", "-", "-"]
        try:
            done = subprocess.run(command, input=data, capture_output=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ModelError(f"{PROGRAM} cannot be run or does not end: {error}") from error
        if done.returncode or not done.stdout:
            finding = done.stderr.decode("utf-8", "replace").strip()[:200]
            raise ModelError(f"{PROGRAM} failed with exit code {done.returncode}: {finding or 'it says nothing'}")
        return decode_source(done.stdout)

    def _one(self, picture: Decoded) -> UInt8[np.ndarray, "h w c"]:
        if picture.hints is None or not self.touches(picture):
            return picture.pixels_hwc
        return self.correct_file(_compressed_again(picture.pixels_hwc, picture.hints))


def _compressed_again(image_hwc: UInt8[np.ndarray, "h w c"], hints: CompressionHints) -> bytes:
    """A JPEG of the pixels with the tables and sampling that they came with."""
    tables = [hints.table_luma, hints.table_luma if hints.table_chroma is None else hints.table_chroma]
    buffer = BytesIO()
    to_pil(image_hwc).save(
        buffer,
        "JPEG",
        qtables=[table.reshape(-1).tolist() for table in tables],
        subsampling=_SUBSAMPLINGS[hints.sampling_hv],
    )
    return buffer.getvalue()


def _version() -> str:
    """What the program says of itself on its first line."""
    done = subprocess.run([PROGRAM, "--help"], capture_output=True, timeout=TIMEOUT_S, check=False)
    lines = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
    return next((line.strip() for line in lines if line.strip()), "unknown")
