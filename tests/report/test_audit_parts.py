"""The parts of an audit's page against counts made by hand: places, histogram, strips, choice, errors, table."""

import json
import re

import numpy as np
import pytest

from tests.report.made_audit import many_rows, row_of, table_of
from unlossy.report.audit.chosen import MAX_FAILED, MAX_ROGUE, MAX_ROWS, N_WORST, choose, spread
from unlossy.report.audit.errors import error_groups, errors_section
from unlossy.report.audit.facts import NO_QUALITY, OTHER, UNREAD, facts_of
from unlossy.report.audit.histogram import histogram_section, layers_of
from unlossy.report.audit.strips import distances_from_all, ranked_strips, strip_sections
from unlossy.report.audit.table import as_json, scope, table_columns

EVERY_PLACE = [
    row_of("a", 90, groups={"class": "x", "split": "train"}),
    row_of("b", 12, groups={"class": "y"}, encoder="mozjpeg (quality 12)"),
    row_of("c", None, groups={"class": "x"}),
    row_of("d", None, format="png", encoder=None),
    row_of("e", error="read", message="no"),
]


def test_every_row_has_one_place():
    facts = facts_of(table_of(EVERY_PLACE))
    assert facts.places.tolist() == [90, 12, NO_QUALITY, OTHER, UNREAD]
    assert facts.encoders.names == ("libjpeg", "mozjpeg", "unknown")
    assert facts.groups["class"].names == ("x", "y")
    assert facts.groups["class"].codes.tolist() == [0, 1, 0, -1, -1]
    assert facts.groups["split"].codes.tolist() == [0, -1, -1, -1, -1]
    assert facts.failed.tolist() == [False, False, False, False, True]


def test_places_do_not_depend_on_chunks_or_dictionaries():
    table = table_of(EVERY_PLACE)
    chunked = table_of(EVERY_PLACE[:2]).slice(0, 2)
    import pyarrow as pa

    chunked = pa.concat_tables([table.slice(0, 2), table.slice(2)])
    for name in ("format", "encoder", "key", "error_kind"):
        chunked = chunked.set_column(chunked.column_names.index(name), name, chunked[name].dictionary_encode())
    one, other = facts_of(table), facts_of(chunked)
    assert np.array_equal(one.places, other.places)
    assert one.encoders.names == other.encoders.names
    assert np.array_equal(one.groups["class"].codes, other.groups["class"].codes)
    assert [c.values for c in table_columns(one, np.arange(5))] == [
        c.values for c in table_columns(other, np.arange(5))
    ]


def test_layers_add_up_and_keep_the_unknown_last():
    names = [f"encoder {n}" for n in range(8)]
    rows = [row_of(f"{n}-{k}", 50 + n, encoder=name) for n, name in enumerate(names) for k in range(n + 1)]
    rows += [row_of(f"u{k}", 75, encoder=None) for k in range(20)]
    facts = facts_of(table_of(rows))
    layers = layers_of(facts)
    assert [layer.name for layer in layers] == [
        *("encoder 7", "encoder 6", "encoder 5", "encoder 4"),
        "4 more encoders",
        "unknown encoder",
    ]
    assert [int(layer.counts.sum()) for layer in layers] == [8, 7, 6, 5, 10, 20]
    assert np.array_equal(sum(layer.counts for layer in layers), facts.counts())
    assert len({layer.colour for layer in layers}) == len(layers)


def test_bars_lie_where_they_must():
    """Two encoders at quality 40, four images in all; the axis ends at 4: each bar half of the height."""
    rows = [row_of(f"{n}", 40, encoder="ab"[n % 2]) for n in range(4)]
    svg = str(histogram_section(facts_of(table_of(rows))))
    bars = re.findall(r'<rect x="([\d.]+)%" y="([\d.]+)%" width="0.9%" height="([\d.]+)%" class="bar-of s(\d)">', svg)
    assert bars == [("39.05", "50", "50", "0"), ("39.05", "0", "50", "1")]
    assert "quality 40, a: 2 images" in svg


def test_one_image_among_thousands_is_drawn():
    rows = [row_of("x", 10), *(row_of(f"{n}", 95) for n in range(5000))]
    svg = str(histogram_section(facts_of(table_of(rows))))
    heights = [float(h) for h in re.findall(r'height="([\d.]+)%" class="bar-of', svg)]
    assert min(heights) == 0.8


def test_a_set_without_quality_says_what_it_is():
    told = str(histogram_section(facts_of(table_of([row_of(f"{n}", None, format="png") for n in range(3)]))))
    assert "nothing to draw" in told
    assert "Not JPEG: 3 images (png 3)" in told


def test_the_distance_is_the_earth_movers():
    """One group at 10, one at 30, as many: the whole lies half and half, each group 10 points away from it."""
    by_group = np.zeros((2, 104), dtype=np.int64)
    by_group[0, 10] = by_group[1, 30] = 7
    assert distances_from_all(by_group) == pytest.approx([10, 10])


def test_the_distance_is_what_matching_images_one_by_one_gives():
    """Samples of one size: the cheapest way to turn one into the other pairs them in order."""
    samples = np.random.default_rng(3).integers(1, 101, (3, 40))
    by_group = np.array([np.bincount(sample, minlength=104) for sample in samples])
    whole = np.sort(samples.ravel())
    for sample, distance in zip(samples, distances_from_all(by_group), strict=True):
        assert distance == pytest.approx(np.abs(np.sort(np.repeat(sample, 3)) - whole).mean())


def test_a_group_of_another_format_is_far_away():
    rows = [row_of(f"a{n}", 90, groups={"class": "a"}) for n in range(50)]
    rows += [row_of(f"b{n}", None, format="png", groups={"class": "b"}) for n in range(50)]
    rows += [row_of(f"c{n}", 90, groups={"class": "c"}) for n in range(100)]
    facts = facts_of(table_of(rows))
    strips = ranked_strips(facts, facts.groups["class"])
    assert strips[0].name == "b"
    assert strips[0].distance == pytest.approx(75 * 50**0.5)  # three of four images would have to change their kind


def test_small_groups_do_not_lead_for_being_small():
    """1000 images dealt at random: the first of the ranking are not the smallest groups."""
    draw = np.random.default_rng(0)
    sizes = [5] * 40 + [40] * 20
    names = np.repeat([f"g{n:02d}" for n in range(60)], sizes)
    rows = [
        row_of(f"{n}", int(q), groups={"class": name})
        for n, (name, q) in enumerate(zip(names, draw.integers(60, 96, len(names)), strict=True))
    ]
    facts = facts_of(table_of(rows))
    first = [strip.n for strip in ranked_strips(facts, facts.groups["class"])[:15]]
    assert first.count(40) >= 3


def test_strips_say_what_they_leave_out():
    rows = [
        row_of(f"{n}-{k}", 90, groups={"class": f"c{n:03d}", "folder": f"c{n:03d}"})
        for n in range(70)
        for k in range(5)
    ]
    (section,) = strip_sections(facts_of(table_of(rows)))
    assert section.heading == "Class by class"
    assert "And 10 more classes" in section.content
    assert str(section.content).count("<tr>") == 61
    assert strip_sections(facts_of(table_of([row_of("a", groups={"class": "only"})]))) == []


def test_the_choice_holds_what_failed_what_stands_out_and_the_worst():
    facts = facts_of(many_rows(100_000))
    rogue = np.flatnonzero(facts.places == 94)[:5000]
    choice = choose(facts, [rogue])
    assert len(choice.table) == len(set(choice.table.tolist())) == MAX_ROWS
    assert facts.failed[choice.table[:100]].all()
    assert facts.failed.sum() == 100
    assert np.isin(rogue[:MAX_ROGUE], choice.table).all()
    assert set(facts.places[choice.worst].tolist()) == {12}
    assert len(choice.worst) == N_WORST
    assert len(choice.blocks[0]) == 12
    assert MAX_FAILED + MAX_ROGUE < MAX_ROWS
    everything = choose(facts_of(many_rows(300)), [])
    assert sorted(everything.table.tolist()) == list(range(300))


def test_spread_takes_both_ends():
    assert spread(np.arange(100), 3).tolist() == [0, 50, 99]
    assert spread(np.arange(2), 3).tolist() == [0, 1]


def test_errors_are_grouped_by_what_they_say():
    rows = [row_of(f"cut-{n}", error="truncated", message=f"ends at byte {n * 17}") for n in range(20)]
    rows += [row_of("gone", error="read", message="no such file"), row_of("fine")]
    facts = facts_of(table_of(rows))
    groups = error_groups(facts)
    assert [(group.kind, group.n, len(group.keys)) for group in groups] == [("truncated", 20, 8), ("read", 1, 1)]
    told = str(errors_section(facts))
    assert "21 images of 22 failed" in told
    assert "such as: ends at byte 0" in told
    assert "and 12 more" in told
    assert errors_section(facts_of(table_of([row_of("fine")]))) is None


def test_the_tables_data_are_whole_and_end_nothing():
    evil = "</script><script>alert(1)</script>&<!--\u2028é"
    rows = [row_of(evil, 90, groups={"class": evil}), row_of("b", None, rate_bpp=float("nan")), row_of("c", 90)]
    columns = table_columns(facts_of(table_of(rows)), np.array([2, 0, 1]))
    text = as_json(columns)
    assert not set("<>&") & set(text)
    assert text.isascii()
    read = {column["name"]: column for column in json.loads(text)}
    keys = [read["key"]["texts"][n] for n in read["key"]["values"]]
    assert keys == ["c", evil.replace("\u2028", "\\u2028"), "b"]
    assert read["ijg_quality_luma"]["values"] == [90, 90, None]
    assert read["rate_bpp"]["values"] == [2.0, 2.0, None]
    assert read["class"]["values"] == [None, 0, None]
    assert "blockiness" not in read, "columns that hold nothing are left out"


def test_the_scope_is_said():
    facts = facts_of(table_of([row_of(f"{n}") for n in range(10)]))
    assert scope(facts, 10, None).startswith("All 10 rows")
    assert "The other 7 are counted" in scope(facts, 3, "rows.parquet")
    assert "all of them are in rows.parquet" in scope(facts, 3, "rows.parquet")
