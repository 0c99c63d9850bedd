"""Constants of the guards that both runtimes share: numpy's, which corrects, and torch's, which trains through them."""

from typing import Final

LEAST_STRENGTH: Final = 0.25
STRENGTH_PER_DOUBLING: Final = 0.15
"""Of the mean luma step: a compromise by hand between held-out pictures and LIVE1 (docs/decisions.md)."""

ROUNDING: Final = 0.5
"""Coefficients move by this much when pixels are rounded: their deviation is 0.29 in luma."""

DEBLURRING_STEPS: Final = 6
"""Each halves the error, at worst, of undoing the decoder's interpolation."""
