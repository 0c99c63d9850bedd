"""The sentences, word for word, for results whose numbers are given."""

from dataclasses import replace

import pytest

from tests.report.made import make_run, result_of, row_of
from unlossy.report.chance import is_chance, shuffled_top1
from unlossy.report.verdict import caveats, headline_setting, levels, verdict
from unlossy.runs import summarise_run

LOSS = {
    "jpeg:10": (-51.3, -57.3, -45.7),
    "jpeg:30": (-15.3, -20.0, -10.7),
    "jpeg:80": (-2.0, -5.0, 0.3),
    "jpeg:90": (-1.0, -3.0, 1.0),
}


def test_the_loss_at_30_the_worst_and_where_noise_begins():
    assert verdict(result_of(LOSS)) == (
        "At JPEG 30 this model loses 15.3 points of top-1 (95 %: 10.7 to 20.0), at JPEG 10 it loses 51.3; down to "
        "JPEG 80 the loss is within noise (95 %: at most 5.0 points lost)."
    )
    assert headline_setting(result_of(LOSS)) == "jpeg:30"


def test_the_metric_itself_stands_beside_the_loss():
    assert levels(result_of(LOSS)) == "Top-1: 90.0 % clean, 74.7 % at JPEG 30, 38.7 % at JPEG 10."
    assert levels(result_of({"jpeg:30": None})) is None


def test_where_even_the_mildest_costs_it_says_so():
    costly = {"jpeg:30": (-15.0, -20.0, -10.0), "jpeg:90": (-2.3, -4.0, -0.3)}
    assert verdict(result_of(costly)) == (
        "At JPEG 30 this model loses 15.0 points of top-1 (95 %: 10.0 to 20.0); even at JPEG 90, the mildest tested, "
        "it loses 2.3 (0.3 to 4.0)."
    )


def test_an_interval_that_touches_zero_is_noise():
    one = {"jpeg:30": (-2.3, -5.0, 0.0)}
    assert verdict(result_of(one)) == (
        "At JPEG 30 the change of top-1 is within noise (95 %: at most 5.0 points lost)."
    )
    two = {"jpeg:30": (-2.3, -5.0, 0.0), "jpeg:90": (0.2, -1.0, 1.0)}
    assert verdict(result_of(two)) == (
        "From JPEG 90 down to JPEG 30 no change of top-1 is beyond noise (95 %: at most 5.0 points lost)."
    )


def test_where_no_image_changes_the_bound_is_that_of_images_not_seen():
    """None of 160 changed: 1 - 0.025 ** (1 / 160) is 2.28 %; of 3 that all did, 29.2 % is the least."""
    none_changed = result_of({"jpeg:30": (0.0, 0.0, 0.0)}, n_items=160)
    assert verdict(none_changed) == ("At JPEG 30 the change of top-1 is within noise (95 %: at most 2.3 points lost).")
    all_changed = result_of({"jpeg:30": (-100.0, -100.0, -100.0)}, n_items=3)
    assert verdict(all_changed) == "At JPEG 30 this model loses 100.0 points of top-1 (95 %: 29.2 to 100.0)."
    labelled = replace(none_changed, n_labelled=40)
    assert "at most 8.8 points lost" in verdict(labelled)


def test_answers_that_all_stay_may_change_on_other_images():
    same = result_of({"jpeg:90": (0.0, 0.0, 0.0)}, "agreement", n_items=160, clean=1.0)
    assert verdict(same) == "At JPEG 90 this model changes its answer on 0.0 % of the images (95 %: 0.0 to 2.3)."


def test_few_images_are_warned_of():
    (note,) = caveats(result_of(LOSS, n_items=3))
    assert note == "With fewer than 20 images (here 3) intervals tell little of other images."
    assert caveats(result_of(LOSS, n_items=20)) == []


def test_noise_between_costly_settings_is_not_called_a_border():
    """JPEG 50 within noise, but 90 beyond it: the sentence must not say that down to 50 all is well."""
    odd = {"jpeg:10": (-9.0, -12.0, -6.0), "jpeg:50": (-1.0, -3.0, 1.0), "jpeg:90": (-2.0, -3.0, -1.0)}
    assert "within noise" not in verdict(result_of(odd))


def test_a_gain_is_called_a_gain():
    gain = {"jpeg:30": (2.0, 1.0, 3.0), "jpeg:90": (0.0, -1.0, 1.0)}
    assert verdict(result_of(gain)) == (
        "At JPEG 30 this model gains 2.0 points of top-1 (95 %: 1.0 to 3.0); at JPEG 90 the loss is within noise "
        "(95 %: at most 1.0 points lost)."
    )


def test_without_labels_it_speaks_of_answers():
    result = result_of({"jpeg:30": (-25.3, -30.0, -20.5), "jpeg:90": (-7.0, -10.0, -4.0)}, "agreement", clean=1.0)
    assert verdict(result) == (
        "At JPEG 30 this model changes its answer on 25.3 % of the images (95 %: 20.5 to 30.0), at JPEG 90 on 7.0 %."
    )
    assert any("no labels" in note for note in caveats(result))


def test_chains_and_several_codecs_have_sentences_of_their_own():
    told = verdict(result_of(LOSS | {"webp:20": (-9.0, -12.0, -6.0), "jpeg:30+jpeg:75": (-16.0, -21.0, -11.0)}))
    assert "At WebP 20 this model loses 9.0" in told
    assert "After JPEG 30 then JPEG 75 this model loses 16.0" in told
    options = {f"jpeg[{option}]:30": (-9.0, -12.0, -6.0) for option in ("444", "422", "progressive", "optimize")}
    assert verdict(result_of(options)).endswith("1 more codec in the table.")


def test_nothing_scored_and_what_failed():
    assert "Nothing could be scored" in verdict(result_of({"jpeg:30": None}))
    (note,) = caveats(result_of(LOSS, failed=3))
    assert note == (
        "3 of 300 items failed (3 decode) in at least one setting; their rows say why. Each setting counts what was "
        "scored there."
    )
    assert caveats(result_of(LOSS)) == []
    (unfinished,) = caveats(result_of(LOSS), n_done=16)
    assert unfinished == "This run is not finished: 16 of 300 images are done."
    (some,) = caveats(replace(result_of(LOSS), n_labelled=40))
    assert "Only 40 of 300 images have a label" in some


def answered(folder, pairs):
    """The notes on a run whose clean images have these true classes and answers."""
    rows = [row_of(i, codec, a, truth=t) for i, (t, a) in enumerate(pairs) for codec in ("clean", "jpeg:50")]
    return caveats(summarise_run(make_run(folder, rows, ("jpeg:50",), n_items=len(pairs))))


def test_answers_no_better_than_chance_are_warned_of(tmp_path):
    swapped = [(n % 2, 1 - n % 2) for n in range(38)] + [(0, 0), (1, 1)]
    (note,) = answered(tmp_path / "swapped", swapped)
    assert note == (
        "The model is right on 5.0 % of the clean images, no more than chance may make it (labels dealt at random: "
        "50.0 %): check that classes and outputs are in the same order, and that the preprocessing is that of these "
        "weights."
    )
    (note,) = answered(tmp_path / "constant", [(n % 4, 2) for n in range(40)])
    assert (
        "right on 25.0 % of the clean images, no more than chance may make it (labels dealt at random: 25.0 %)" in note
    )
    (note,) = answered(tmp_path / "none", [(n % 30, n % 30 + 1) for n in range(60)])
    assert "right on only 0.0 %" in note


@pytest.mark.parametrize(
    "pairs",
    [
        [(n % 4, n % 4 if n % 2 else 0) for n in range(40)],  # half right where chance has a quarter
        [(3, 3 if n % 2 else 0) for n in range(40)],  # one class: nothing can be in another order
        [(n % 2, 1 - n % 2) for n in range(19)],  # too few
        [(None, n % 2) for n in range(40)],
    ],
)
def test_other_answers_are_not(tmp_path, pairs):
    assert not any("chance" in note or "right on" in note for note in answered(tmp_path / "run", pairs))


def test_chance_is_the_mean_over_all_ways_to_deal_the_labels(tmp_path):
    """Three of class 0 and one of 1, answered 0, 0, 1, 1: (3 * 2 + 1 * 2) / 16; what failed has no part in it."""
    pairs = [(0, 0), (0, 0), (0, 1), (1, 1)]
    rows = [row_of(i, "clean", a, truth=t) for i, (t, a) in enumerate(pairs)]
    run = make_run(tmp_path / "run", [*rows, row_of(4, "clean", 1, truth=1, error="decode")], n_items=5)
    assert shuffled_top1(run) == 0.5
    assert shuffled_top1(tmp_path / "elsewhere") is None
    assert is_chance(0.5, 0.5, 40)
    assert is_chance(0.63, 0.5, 40)
    assert not is_chance(0.64, 0.5, 40)


def test_a_loss_too_small_for_one_decimal_is_not_called_none():
    tiny = {"jpeg:10": (-2.0, -3.0, -1.0), "jpeg:90": (-0.04, -0.07, -0.01)}
    assert verdict(result_of(tiny)).endswith("even at JPEG 90, the mildest tested, it loses 0.04 (0.01 to 0.07).")
    near_zero = {"jpeg:30": (-2.3, -5.0, -0.03)}
    assert verdict(result_of(near_zero)) == "At JPEG 30 this model loses 2.30 points of top-1 (95 %: 0.03 to 5.00)."
    gained = {"jpeg:30": (0.04, 0.01, 0.07)}
    assert "gains 0.04 points of top-1 (95 %: 0.01 to 0.07)" in verdict(result_of(gained))


def test_levels_are_over_the_images_that_the_verdict_is_over(tmp_path):
    """Of 40 images 15, all wrong, cannot be compressed; of the others 2 of 25 right answers are lost."""
    rows = [row_of(n, "clean", 1 if n < 15 else 0, clean=0) for n in range(40)]
    rows += [row_of(n, "webp:30", 1 if n < 17 else 0, error="codec" if n < 15 else None) for n in range(40)]
    result = summarise_run(make_run(tmp_path / "run", rows, ("webp:30",), n_items=40))
    assert result.clean["top1"] == 25 / 40
    assert levels(result) == "Top-1: 100.0 % clean, 92.0 % at WebP 30."
