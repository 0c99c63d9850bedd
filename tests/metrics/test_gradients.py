"""Gradients and edges of pictures whose answer is known, and the definitions pixel by pixel."""

import math
from functools import cache

import numpy as np
import pytest

from unlossy.codecs import parse_codecs
from unlossy.metrics import gradients
from unlossy.metrics.gradients import KEPT, LOST, PHANTOM, PHANTOM_ON_GRID, edge_changes, gradient_damage

NAMES = gradients.GradientDamage.__slots__


def grey(plane) -> np.ndarray:
    return np.clip(np.rint(plane), 0, 255).astype(np.uint8)[:, :, None]


@cache
def scene(codec: str | None = None, height: int = 96, width: int = 64) -> np.ndarray:
    """Waves, a disc, a ramp that becomes blocks, a little noise."""
    y, x = np.mgrid[:height, :width]
    plane = 110 + 25 * np.sin(x / 5) * np.cos(y / 7) * (y > 20) + 70 * ((x - 20) ** 2 + (y - 24) ** 2 < 150) + x / 3 + y
    noise = np.random.default_rng(0).normal(0, 1.5, (height, width, 3))
    image = np.clip(plane[:, :, None] * [1, 0.9, 0.8] + noise, 0, 255).astype(np.uint8)
    if codec is None:
        return image
    (made,) = parse_codecs(codec)
    return made.decode(made.encode(image))


def checker(offset: int = 0) -> np.ndarray:
    """Blocks of 8 x 8, 100 and 140 in turn."""
    place = (np.arange(64) + offset) // 8
    return grey(100 + 40 * ((place[:, None] + place) % 2))


FLAT = grey(np.full((64, 64), 100))


def test_a_picture_agrees_with_itself():
    found = gradient_damage(scene(), scene())
    assert [getattr(found, name) for name in NAMES[:3]] == pytest.approx([1, 1, 1], abs=1e-6)
    assert [getattr(found, name) for name in NAMES[3:]] == [0, 0, 0, 0]


def test_a_constant_picture_has_nothing_to_compare():
    found = gradient_damage(FLAT, FLAT)
    assert found.magnitude_agreement == 1.0
    assert [getattr(found, name) for name in NAMES[1:]] == [None] * 6


def test_pictures_without_a_pixel_inside_have_nothing_at_all():
    found = gradient_damage(FLAT[:2, :9], FLAT[:2, :9])
    assert [getattr(found, name) for name in NAMES] == [None] * 7
    assert edge_changes(FLAT[:2, :9], FLAT[:2, :9]).shape == (2, 9)


@pytest.mark.parametrize(("step", "is_edge"), [(8, True), (7, False)])
def test_a_step_is_one_line_of_edges_from_the_threshold_on(step, is_edge):
    """Between the flat sides of a step the central difference is half of it, in the two pixels beside it."""
    image = grey(np.where(np.arange(32) < 20, 100, 100 + step) + np.zeros((24, 1)))
    expected = np.zeros((24, 32), np.uint8)
    expected[2:-2, 19] = KEPT if is_edge else 0
    assert (edge_changes(image, image) == expected).all()
    assert gradient_damage(image, image).lost_edges == (0.0 if is_edge else None)


def test_an_edge_may_move_by_one_pixel_and_no_more():
    def step(column):
        return grey(np.where(np.arange(40) < column, 60, 160) + np.zeros((24, 1)))

    moved = gradient_damage(step(20), step(19))
    assert (moved.lost_edges, moved.phantom_edges) == (0.0, 0.0)
    assert 0.4 < moved.gradient_cosine < 0.6  # of each step's two columns one is the other's
    assert moved.orientation_agreement == pytest.approx(0.5)
    away = gradient_damage(step(21), step(19))
    assert (away.lost_edges, away.phantom_edges) == (1.0, 1.0)
    assert set(np.unique(edge_changes(step(21), step(19)))) == {0, LOST, PHANTOM}


@pytest.mark.parametrize(("offset", "on_grid"), [(0, 1.0), (4, 0.0)])
def test_blocks_are_phantoms_on_the_grid_where_they_lie_on_it(offset, on_grid):
    found = gradient_damage(checker(offset), FLAT)
    assert (found.phantom_edges, found.phantom_on_grid) == (1.0, on_grid)
    assert (found.lost_edges, found.grid_excess, found.orientation_agreement) == (None, None, None)
    marks = edge_changes(checker(offset), FLAT)
    assert set(np.unique(marks)) == {0, PHANTOM_ON_GRID if on_grid else PHANTOM}


def test_grid_excess_is_beyond_what_the_clean_picture_has_there():
    assert gradient_damage(checker(0), checker(4)).grid_excess == 1.0
    assert gradient_damage(checker(4), checker(0)).grid_excess == -1.0
    assert gradient_damage(checker(0), checker(0)).grid_excess == 0.0


def test_a_negative_turns_every_gradient_round():
    found = gradient_damage(255 - scene(), scene())
    assert found.magnitude_agreement == pytest.approx(1.0)
    assert (found.orientation_agreement, found.gradient_cosine) == (pytest.approx(-1.0), pytest.approx(-1.0))


def test_a_picture_without_gradients_left_agrees_by_nothing():
    found = gradient_damage(FLAT, checker())
    assert (found.orientation_agreement, found.gradient_cosine, found.lost_edges) == (0.0, 0.0, 1.0)
    assert (found.phantom_edges, found.phantom_on_grid, found.grid_excess) == (None, None, None)


def test_turning_both_pictures_changes_nothing():
    """Sides of whole blocks, so that the grid turns into itself."""
    upright = gradient_damage(scene("jpeg:15"), scene())
    turned = gradient_damage(np.rot90(scene("jpeg:15")), np.rot90(scene()))
    assert [getattr(turned, n) for n in NAMES[:3]] == pytest.approx([getattr(upright, n) for n in NAMES[:3]], abs=1e-9)
    # which of a step's two equal pixels is the edge turns over
    assert [getattr(turned, n) for n in NAMES[3:]] == pytest.approx([getattr(upright, n) for n in NAMES[3:]], abs=0.02)


def test_strips_equal_the_whole(monkeypatch):
    image, clean = scene("jpeg:10"), scene()
    whole, marks = gradient_damage(image, clean), edge_changes(image, clean)
    monkeypatch.setattr(gradients, "STRIP_SAMPLES", 1)  # eight rows
    strips = gradient_damage(image, clean)
    assert [getattr(strips, n) for n in NAMES] == pytest.approx([getattr(whole, n) for n in NAMES], abs=1e-12)
    assert (edge_changes(image, clean) == marks).all()


def test_grey_and_rgb_are_the_same_picture():
    image = grey(scene()[:, :, 1])
    worse = grey(scene("jpeg:10")[:, :, 1])
    of_rgb = gradient_damage(np.repeat(worse, 3, 2), np.repeat(image, 3, 2))
    assert gradient_damage(worse, image) == of_rgb == gradient_damage(worse, np.repeat(image, 3, 2))


def test_stronger_compression_is_worse():
    by_quality = [gradient_damage(scene(f"jpeg:{q}"), scene()) for q in (5, 20, 50, 95)]
    for name in NAMES[:3]:
        values = [getattr(found, name) for found in by_quality]
        assert values == sorted(values)
    assert by_quality[0].phantom_on_grid > 4 * by_quality[3].phantom_on_grid


def field(image: np.ndarray) -> tuple[dict, set]:
    """Gradients by (row, column) and edges, as the module's head defines them, pixel by pixel."""
    luma = image.astype(int) @ [299, 587, 114]  # whole numbers: where there is no gradient it is 0
    kernel = np.array([[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]])
    found, edges = {}, set()
    for y in range(1, luma.shape[0] - 1):
        for x in range(1, luma.shape[1] - 1):
            patch = luma[y - 1 : y + 2, x - 1 : x + 2]
            found[y, x] = ((patch * kernel).sum() / 32000, (patch * kernel.T).sum() / 32000)
    for (y, x), (gx, gy) in found.items():
        size, angle = math.hypot(gx, gy), round(math.degrees(math.atan2(gy, gx)) / 45) % 4
        dy, dx = ((0, 1), (1, 1), (1, 0), (1, -1))[angle]
        if size >= 4 and (y - dy, x - dx) in found and (y + dy, x + dx) in found and 2 <= x < luma.shape[1] - 2:
            before, behind = (math.hypot(*found[y + s * dy, x + s * dx]) for s in (-1, 1))
            if 2 <= y < luma.shape[0] - 2 and size > before + 1e-9 and size >= behind - 1e-9:
                edges.add((y, x))
    return found, edges


def test_the_definitions_pixel_by_pixel():
    image, clean = scene("jpeg:12", 40, 32), scene(None, 40, 32)
    (k, edges), (g, clean_edges) = field(image), field(clean)
    sizes = [(math.hypot(*k[p]), math.hypot(*g[p])) for p in g]
    dots = [k[p][0] * g[p][0] + k[p][1] * g[p][1] for p in g]

    def near(p, others):
        return any((p[0] + a, p[1] + b) in others for a in (-1, 0, 1) for b in (-1, 0, 1))

    def on_grid(p, of):
        gx, gy = of[p]
        return (p[1] if abs(gx) >= abs(gy) else p[0]) % 8 in (0, 7)

    phantom = {p for p in edges if not near(p, clean_edges)}
    expected = [
        np.mean([(2 * a * b + 42.5) / (a * a + b * b + 42.5) for a, b in sizes]),
        sum(d / a for d, (a, _) in zip(dots, sizes, strict=True) if a) / sum(b for _, b in sizes),
        sum(dots) / math.sqrt(sum(a * a for a, _ in sizes) * sum(b * b for _, b in sizes)),
        sum(not near(p, edges) for p in clean_edges) / len(clean_edges),
        len(phantom) / len(edges),
        sum(on_grid(p, k) for p in phantom) / len(edges),
        sum(on_grid(p, k) for p in edges) / len(edges) - sum(on_grid(p, g) for p in clean_edges) / len(clean_edges),
    ]
    found = gradient_damage(image, clean)
    assert len(phantom) > 15
    assert [getattr(found, name) for name in NAMES] == pytest.approx(expected, abs=1e-5)
