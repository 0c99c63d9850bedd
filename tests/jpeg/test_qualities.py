"""Thousands of tables at once give the verdicts of one table at a time."""

import numpy as np
import pytest

from unlossy.jpeg.qualities import choice, nearest_qualities
from unlossy.jpeg.quality import table_quality
from unlossy.jpeg.tables import CHROMINANCE, CHROMINANCE_9E, LUMINANCE, from_zigzag, ijg_table, to_zigzag


def tables() -> np.ndarray:
    """IJG tables of all qualities, the same disturbed, and random ones."""
    noise = np.random.default_rng(3)
    made = [to_zigzag(ijg_table(base, q)) for base in (LUMINANCE, CHROMINANCE, CHROMINANCE_9E) for q in range(1, 101)]
    disturbed = np.clip(np.stack(made).astype(int) + noise.integers(-2, 3, (300, 64)), 1, 255)
    return np.concatenate([made, disturbed, noise.integers(0, 256, (50, 64)), np.zeros((1, 64))]).astype(np.uint8)


@pytest.mark.parametrize(("chroma", "base"), [(False, LUMINANCE), (True, CHROMINANCE)])
def test_verdicts_equal_those_of_single_tables(chroma, base):
    entries = tables()
    nearest = nearest_qualities(entries, chroma=chroma)
    for index, table in enumerate(entries):
        single = table_quality(from_zigzag(table.astype(np.uint16)), base)
        assert (nearest.candidates(index), nearest.residual[index]) == (single.candidates, single.residual)
    assert nearest.ties  # 1, 2 and 3 of chroma at least


def test_of_tied_qualities_the_one_nearest_to_the_other_table_is_chosen():
    assert choice((1, 2, 3), (2,)) == 2
    assert choice((1, 2, 3), (50,)) == 3
    assert choice((1, 2, 3), ()) == 3
    assert choice((), (5,)) is None
