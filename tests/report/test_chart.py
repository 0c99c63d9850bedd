"""Geometry: a value lies where a ruler would put it, in the drawing itself."""

import re

import pytest

from unlossy.report.chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Line,
    Point,
    chart,
    linear_axis,
    octave_axis,
    spot,
)

X, Y = linear_axis("quality", [10.0, 90.0]), linear_axis("points", [0.0, -57.3], n_ticks=8)


def test_ticks_are_round_and_enclose_the_values():
    assert X.ticks == (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    assert (Y.low, Y.high) == (-60.0, 0.0)
    assert octave_axis("bpp", [0.46, 2.83]).ticks == (0.25, 0.5, 1.0, 2.0, 4.0)
    small = linear_axis("q", [0.5, 0.5])
    assert small.low < 0.5 < small.high


@pytest.mark.parametrize("values", [[1e-3, 2e-3], [-300.0, 40.0], [7.0], [0.0, 1e6]])
def test_every_value_lies_inside_its_axis(values):
    axis = linear_axis("v", values)
    assert all(-1e-9 <= axis.place(value) <= 1 + 1e-9 for value in values)
    assert 2 <= len(axis.ticks) <= 13


def test_corners_and_middle():
    assert spot(X, Y, 0.0, 0.0) == (LEFT, TOP)
    assert spot(X, Y, 100.0, -60.0) == (WIDTH - RIGHT, HEIGHT - BOTTOM)
    assert spot(X, Y, 50.0, -30.0) == ((LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2)
    octaves = octave_axis("bpp", [0.25, 4.0])
    assert octaves.place(1.0) == pytest.approx(0.5)
    assert octaves.place(2.0) - octaves.place(1.0) == pytest.approx(octaves.place(0.5) - octaves.place(0.25))


def test_the_drawing_has_the_points_where_they_belong():
    points = (Point(20.0, -20.0, -26.0, -16.0, "a & b", False), Point(80.0, -5.0, -10.0, 0.0, "second", True))
    drawn = chart("c", "Title", "Told", X, Y, [Line(0, points)])
    circles = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="4" class="mark( hollow)?"><title>([^<]+)', drawn)
    expected = [spot(X, Y, point.x, point.y) for point in points]
    assert [(float(x), float(y)) for x, y, _, _ in circles] == [pytest.approx(where, abs=0.006) for where in expected]
    assert [hollow for _, _, hollow, _ in circles] == ["", " hollow"]
    assert circles[0][3] == "a &amp; b"
    (band,) = re.findall(r'<polygon points="([^"]+)"', drawn)
    corners = [tuple(map(float, corner.split(","))) for corner in band.split()]
    ends = [(20.0, -16.0), (80.0, 0.0), (80.0, -10.0), (20.0, -26.0)]
    assert corners == [pytest.approx(spot(X, Y, *end), abs=0.006) for end in ends]
    assert 'aria-labelledby="c-title c-desc"' in drawn


def test_a_single_point_has_whiskers_and_no_band():
    drawn = chart("c", "T", "D", X, Y, [Line(1, (Point(50.0, -10.0, -20.0, 0.0, "one", True),))])
    assert "polygon" not in drawn
    (whisker,) = re.findall(r'y1="([\d.]+)" y2="([\d.]+)" class="stroke"', drawn)
    assert tuple(map(float, whisker)) == pytest.approx(
        (spot(X, Y, 50.0, 0.0)[1], spot(X, Y, 50.0, -20.0)[1]), abs=0.006
    )
