"""A batch in which one picture's failure is that picture's alone."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from unlossy.core.errors import ItemError, ModelError
from unlossy.core.types import Decoded
from unlossy.correctors.base import Corrector


def correct_each(corrector: Corrector, pictures: Sequence[Decoded]) -> list[UInt8[np.ndarray, "_ _ _"] | ItemError]:
    """The corrected pictures in order; where a batch fails each is tried alone, and an error stands for what fails."""
    if not pictures:
        return []
    try:
        return list(corrector.correct(pictures))
    except Exception as error:  # noqa: BLE001 (a foreign network: its failure is these pictures')
        if len(pictures) > 1:
            return [outcome for picture in pictures for outcome in correct_each(corrector, [picture])]
        if isinstance(error, ItemError):
            return [error]
        return [ModelError(f"the corrector {corrector.name} failed: {type(error).__name__}: {error}")]
