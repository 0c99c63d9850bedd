"""Mitigations as people say them: what is done between the compressed picture and the model.

none                    nothing: the model as it is
correct=NAME_OR_FILE    a corrector repairs the picture first
"""

from collections.abc import Iterable
from typing import Final

from unlossy.core.errors import UsageError
from unlossy.store import NONE

CORRECT: Final = "correct="


def in_order(mitigations: Iterable[str]) -> tuple[str, ...]:
    """Each mitigation once, `none` first where it is one, the others as given; raises UsageError on an unknown text."""
    texts = tuple(dict.fromkeys(mitigations))
    for text in texts:
        if text != NONE and not corrector_spec(text):
            raise UsageError(
                f"the mitigation {text!r} is not known to this version; there are: none, and correct=NAME_OR_FILE "
                "(correct=small, correct=runs/mine/weights.safetensors)"
            )
    if not texts:
        raise UsageError("a study needs a mitigation, if only none")
    return tuple(sorted(texts, key=lambda text: text != NONE))


def corrector_spec(mitigation: str) -> str:
    """The SPEC of the corrector in "correct=SPEC"; empty for any other text."""
    return mitigation.removeprefix(CORRECT) if mitigation.startswith(CORRECT) else ""
