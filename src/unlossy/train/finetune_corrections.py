"""Training pictures corrected before the network learns from them; kept on disk where the same ones come again."""

import hashlib
import os
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from unlossy.codecs import hints_of
from unlossy.core.types import Decoded
from unlossy.correctors.base import Corrector
from unlossy.correctors.registry import Choices, open_corrector


class Corrections:
    """A corrector's answers. With a `folder` each is kept there as PNG, under the hash of corrector and bytes.

    The corrector is opened anew in every process that asks: what a runtime holds does not survive a fork.
    """

    def __init__(self, spec: str, folder: Path | None = None) -> None:
        self.spec, self.folder = spec, folder
        self.digest = open_corrector(spec, Choices(threads=1)).digest
        self._opened: tuple[int, Corrector] | None = None

    def of(self, data: bytes, pixels_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
        """The corrected picture that `data` (a compressed file) decodes to; raises ModelError."""
        if self.folder is None:
            return self._corrected(data, pixels_hwc)
        key = hashlib.sha256(self.digest.encode() + data).hexdigest()
        path = self.folder / key[:2] / f"{key}.png"
        if path.exists():
            with Image.open(path) as kept:
                return np.array(kept.convert("RGB"))
        corrected = self._corrected(data, pixels_hwc)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.part")
        Image.fromarray(corrected).save(partial, "PNG", compress_level=1)
        partial.replace(path)
        return corrected

    def _corrected(self, data: bytes, pixels_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), open_corrector(self.spec, Choices(threads=1)))
        return self._opened[1].correct([Decoded(pixels_hwc, hints_of(data))])[0]
