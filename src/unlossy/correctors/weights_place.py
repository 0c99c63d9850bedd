"""Where the weights that ship lie."""

from pathlib import Path
from typing import Final

from unlossy.core.errors import UsageError

FOLDER: Final = Path(__file__).parent / "weights"
TRAINABLE: Final = ("small", "base")
"""Those that `unlossy train corrector` makes; the others were aimed at a task network."""


def shipped_weights(name: str) -> Path:
    """The weights file of a shipped corrector; raises UsageError where there is none, naming how to come by it."""
    path = FOLDER / f"{name}.safetensors"
    if path.is_file():
        return path
    remedy = (
        "Train them, and give the file in place of the name: "
        f"unlossy train corrector --images PICTURES --size {name} -o RUN, then RUN/weights.safetensors"
        if name in TRAINABLE
        else "Install unlossy anew"
    )
    raise UsageError(f"the weights of the corrector {name!r} are not part of this installation. {remedy}")
