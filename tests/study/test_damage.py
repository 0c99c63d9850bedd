"""`unlossy damage`: cells from pictures, what fails is named, pictures chosen by rule, and the page."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from tests.study.conftest import texture
from unlossy.cli.damage import print_damage
from unlossy.cli.main import run
from unlossy.codecs import parse_codecs
from unlossy.core.errors import UsageError
from unlossy.core.pixels import as_rgb
from unlossy.engines import LocalEngine
from unlossy.metrics.gradients import LOST, PHANTOM, PHANTOM_ON_GRID, GradientDamage, gradient_damage
from unlossy.metrics.stats import paired_difference
from unlossy.report.damage import render_damage
from unlossy.report.damage_pictures import coloured
from unlossy.report.damage_told import sentences
from unlossy.runs.damage import MEASURES
from unlossy.study.damage import DamagePlan, measure_damage
from unlossy.study.damage_cells import Tally, cells_of
from unlossy.study.damage_shown import _region, choose, shown_at

(JPEG_10,) = parse_codecs("jpeg:10")
DATA = "synthetic:1,size=16"


class Smoother:
    """A corrector that takes the mean of each picture's rows and their neighbours, and fails on small ones."""

    name, digest, libraries = "smoother", "0", ()

    def correct(self, batch):
        if any(picture.pixels_hwc.shape[0] < 48 for picture in batch):
            raise ValueError("too small for me")
        return [np.uint8((p.pixels_hwc + np.roll(p.pixels_hwc, 1, 0).astype(float)) / 2) for p in batch]

    def touches(self, picture):
        return True


@pytest.fixture
def smoother(monkeypatch):
    monkeypatch.setattr("unlossy.study.damage.open_corrector", lambda *_: Smoother())


@pytest.fixture
def folder(tmp_path):
    """Two pictures, one 40 px high that the smoother refuses, one too wide for WebP, one broken."""
    for seed, size in enumerate((64, 64, 40)):
        Image.fromarray(texture(seed, size)).save(tmp_path / f"{seed}.png")
    Image.fromarray(np.zeros((3, 16400), np.uint8)).save(tmp_path / "3 <wide>.png")
    (tmp_path / "4.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    return tmp_path


@pytest.fixture
def discs(tmp_path):
    """Four discs on ramps, steeper from one to the next."""
    y, x = np.mgrid[:64, :64]
    for number in range(4):
        plane = 60 + (number + 1) * x / 2 + 60 * ((x - 30) ** 2 + (y - 26) ** 2 < 200)
        Image.fromarray(plane.astype(np.uint8)).save(tmp_path / f"{number}.png")
    return str(tmp_path)


def damage(**known: float) -> GradientDamage:
    return GradientDamage(**dict.fromkeys(MEASURES) | known)


def test_a_cell_is_the_mean_of_what_each_picture_gives(folder):
    pictures = [texture(seed, size) for seed, size in enumerate((64, 64, 40))]
    alone = [gradient_damage(as_rgb(JPEG_10.decode(JPEG_10.encode(p))), p) for p in pictures]
    found = measure_damage(DamagePlan(str(folder), ("jpeg:10",), limit=3))
    (cell,) = found.cells
    for measure in MEASURES:
        expected = paired_difference([getattr(one, measure) for one in alone], [0.0] * 3, 0)
        assert asdict(cell.metrics[measure]) == pytest.approx(asdict(expected))
    bits = sum(8 * len(JPEG_10.encode(picture)) for picture in pictures)
    assert cell.rate_bpp == pytest.approx(bits / (64 * 64 * 2 + 40 * 40))
    assert (cell.n, cell.versus_none, found.failures) == (3, None, ())


def test_what_fails_is_named_and_the_rest_counts(folder, smoother):
    found = measure_damage(DamagePlan(str(folder), ("jpeg:50", "webp:50"), ("correct=small", "none")))
    where = {(f.key, f.codec, f.mitigation, f.error_kind) for f in found.failures}
    assert where == {
        ("2.png", "jpeg:50", "correct=small", "model"),
        ("2.png", "webp:50", "correct=small", "model"),
        ("3 <wide>.png", "jpeg:50", "correct=small", "model"),
        ("3 <wide>.png", "webp:50", None, "codec"),
        ("4.png", None, None, "decode"),
    }
    assert (found.n_items, found.failed) == (5, 3)
    n = {(cell.codec, cell.mitigation): cell.n for cell in found.cells}
    assert n.pop(("jpeg:50", "none")) == 4
    assert n.pop(("webp:50", "none")) == 3
    assert set(n.values()) == {2}
    assert found.cells[0].undefined["lost_edges"] == 1  # the black one has none


def test_a_mitigation_is_compared_with_none_picture_by_picture():
    none, corrected, alone = Tally(JPEG_10, "none"), Tally(JPEG_10, "correct=a"), Tally(JPEG_10, "correct=a")
    for lost, lost_then, cosine in ((0.4, 0.2, None), (0.2, 0.3, 0.5), (0.9, None, 0.5)):
        none.add(damage(lost_edges=lost, gradient_cosine=cosine), 100, 800)
        for tally in (corrected, alone):
            tally.add(None if lost_then is None else damage(lost_edges=lost_then, gradient_cosine=0.75), 100, 800)
    first, second = cells_of([none, corrected], seed=0)
    assert (first.n, second.n) == (3, 2)
    assert first.mean("lost_edges") == pytest.approx(0.5)
    assert (first.undefined["lost_edges"], first.undefined["gradient_cosine"]) == (0, 1)
    assert second.versus_none["lost_edges"].mean == pytest.approx((-0.2 + 0.1) / 2)
    assert second.recovered["lost_edges"].mean == pytest.approx((0.2 - 0.1) / (0.4 + 0.2))
    assert second.versus_none["gradient_cosine"].mean == pytest.approx(0.25)
    assert second.recovered["gradient_cosine"].mean == pytest.approx(0.5)
    assert second.recovered["phantom_edges"] is second.metrics["phantom_edges"] is None
    assert next(cells_of([alone], seed=0)).versus_none is None


def test_threads_decide_nothing_but_speed(discs):
    plan = DamagePlan(discs, ("jpeg:10,50",), pictures=0)
    one, two = (measure_damage(plan, engine=LocalEngine(workers)) for workers in (1, 2))
    assert one == two


def test_the_seed_decides_the_intervals_and_they_are_the_paired_ones():
    tally, values = Tally(JPEG_10, "none"), np.random.default_rng(0).random(50).tolist()
    for value in values:
        tally.add(damage(lost_edges=value), 1, 1)
    first, other = (next(cells_of([tally], seed)).metrics["lost_edges"] for seed in (0, 1))
    assert asdict(first) == pytest.approx(asdict(paired_difference(values, [0.0] * 50, 0)))
    assert other.mean == first.mean
    assert other.low != first.low


def test_pictures_are_taken_evenly_from_the_ranks():
    tally = Tally(JPEG_10, "none")
    for share in (0.1, None, 0.5, 0.3, 0.2, 0.4):
        tally.add(damage(phantom_on_grid=share), 1, 1)
    assert choose(tally, 3) == {2: 1, 3: 3, 0: 5}
    assert choose(tally, 9) == {2: 1, 5: 2, 3: 3, 4: 4, 0: 5}
    assert choose(tally, 0) == {}
    assert shown_at(parse_codecs("jpeg:90,20,5") + parse_codecs("jpeg:10+jpeg:12")).setting == "jpeg:5"
    assert shown_at(parse_codecs("webp:0,50,90")).setting == "webp:0"


def test_the_region_is_where_most_phantoms_are():
    changes = np.zeros((600, 300), np.uint8)
    changes[:, 20] = LOST
    assert _region(changes) == (0, 0, 256, 256)
    changes[500:590, 290:] = PHANTOM
    assert _region(changes) == (48, 336, 252, 256)  # the first on blocks that holds all of them
    assert _region(changes[:50, :30]) == (0, 0, 30, 50)


def test_pictures_show_each_version_and_its_edges(discs, smoother):
    found = measure_damage(DamagePlan(discs, ("jpeg:10,90",), ("none", "correct=small"), pictures=2))
    assert [item.rank for item in found.items] == [1, 4]
    for item in found.items:
        assert (item.codec, item.region_xywh) == ("jpeg:10", (0, 0, 64, 64))
        assert [panel.name for panel in item.panels] == ["clean", "none", "correct=small"]
        shares = [np.mean(p.changes[p.changes != LOST] == PHANTOM_ON_GRID) for p in item.panels]
        assert shares[0] == 0 < shares[1]
    page = render_damage(found)
    assert page.count("<img") == 2 * 3 * 2
    assert page.count("<svg") == 7
    assert "https:" not in page
    assert sentences(found)[0].startswith("At JPEG 10, ")


def test_marks_have_their_colours():
    marks = np.array([[0, LOST], [PHANTOM, PHANTOM_ON_GRID]], np.uint8)
    assert coloured(marks).tolist() == [[[255, 255, 255], [31, 111, 197]], [[245, 163, 0], [212, 20, 90]]]


def test_a_sentence_says_how_far_up_the_grid_shows():
    def told(*excesses):
        tallies = [Tally(codec, "none") for codec in parse_codecs("jpeg:30,10,90")]
        for tally, excess in zip(tallies, excesses, strict=True):
            tally.add(damage(grid_excess=excess, gradient_cosine=0.5, lost_edges=0.25), 1, 1)
        plan = DamagePlan("synthetic:1", pictures=0)
        return sentences(_result(plan, tallies))

    assert told(0.1, 0.2, 0.0)[-1] == "The 8 x 8 grid shows in the edges up to JPEG 30."
    assert told(0.1, 0.2, 0.1)[-1] == "The 8 x 8 grid shows in the edges at JPEG 90 still."
    assert told(0.0, -0.1, 0.0)[-1] == "The 8 x 8 grid shows in the edges at none of the JPEG settings."
    assert told(0.1, 0.2, 0.0)[0].startswith("At JPEG 30, 25 % [25, 25] of a picture's edges are lost, ")


def _result(plan, tallies):
    from unlossy.runs.damage import DamageResult

    return DamageResult(plan.data, 1, (), tuple(cells_of(tallies, 0)), ())


def test_the_command_prints_json_and_writes_the_page(folder, tmp_path, capsys):
    page = tmp_path / "out" / "damage.html"
    words = ["damage", str(folder), "--codec", "webp:50", "--json", "-o", str(page)]
    assert run(words) == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["n_items"], told["failed"], told["cells"][0]["n"], told["html"]) == (5, 2, 3, str(page))
    assert {error["key"] for error in told["errors"]} == {"3 <wide>.png", "4.png"}
    assert set(told["cells"][0]["metrics"]) == set(MEASURES)
    assert "3 &lt;wide&gt;.png" in page.read_text("utf-8")


def test_the_terminal_has_sentences_first_then_a_table(folder, capsys, smoother):
    found = measure_damage(DamagePlan(str(folder), ("jpeg:10",), ("none", "correct=small"), pictures=0))
    console = Console(width=120, highlight=False, record=True, file=None)
    print_damage(found, console)
    text = console.export_text()
    assert text.startswith("At JPEG 10, ")
    assert "With correct=small, " in text
    (line,) = [line for line in text.splitlines() if line.startswith("jpeg:10  none")]
    assert line.split()[-1] == "4"
    assert "3 of 5 pictures could not be compared" in text
    assert "4.png: decode: " in text


def test_nothing_measured_is_said(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert run(["damage", str(tmp_path), "--codec", "jpeg:10", "-o", str(tmp_path / "p.html")]) == 3
    assert capsys.readouterr().out.startswith("No picture could be compared.")


def test_wrong_words_are_refused_before_work(tmp_path, capsys):
    for words in (
        ["damage", str(tmp_path / "none")],
        ["damage", str(tmp_path)],
        ["damage", DATA, "--codec", "jpeg:0"],
        ["damage", DATA, "--limit", "0"],
        ["damage", DATA, "-o", str(tmp_path)],
        ["damage", DATA, "--mitigate", "model=onnx:demo"],
    ):
        assert run(words) == 2
    assert "pictures' own" in capsys.readouterr().err
    for wrong in ({"limit": 0}, {"pictures": -1}, {"seed": -1}):
        with pytest.raises(UsageError, match="or more"):
            DamagePlan(DATA, **wrong)
