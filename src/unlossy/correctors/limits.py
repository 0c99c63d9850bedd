"""Constants that both runtimes share: numpy's, which corrects, and torch's, which trains through the guards."""

from typing import Final

ARCHITECTURE: Final = "unlossy-unet-2"
"""Of our networks, in weights and graphs; changes whenever old ones no longer fit the code."""

LEAST_STRENGTH: Final = 0.25
STRENGTH_PER_DOUBLING: Final = 0.15
"""Of the mean luma step: a compromise by hand between held-out pictures and LIVE1 (docs/decisions.md)."""

ROUNDING: Final = 0.5
"""Coefficients move by this much when pixels are rounded: their deviation is 0.29 in luma."""

LEAST_STEP: Final = 1
"""A damaged table may state 0, by which nothing can be divided; libjpeg compresses with 1 in its place, too."""

DEBLURRING_STEPS: Final = 6
"""Each halves the error, at worst, of undoing the decoder's interpolation."""
