"""`OtherHeader`: what the header of an image that is no JPEG says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OtherHeader:
    """Size, and how the samples are coded; None where the header does not say it for certain.

    Attributes:
        format: Lower case; Pillow's name where no magic of ours says it.
        width, height: Pixels as stored: rotations and mirrorings that the file asks for are not applied.
        precision: Bits a sample; the largest where components differ.
        sampling: "4:2:0" and the like, "grey" for one component (alpha is not counted).
        lossless: Whether the samples were coded without loss. False is certain too: True or None say nothing about
            what happened to the picture before.
        remarks: What else a reader wants to know, in words: "animated", "alpha", "a JPEG recompressed without loss".
    """

    format: str
    width: int
    height: int
    precision: int | None = None
    sampling: str | None = None
    lossless: bool | None = None
    remarks: tuple[str, ...] = ()
