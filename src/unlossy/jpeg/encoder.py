"""Which program wrote a JPEG file, by the traces it left in the headers: `identify(signature_of(segments))`.

Each family of encoders has a module in `encoders`, which answers only where a file shows what it alone writes.
Precision goes before recall: what fits nobody, or more than one, is "unknown" with confidence 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Bool, UInt8

from unlossy.jpeg.encoders import adobe, camera, ffmpeg, guetzli, jpegli, libjpeg, mozjpeg
from unlossy.jpeg.encoders.guess import UNKNOWN, EncoderGuess
from unlossy.jpeg.encoders.signature import HEAD_BYTES, Signature, head_bytes, signature_of

__all__ = [
    "HEAD_BYTES",
    "NAMES",
    "UNKNOWN",
    "EncoderGuess",
    "Signature",
    "head_bytes",
    "identify",
    "identify_all",
    "signature_of",
]

Recogniser = Callable[[Signature], EncoderGuess | None]
_RECOGNISERS: Final[tuple[Recogniser, ...]] = (
    adobe.recognise,
    ffmpeg.recognise,
    guetzli.recognise,
    camera.recognise,
    mozjpeg.recognise,
    jpegli.recognise,
    libjpeg.recognise,
)
NAMES: Final = (
    *("libjpeg", "mozjpeg", "jpegli", "guetzli-like", "Photoshop", "Save for Web", "ffmpeg"),
    *camera.NAMES,
    UNKNOWN.name,
)
"""Every name that `identify` gives."""


@lru_cache(maxsize=4096)
def identify(signature: Signature) -> EncoderGuess:
    """The encoder that a signature gives away, by the first recogniser that knows it; else `UNKNOWN`."""
    for recognise in _RECOGNISERS:
        guess = recognise(signature)
        if guess is not None:
            return guess
    return UNKNOWN


def identify_all(signature: Signature, tables: UInt8[np.ndarray, "n t 64"]) -> Sequence[EncoderGuess]:
    """What `identify` says of n files that have this signature but for the entries of their 8-bit tables.

    `tables` are in the order of the signature's, entries in the order of the file. Most tables in the world are none
    that a recogniser knows: all files with such a luma table, fine or coarse, get one answer.
    """
    ids = [id_ for id_, _ in signature.tables]

    def guess(index: int) -> EncoderGuess:
        entries = [table.tobytes() for table in tables[index]]
        return identify(replace(signature, tables=tuple(zip(ids, entries, strict=True))))

    if ids.count(0) != 1:
        return [guess(index) for index in range(len(tables))]
    luma = tables[:, ids.index(0)]
    is_known, is_fine = _are_known(tables[:, 0], luma), luma.sum(axis=1) <= guetzli.MAX_LUMA_SUM
    guesses = np.empty(len(tables), dtype=object)
    for unknown in (~is_known & is_fine, ~is_known & ~is_fine):
        if unknown.any():
            guesses[unknown] = guess(int(unknown.argmax()))
    for index in np.flatnonzero(is_known).tolist():
        guesses[index] = guess(index)
    return guesses.tolist()


def _are_known(first: UInt8[np.ndarray, "n 64"], luma: UInt8[np.ndarray, "n 64"]) -> Bool[np.ndarray, " n"]:
    """Where a recogniser may know a file by its first table (jpegli's) or by luma's (Annex K's, mozjpeg's)."""
    known, entries = mozjpeg.luma_presets(), luma.tobytes()
    are_presets = [entries[at : at + 64] in known for at in range(0, len(entries), 64)]
    corners = first[:, [0, 63]].astype(np.int64)
    return np.array(are_presets, dtype=bool) | jpegli.corners_agree(corners[:, 0], corners[:, 1])
