"""The strip: every version in its place, with its own pixels, and a bar as long as the probability."""

import numpy as np
import pytest

from unlossy.runs.pictures import PictureCell, PictureItem
from unlossy.study.strip import GAP_PX, HEAD_PX, MARGIN_PX, RIGHT, TILE_PX, WRONG, draw_strip, strip_name


def strip_of(probabilities, size=64, **more):
    settings = ["clean", *(f"jpeg:{90 - 10 * n}" for n in range(len(probabilities) - 1))]
    versions = {s: np.full((size, size, 3), 20 + 10 * n, dtype=np.uint8) for n, s in enumerate(settings)}
    cells = tuple(
        PictureCell(setting, "f.png", n % 2, p, n % 2 == 0, None if setting == "clean" else 1234)
        for n, (setting, p) in enumerate(zip(settings, probabilities, strict=True))
    )
    box = (0, 0, size, size)
    item = PictureItem("k", 0, 0, None, (size, size), box, box, cells, **more)
    return np.asarray(draw_strip(item, versions, ("a corgi, Pembroke", "a" * 200)))


def colour(text):
    return tuple(int(text[n : n + 2], 16) for n in (1, 3, 5))


def test_five_a_line_each_with_its_own_pixels():
    sheet = strip_of([0.5] * 7)
    assert sheet.shape[1] == 2 * MARGIN_PX + 5 * TILE_PX + 4 * GAP_PX
    for n in range(5):
        x = MARGIN_PX + n * (TILE_PX + GAP_PX) + TILE_PX // 2
        assert (sheet[HEAD_PX + 28 + TILE_PX // 2, x] == 20 + 10 * n).all()
    below = sheet[HEAD_PX + 28 + TILE_PX + 100 :]
    assert (below == 70).all(axis=2).sum() == TILE_PX**2
    assert (below == 80).all(axis=2).sum() == TILE_PX**2


@pytest.mark.parametrize(("probability", "n", "tone"), [(0.75, 0, RIGHT), (0.25, 1, WRONG), (1.0, 0, RIGHT)])
def test_the_bar_is_as_long_as_the_probability(probability, n, tone):
    sheet = strip_of([probability] * 2)
    x = MARGIN_PX + n * (TILE_PX + GAP_PX)
    row = sheet[HEAD_PX + 28 + TILE_PX + 10 + 35, x : x + TILE_PX]
    assert (row == colour(tone)).all(axis=1).sum() == pytest.approx(probability * TILE_PX, abs=2)


def test_large_pictures_are_shrunk_into_the_tile():
    sheet = strip_of([0.5, 0.5], size=1000)
    assert sheet.shape[1] == 2 * MARGIN_PX + 2 * TILE_PX + GAP_PX
    assert (sheet[HEAD_PX + 28 + TILE_PX // 2, MARGIN_PX + 3] == 20).all()


def test_names_are_safe_and_differ():
    names = {strip_name(key) for key in ("a/b.png", "a-b.png", "../../etc", "", "k\n\udcff", "x" * 500)}
    assert len(names) == 6
    assert all(len(name) < 90 and "/" not in name and name.isascii() and name.startswith("show-") for name in names)
