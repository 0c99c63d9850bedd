"""Cameras and phones, by the Exif make, where the file is as the camera wrote it.

A make alone proves nothing, since editors keep it. A file is taken for the camera's own where Exif follows SOI at once
(libraries write JFIF first), no trace of Adobe stands in it, and the Exif software is absent or a firmware: a version
number, or a text with the make or model in it. Annex K's tables in libjpeg's order are taken for libjpeg's all the
same: programs that shrink a camera's picture leave JFIF away, too. Tables of its own make a camera surest.
"""

import re
from typing import Final

from unlossy.jpeg.encoders import libjpeg
from unlossy.jpeg.encoders.guess import EncoderGuess
from unlossy.jpeg.encoders.scaled_tables import annex_k_setting
from unlossy.jpeg.encoders.signature import Signature

_MAKES: Final = {
    "apple": "Apple",
    "canon": "Canon",
    "casio": "Casio",
    "dji": "DJI",
    "eastman kodak": "Kodak",
    "fuji": "Fujifilm",
    "google": "Google",
    "gopro": "GoPro",
    "hewlett-packard": "HP",
    "htc": "HTC",
    "huawei": "Huawei",
    "kodak": "Kodak",
    "konica": "Konica Minolta",
    "leica": "Leica",
    "lge": "LG",
    "lg electronics": "LG",
    "minolta": "Konica Minolta",
    "motorola": "Motorola",
    "nikon": "Nikon",
    "nokia": "Nokia",
    "olympus": "Olympus",
    "om digital": "Olympus",
    "panasonic": "Panasonic",
    "pentax": "Pentax",
    "ricoh": "Ricoh",
    "samsung": "Samsung",
    "sanyo": "Sanyo",
    "sigma": "Sigma",
    "sony": "Sony",
    "xiaomi": "Xiaomi",
}
NAMES: Final = tuple(sorted(set(_MAKES.values())))
_VERSION: Final = re.compile(r"(firmware\s*)?(ver(sion)?|v|os)?[\s.]*\d+([.\s_-]*\d+)*[a-z]?", re.IGNORECASE)
_ADOBES: Final = (b"\xeeAdobe", b"\xedPhotoshop", b"\xecDucky", b"\xe0JFIF")


def recognise(signature: Signature) -> EncoderGuess | None:
    """A guess named by the make, the model as its setting; None where the file may have been saved again."""
    if not signature.make or signature.applications[:1] != (b"\xe1Exif",):
        return None
    name = _name(signature.make)
    if name is None or any(data.startswith(_ADOBES) for data in signature.applications) or not _is_firmware(signature):
        return None
    annex_k = annex_k_setting(signature) is not None
    if annex_k and libjpeg.has_layout(signature):
        return None
    tables = "IJG tables" if annex_k else "tables that are not IJG's"
    why = f"Exif first, its make and software a camera's; {tables}"
    return EncoderGuess(name, signature.model or None, 0.6 if annex_k else 0.8, why)


def _name(make: str) -> str | None:
    low = make.lower()
    return next((name for prefix, name in _MAKES.items() if low.startswith(prefix)), None)


def _is_firmware(signature: Signature) -> bool:
    software = signature.software.lower()
    own = (signature.make.lower().split() or [""])[0], signature.model.lower()
    return not software or bool(_VERSION.fullmatch(software)) or any(text and text in software for text in own)
