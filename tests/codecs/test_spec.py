import pytest

from tests.codecs.test_conformance import picture
from unlossy.codecs import parse_codecs
from unlossy.core.errors import UsageError


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        ("jpeg", [f"jpeg:{quality}" for quality in range(10, 100, 10)]),
        ("jpeg:30", ["jpeg:30"]),
        ("jpeg:30,10,30", ["jpeg:30", "jpeg:10"]),
        ("jpeg:10..90:40", ["jpeg:10", "jpeg:50", "jpeg:90"]),
        ("jpeg:10..35:10,95", ["jpeg:10", "jpeg:20", "jpeg:30", "jpeg:95"]),
        ("jpeg[420]:50", ["jpeg:50"]),
        ("jpeg[progressive,444]:50", ["jpeg[444,progressive]:50"]),
        ("webp[m0]:20", ["webp[m0]:20"]),
        ("jpeg:30+jpeg:75", ["jpeg:30+jpeg:75"]),
        ("jpeg:30,50+webp:75", ["jpeg:30+webp:75", "jpeg:50+webp:75"]),
    ],
)
def test_grammar(spec, settings):
    assert [codec.setting for codec in parse_codecs(spec)] == settings


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        ("", "cannot read"),
        ("gif:30", "unknown codec 'gif'"),
        ("jpeg:", "cannot read"),
        ("jpeg:0", "takes a quality of 1 to 100"),
        ("jpeg:101", "takes a quality of 1 to 100"),
        ("jpeg:30.5", "whole number"),
        ("jpeg:-3", "whole number"),
        ("jpeg:10..90", "needs a step"),
        ("jpeg:10..90:0", "needs a step"),
        ("jpeg:90..10:10", "backwards"),
        ("jpeg[411]:30", "has no option '411'"),
        ("jpeg[444,422]:30", "one subsampling"),
        ("jpeg:30+", r"cannot read.*'jpeg\[444\]:50'"),  # quoted, as a shell wants it
        ("jpeg:1..99999:1", "whole number"),
        ("webp[m0,m1]:30", "one method"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(spec, finding):
    with pytest.raises(UsageError, match=finding):
        parse_codecs(spec)


def test_a_chain_is_its_parts_one_after_the_other():
    (chain,) = parse_codecs("jpeg:20+webp:60")
    (first,), (second,) = parse_codecs("jpeg:20"), parse_codecs("webp:60")
    image = picture(40, 56)
    assert chain.encode(image) == second.encode(first.decode(first.encode(image)))
    assert chain.codec_quality is None
