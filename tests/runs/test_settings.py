import pytest

from unlossy.codecs import parse_codecs
from unlossy.runs.settings import at, families_of, spoken


def families(*specs):
    return families_of([codec for spec in specs for codec in parse_codecs(spec)])


def test_settings_that_differ_in_quality_alone_are_a_family_best_first():
    jpeg, webp, chain, other = families("jpeg:10,90,50", "webp:20", "jpeg:30+jpeg:75", "jpeg[444]:30")
    assert jpeg.settings == ("jpeg:90", "jpeg:50", "jpeg:10")
    assert jpeg.qualities == (90.0, 50.0, 10.0)
    assert (webp.settings, chain.qualities, other.settings) == (("webp:20",), (None,), ("jpeg[444]:30",))
    assert jpeg.swept
    assert not chain.swept


@pytest.mark.parametrize(
    ("spec", "looked_at"),
    [
        ("jpeg:10..90:10", ("jpeg:50", "jpeg:30", "jpeg:10")),
        ("jpeg:20,40,95", ("jpeg:40", "jpeg:20")),  # 30 lies between: the lower one
        ("jpeg:75", ("jpeg:75",)),
        ("jpeg:30+jpeg:75", ("jpeg:30+jpeg:75",)),
    ],
)
def test_the_settings_nearest_to_50_30_and_10_are_looked_at(spec, looked_at):
    assert families(spec)[0].looked_at() == looked_at


def test_settings_as_people_say_them():
    assert spoken("clean") == "clean"
    assert spoken("jpeg[444,progressive]:30") == "JPEG [444,progressive] 30"
    assert at("jpeg:30+webp:75") == "after JPEG 30 then WebP 75"
    assert at("webp:20") == "at WebP 20"
