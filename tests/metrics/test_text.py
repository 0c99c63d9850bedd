"""Error rates of hand-checked cases, and what normalisation may and may not change."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlossy.metrics.text import (
    TextEdits,
    confusions_of,
    edits_of,
    error_rates,
    normalised,
    rule_of,
    unpacked,
)

pytest.importorskip("rapidfuzz", reason="the extra `text` is not installed")


@pytest.mark.parametrize(
    ("truth", "rule"),
    [("HOME", "word"), ("don't!", "word"), ("two words", "page"), ("a\nb", "page"), ("", "page"), ("---", "page")],
)
def test_the_truth_chooses_the_rule(truth, rule):
    assert rule_of(truth) == rule


@pytest.mark.parametrize(
    ("text", "rule", "expected"),
    [
        ("‘Obloom,", "word", "obloom"),
        ("Straße №5", "word", "strasseno5"),  # NFKC: № is No; casefold: ß is ss
        ("ＡＢＣ１２", "word", "abc12"),  # full width
        ("कि.", "word", "कि"),  # the vowel sign is a mark, and stays
        ("  Total:\t 9,00\n RM ", "page", "Total: 9,00 RM"),
        ("ﬁne", "page", "fine"),
    ],
)
def test_normalisation(text, rule, expected):
    assert normalised(text, rule) == expected


@pytest.mark.parametrize(
    ("reading", "truth", "expected"),
    [
        ("kitten", "sitting", TextEdits(3, 7, 1, 1)),  # the textbook's
        ("Stop,", "STOP", TextEdits(0, 4, 0, 1)),
        ("HO ME", "home", TextEdits(0, 4, 0, 1)),
        ("", "abc", TextEdits(3, 3, 1, 1)),
        ("the cat sat", "the bat sat down", TextEdits(6, 16, 2, 4)),  # b for c; " down"; one wrong and one missed word
        ("total 9.00", "Total 9,00", TextEdits(2, 10, 2, 2)),  # on a page case and punctuation count
        ("x", "", TextEdits(1, 0, 1, 0)),
        ("", "", TextEdits(0, 0, 0, 0)),
    ],
)
def test_hand_counted_edits(reading, truth, expected):
    assert edits_of(reading, truth) == expected


def test_an_items_accuracy():
    accuracies = [
        edits_of(*pair).char_accuracy for pair in [("kitten", "sitting"), ("xyzxyz", "abc"), ("", ""), ("x", "")]
    ]
    assert accuracies == [pytest.approx(4 / 7), 0.0, 1.0, 0.0]


def test_confusions_name_the_true_character_first():
    assert confusions_of("c1eon1", "clean") == Counter({("l", "1"): 1, ("a", "o"): 1, ("", "1"): 1})
    assert confusions_of("ca", "cat") == Counter({("t", ""): 1})


@given(reading=st.text(max_size=20), truth=st.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_the_confusions_are_the_edits(reading, truth):
    assert confusions_of(reading, truth).total() == edits_of(reading, truth).char_edits


def test_rates_are_sums_over_sums_not_means():
    edits = unpacked([edits_of("kitten", "sitting").packed(), None, edits_of("ab", "a").packed()])
    cer, wer = error_rates(edits, np.array([[1.0, 1, 1], [2, 5, 1], [0, 1, 0], [0, 0, 9]]))
    np.testing.assert_allclose(cer, [4 / 8, 7 / 15, math.nan, 1.0])
    np.testing.assert_allclose(wer, [2 / 2, 2 / 2, math.nan, 1.0])


def test_more_errors_than_characters_are_all_wrong_and_no_more():
    cer, _ = error_rates(unpacked([edits_of("a long invention", "no").packed()]), np.ones((1, 1)))
    assert cer.tolist() == [1.0]
