"""`unlossy.load_corrector`: a corrector as a function that gives back the kind of thing it was given.

    path, bytes                        uint8 array (h w 3); the tables come from the bytes
    Pillow image                       Pillow image of the same size; alpha is kept; an opened JPEG brings its tables;
                                       of CMYK an RGB image, without the profile; one of more than 8 bits a sample
                                       (modes I, F and I;16) is left as it is
    uint8 array (h w), (h w 1|3)       the same shape
    tensor (b 1|3 h w) or (1|3 h w)    the same shape, type and device; uint8, or floats of 0..1

Pixels without their bytes tell no tables: then it is the traces of a JPEG grid that decide (see `guards.Hidden`).
A corrector can be pickled: as a transform it goes into the processes of a loader of data, however these are started.
"""

import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from unlossy.codecs import decode_hinted
from unlossy.core.blobs import FileBlob
from unlossy.core.errors import DecodeError, TruncatedError, UsageError
from unlossy.core.pixels import as_rgb, from_pil, to_pil
from unlossy.core.types import CompressionHints, Decoded
from unlossy.correctors.base import Corrector
from unlossy.correctors.guards import Hidden
from unlossy.correctors.pil_hints import hints_of_image
from unlossy.correctors.registry import DEFAULT, Choices, open_corrector

INPUTS: Final = "a path, bytes, a Pillow image, a uint8 array (h w), (h w 1) or (h w 3), or a torch tensor (b 1|3 h w)"
DEEP_MODES: Final = ("I", "F", "I;16")
"""Pillow's names (also with an ending) of samples that 8 bits cannot hold."""


@dataclass(frozen=True, slots=True)
class PictureCorrector:
    """A function from pictures of any kind to corrected ones of the same kind; `corrector` is what does the work."""

    corrector: Corrector

    def __call__(self, picture: Any, hints: CompressionHints | None = None) -> Any:  # noqa: ANN401 (any kind)
        """The corrected picture, of the kind that was given.

        Args:
            picture: see the top of this module.
            hints: the tables of the JPEG that the picture was decoded from, where you know them; they count before
                those that a file or an opened image brings.

        Raises:
            ItemError: the file cannot be read or decoded, or the network failed.
            UsageError: a kind, type or shape that pictures do not have, or hints for a batch of several.
        """
        if isinstance(picture, str | PathLike):
            return self._file(FileBlob(Path(picture)).all(), hints)
        if isinstance(picture, bytes | bytearray | memoryview):
            return self._file(bytes(picture), hints)
        if isinstance(picture, Image.Image):
            return self._image(picture, hints)
        if isinstance(picture, np.ndarray):
            return self._array(picture, hints)
        if type(picture).__module__.split(".")[0] == "torch" and hasattr(picture, "detach"):
            return self._tensor(picture, hints)
        raise UsageError(f"a corrector takes {INPUTS}, not {type(picture).__name__}")

    def _file(self, data: bytes, hints: CompressionHints | None) -> UInt8[np.ndarray, "h w 3"]:
        decoded = decode_hinted(data)
        return as_rgb(self._one(Decoded(decoded.pixels_hwc, hints or decoded.hints)))

    def _one(self, picture: Decoded) -> UInt8[np.ndarray, "h w c"]:
        return self.corrector.correct([picture])[0]

    def _image(self, image: Image.Image, hints: CompressionHints | None) -> Image.Image:
        _load(image)
        decoded = Decoded(from_pil(image), hints or hints_of_image(image))
        if image.mode.startswith(DEEP_MODES) or not self.corrector.touches(decoded):
            return image.copy()
        corrected = to_pil(self._one(decoded))
        if image.has_transparency_data:
            corrected = corrected.convert("RGB")
            corrected.putalpha(image.convert("RGBA").getchannel("A"))
        for fact in ("icc_profile", "exif", "dpi"):
            if fact in image.info and not (fact == "icc_profile" and image.mode == "CMYK"):  # those are RGB now
                corrected.info[fact] = image.info[fact]
        return corrected

    def _array(self, array: np.ndarray, hints: CompressionHints | None) -> np.ndarray:
        planes = array[:, :, None] if array.ndim == 2 else array
        if array.dtype != np.uint8 or planes.ndim != 3 or planes.shape[2] not in (1, 3) or planes.size == 0:
            raise UsageError(f"a corrector takes {INPUTS}, not an array of {array.dtype} {array.shape}")
        return self._one(Decoded(np.ascontiguousarray(planes), hints)).reshape(array.shape)

    def _tensor(self, tensor: Any, hints: CompressionHints | None) -> Any:  # noqa: ANN401 (torch may be absent)
        batch = tensor[None] if tensor.ndim == 3 else tensor
        is_bytes = str(tensor.dtype) == "torch.uint8"
        if (
            batch.ndim != 4
            or batch.shape[1] not in (1, 3)
            or 0 in batch.shape[2:]
            or not (is_bytes or tensor.is_floating_point())
        ):
            raise UsageError(f"a corrector takes {INPUTS}, not a tensor of {tensor.dtype} {tuple(tensor.shape)}")
        if hints is not None and len(batch) > 1:
            raise UsageError(
                f"hints tell of one JPEG, and the tensor holds {len(batch)} pictures; give them one by one"
            )
        levels = batch.detach() if is_bytes else _levels(batch.detach())
        pictures = [Decoded(np.ascontiguousarray(p), hints) for p in levels.cpu().numpy().transpose(0, 2, 3, 1)]
        corrected = batch.detach().clone()
        for i in (i for i, picture in enumerate(pictures) if self.corrector.touches(picture)):
            planes = batch.new_tensor(self._one(pictures[i]).transpose(2, 0, 1))
            corrected[i] = planes if is_bytes else planes / 255.0
        return corrected.reshape(tensor.shape)


def _load(image: Image.Image) -> None:
    """Reads the pixels that `Image.open` has left in the file; raises TruncatedError or DecodeError."""
    try:
        image.load()
    except Exception as error:
        finding = str(error).strip() or type(error).__name__
        kind = TruncatedError if "truncated" in finding.lower() else DecodeError
        raise kind(f"the image's pixels cannot be read: {finding}") from error


def _levels(batch: Any) -> Any:  # noqa: ANN401 (torch may be absent)
    """The floats of 0..1 as the 8-bit levels they came from; raises UsageError where they cannot be that."""
    if batch.numel() == 0:
        return batch.byte()
    low, high = (float(x) for x in batch.aminmax())
    if not (low >= -0.001 and high <= 1.001):
        raise UsageError(f"a float tensor's values run from {low:g} to {high:g}; pictures are 0..1, not normalised")
    return (batch * 255.0).round().clamp(0, 255).byte()


def load_corrector(
    name: str | PathLike[str] = DEFAULT,
    *,
    runtime: str = "auto",
    hidden: str = Hidden.AUTO.value,
    threads: int | None = None,
    device: str = "cpu",
) -> PictureCorrector:
    """The corrector of that name as a function on pictures; see `PictureCorrector`.

    Args:
        name: a SPEC: "small", "base", "ttac-mobilenet-v2", "FILE.safetensors" or "FILE.onnx" (a path as well),
            "dncnn3@FILE", "quantsmooth", "flips:SPEC".
        runtime: "onnx", "torch" or "auto".
        hidden: pictures whose bytes tell no tables are corrected where their pixels show a JPEG's grid ("auto"), in any
            case ("always"), or not at all ("never").
        threads: threads of one run; None leaves the library's default.
        device: torch's name of the device, "cpu" or "cuda".

    Raises:
        UsageError: unknown name or choice, weights that are missing or unsound, a device that is not there.
        MissingDependency: what this corrector needs is not installed.
    """
    if hidden not in {kind.value for kind in Hidden}:
        raise UsageError(f"hidden {hidden!r} is unknown; there are: {', '.join(kind.value for kind in Hidden)}")
    return PictureCorrector(open_corrector(os.fspath(name), Choices(runtime, Hidden(hidden), threads, device)))
