"""What a model is, as one number: the SHA-256 of its weights and settings, wherever they lie."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unlossy.core.tools import digest_of


def model_digest(weights: Sequence[Path], settings: Mapping[str, Any]) -> str:
    """SHA-256, in hex, over the contents of the weight files in this order and over the settings (JSON values).

    Paths and times do not enter, so a copied or renamed model keeps its digest.
    """
    return digest_of({"weights": [file_digest(path) for path in weights], "settings": dict(settings)})


def file_digest(path: Path) -> str:
    """SHA-256, in hex, of a file's bytes; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
