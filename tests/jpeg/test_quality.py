import numpy as np
import pytest

from tests.jpeg.streams import GREY, YCC_420, dqt, encoded, header, segment, sof, stream
from unlossy.jpeg import QualityEstimate, estimate_quality
from unlossy.jpeg.quality import table_names, table_quality
from unlossy.jpeg.tables import CHROMINANCE, CHROMINANCE_9E, LUMINANCE, MAX_ENTRY_16_BIT, ijg_table


def estimate(*parts: bytes, components=YCC_420) -> QualityEstimate:
    return estimate_quality(header(stream(*parts, sof(16, 16, components))))


@pytest.mark.parametrize("quality", range(1, 101))
def test_every_quality_of_libjpeg_is_exact(quality):
    for sampling in ("4:2:0", "4:2:2", "4:4:4"):
        got = estimate_quality(header(encoded(size=(8, 8), quality=quality, subsampling=sampling)))
        assert got == QualityEstimate(quality, quality, True, 0.0)
    grey = estimate_quality(header(encoded(size=(8, 8), mode="L", quality=quality)))
    assert grey == QualityEstimate(quality, None, True, 0.0)


@pytest.mark.parametrize(("luma", "chroma"), [(75, 20), (20, 75), (100, 1), (1, 100)])
def test_luma_and_chroma_apart(luma, chroma):
    # what `cjpeg -quality 75,20` writes; a single number would be a lie
    got = estimate(dqt(0, ijg_table(LUMINANCE, luma)), dqt(1, ijg_table(CHROMINANCE, chroma)))
    expected_chroma = chroma if chroma > 3 else 3  # all 255 at 1..3: the one nearest to luma's
    assert got == QualityEstimate(luma, expected_chroma, True, 0.0)


@pytest.mark.parametrize("quality", [1, 2, 3, 10, 24, 75])
def test_wide_tables_are_exact_under_their_own_clamp(quality):
    # what `cjpeg -quality 1` writes without -baseline: the tables at 1, 2 and 3 differ then
    parts = [
        dqt(0, ijg_table(LUMINANCE, quality, MAX_ENTRY_16_BIT), wide=True),
        dqt(1, ijg_table(CHROMINANCE, quality, MAX_ENTRY_16_BIT), wide=True),
    ]
    assert estimate(*parts) == QualityEstimate(quality, quality, True, 0.0)


def test_where_one_table_fits_several_qualities_the_other_decides():
    flat = ijg_table(CHROMINANCE, 1)
    assert table_quality(flat, CHROMINANCE).candidates == (1, 2, 3)
    for quality in (1, 2, 3):
        assert estimate(dqt(0, ijg_table(LUMINANCE, quality)), dqt(1, flat)).ijg_quality_chroma == quality


def test_where_nothing_decides_the_highest_is_given():
    luma_unknown = [(1, 1, 1, 3), (2, 1, 1, 1), (3, 1, 1, 1)]
    got = estimate(dqt(1, ijg_table(CHROMINANCE, 1)), components=luma_unknown)
    assert (got.ijg_quality_luma, got.ijg_quality_chroma) == (None, 3)


def test_slots_do_not_matter_but_the_components_that_use_them():
    swapped_slots = [(1, 2, 2, 1), (2, 1, 1, 0), (3, 1, 1, 0)]
    parts = (dqt(1, ijg_table(LUMINANCE, 60)), dqt(0, ijg_table(CHROMINANCE, 60)), dqt(3, np.full((8, 8), 9)))
    assert estimate(*parts, components=swapped_slots) == QualityEstimate(60, 60, True, 0.0)


def test_luma_under_the_chroma_table_is_not_exact():
    got = estimate(dqt(0, ijg_table(CHROMINANCE, 60)), dqt(1, ijg_table(LUMINANCE, 60)))
    assert got.exact is False
    assert got.residual > 0.3


def test_one_table_for_all_is_exact_for_luma_only():
    shared = [(1, 2, 2, 0), (2, 1, 1, 0), (3, 1, 1, 0)]
    got = estimate(dqt(0, ijg_table(LUMINANCE, 40)), components=shared)
    assert (got.ijg_quality_luma, got.exact) == (40, False)
    assert got.residual > 0


def test_rgb_and_cmyk_are_judged_by_the_luminance_table_that_libjpeg_gives_them():
    for data in (encoded(keep_rgb=True, quality=62), encoded(mode="CMYK", quality=62)):
        assert estimate_quality(header(data)) == QualityEstimate(62, None, True, 0.0)


def test_two_chroma_tables_name_a_quality_only_together():
    three = [(1, 1, 1, 0), (2, 1, 1, 1), (3, 1, 1, 2)]
    luma = dqt(0, ijg_table(LUMINANCE, 50))
    same = estimate(luma, dqt(1, ijg_table(CHROMINANCE, 50)), dqt(2, ijg_table(CHROMINANCE, 50)), components=three)
    other = estimate(luma, dqt(1, ijg_table(CHROMINANCE, 50)), dqt(2, ijg_table(CHROMINANCE, 30)), components=three)
    assert same == QualityEstimate(50, 50, True, 0.0)
    assert other == QualityEstimate(50, None, True, 0.0)


def test_one_entry_off_is_the_nearest_quality_with_the_residual_of_the_formula():
    table = ijg_table(LUMINANCE, 70).copy()
    table[7, 7] += 3
    got = estimate(dqt(0, table), components=GREY)
    assert (got.ijg_quality_luma, got.exact) == (70, False)
    assert got.residual == pytest.approx(3 / table.sum())


def test_tables_far_from_any_ijg_table_get_no_quality():
    random = np.random.default_rng(1).integers(1, 255, (8, 8))
    got = estimate(dqt(0, random), components=GREY)
    assert (got.ijg_quality_luma, got.exact) == (None, False)
    assert got.residual > 0.35
    assert estimate(dqt(0, np.zeros((8, 8))), components=GREY).ijg_quality_luma is None


def test_a_missing_table_leaves_its_quality_unknown_and_nothing_exact():
    assert estimate(dqt(0, ijg_table(LUMINANCE, 50))) == QualityEstimate(50, None, False, None)
    assert estimate() == QualityEstimate(None, None, None, None)


def test_lossless_files_have_no_quality_even_with_a_table():
    lossless = header(stream(dqt(0, ijg_table(LUMINANCE, 50)), sof(8, 8, GREY, 0xC3)))
    assert estimate_quality(lossless) == QualityEstimate(None, None, None, None)


def test_names_of_tables():
    assert table_names(ijg_table(LUMINANCE, 50)) == ("luminance 50",)
    assert table_names(ijg_table(CHROMINANCE, 2)) == ("luminance 1", "chrominance 1..3")
    assert table_names(ijg_table(LUMINANCE, 100)) == ("luminance 100", "chrominance 100")
    assert table_names(ijg_table(CHROMINANCE_9E, 75)) == ("chrominance 75 (libjpeg 9e)",)
    assert table_names(ijg_table(LUMINANCE, 5, MAX_ENTRY_16_BIT)) == ("luminance 5",)
    assert table_names(np.full((8, 8), 9, dtype=np.uint16)) == ()


def test_comments_do_not_change_the_estimate():
    parts = (dqt(0, ijg_table(LUMINANCE, 30)), dqt(1, ijg_table(CHROMINANCE, 30)))
    assert estimate(segment(0xFE, b"CREATOR: gd-jpeg, quality = 90"), *parts) == estimate(*parts)


@pytest.mark.parametrize("quality", range(1, 101))
def test_chroma_of_libjpeg_9e_is_exact_too(quality):
    # its change log: "change default chrominance DC quantization factor for lossless support"; 16 where K.2 has 17
    newer = CHROMINANCE.copy()
    newer[0, 0] = 16
    parts = (dqt(0, ijg_table(LUMINANCE, quality)), dqt(1, ijg_table(newer, quality)))
    assert estimate(*parts) == QualityEstimate(quality, quality, True, 0.0)
