"""Where the weights that ship lie."""

from pathlib import Path
from typing import Final

from unlossy.core.errors import UsageError

FOLDER: Final = Path(__file__).parent / "weights"


def shipped_weights(name: str) -> Path:
    """The weights file of a shipped corrector; raises UsageError where there is none, naming how to train it."""
    path = FOLDER / f"{name}.safetensors"
    if not path.is_file():
        raise UsageError(
            f"the weights of the corrector {name!r} are not part of this installation. Train them, and give the file "
            f"in place of the name: unlossy train corrector --images PICTURES --size {name} -o RUN, then "
            "RUN/weights.safetensors"
        )
    return path
