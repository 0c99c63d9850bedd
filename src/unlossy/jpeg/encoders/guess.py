"""`EncoderGuess`: the name of an encoder, its setting, and how sure that is."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class EncoderGuess:
    """What the traces say.

    Attributes:
        name: The family: "libjpeg", "mozjpeg", "jpegli", "Photoshop", ..., or "unknown".
        setting: What it was told, as far as the file shows: "quality 75"; None where it does not.
        confidence: 0 (unknown) to 1.
        why: The traces, in words for a reader.
    """

    name: str
    setting: str | None
    confidence: float
    why: str

    @property
    def text(self) -> str:
        """The column's value: "name" or "name (setting)"."""
        return self.name if self.setting is None else f"{self.name} ({self.setting})"


UNKNOWN: Final = EncoderGuess("unknown", None, 0.0, "the headers fit no encoder known here")
