from pathlib import Path

import pytest

from unlossy.core.errors import UsageError
from unlossy.study import StudyPlan

PLAN = StudyPlan(model="onnx:a.onnx", data="photos", codecs=("jpeg:10..30:10", "webp:50"), limit=7, seed=3)


def test_codecs_become_their_canonical_settings():
    assert PLAN.codecs == ("jpeg:10", "jpeg:20", "jpeg:30", "webp:50")
    assert [codec.setting for codec in PLAN.made_codecs] == list(PLAN.codecs)
    same = StudyPlan(
        model="onnx:a.onnx", data="photos", codecs=("jpeg[420]:10,20,30,10", "webp[m4]:50"), limit=7, seed=3
    )
    assert same == PLAN
    assert same.hash == PLAN.hash


def test_paths_and_single_texts_are_the_plan_of_their_texts():
    plan = StudyPlan("onnx:a.onnx", Path("photos/day"), codecs="jpeg:10..30:10", mitigations="correct=small", limit=7)
    assert plan == StudyPlan(
        "onnx:a.onnx", "photos/day", codecs=("jpeg:10,20,30",), mitigations=("correct=small",), limit=7
    )
    assert StudyPlan.from_toml(plan.to_toml()).hash == plan.hash
    assert StudyPlan("onnx:a.onnx", "photos", codecs=["jpeg:10", "webp:50"]).codecs == ("jpeg:10", "webp:50")


def test_toml_brings_the_plan_back():
    assert StudyPlan.from_toml(PLAN.to_toml()) == PLAN
    odd = StudyPlan(model='py:a:b"\\\n', data="é 'x' \u2028", codecs=("jpeg:5",))
    assert StudyPlan.from_toml(odd.to_toml()) == odd
    assert f'hash = "{PLAN.hash}"' in PLAN.to_toml()


@pytest.mark.parametrize(
    "text", ["p\N{GRINNING FACE}", *(f"a{chr(code)}b" for code in (*range(32), 0x7F, 0x85, 0x10FFFF))]
)
def test_any_character_comes_back(text):
    plan = StudyPlan(model=f"onnx:{text}", data=text, mitigations=(f"correct={text}",))
    assert StudyPlan.from_toml(plan.to_toml()) == plan


def test_a_plan_of_ascii_escapes_is_the_same_plan():
    """As plans were once written: their RUNs go on."""
    plan = StudyPlan(model="onnx:é", data="\u2028")
    escaped = plan.to_toml().replace("é", r"\u00e9").replace("\u2028", r"\u2028")
    assert escaped.isascii()
    assert StudyPlan.from_toml(escaped).hash == plan.hash


@pytest.mark.parametrize("change", [{"model": "a\udcff"}, {"data": "a\udcff"}, {"mitigations": ("correct=a\udcff",)}])
def test_bytes_that_are_not_utf8_are_refused(change):
    with pytest.raises(UsageError, match=r"a\\xff' is not UTF-8.*rename"):
        StudyPlan(**({"model": "onnx:a", "data": "b"} | change))


@pytest.mark.parametrize(
    "change",
    [
        {"model": "onnx:b.onnx"},
        {"data": "other"},
        {"codecs": ("jpeg:10",)},
        {"limit": None},
        {"seed": 4},
        {"batch": 16},
        {"compress_at": "input"},
    ],
)
def test_whatever_decides_the_rows_changes_the_hash(change):
    fields = {name: getattr(PLAN, name) for name in StudyPlan.__slots__}
    assert StudyPlan(**(fields | change)).hash != PLAN.hash


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"codecs": ()}, "needs a codec"),
        ({"codecs": ("jpeg:0",)}, "takes a quality"),
        ({"limit": 0}, "limit must be"),
        ({"batch": 0}, "batch must be"),
        ({"seed": -1}, "seed must be"),
        ({"compress_at": "disk"}, "compress_at is one of"),
        ({"mitigations": ("magic",)}, "'magic' is not known"),
        ({"mitigations": "magic"}, "'magic' is not known"),
        ({"codecs": "jpeg:0"}, "takes a quality"),
    ],
)
def test_what_cannot_be_done_is_refused(change, finding):
    with pytest.raises(UsageError, match=finding):
        StudyPlan(**({"model": "onnx:a", "data": "b"} | change))


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("plan = [", "not TOML"),
        ("[plan]\nmodel = 'a'", "lacks data"),
        ("[plan]\nmodel = 'a'\ndata = 'b'\nquality = 3", "unknown fields: quality"),
        ("[plan]\nmodel = 'a'\ndata = 3", "data must be of type str"),
        ("[plan]\nmodel = 'a'\ndata = 'b'\nseed = true", "seed must be of type int"),
        ("[plan]\nmodel = 'a'\ndata = 'b'\ncodecs = 'jpeg'", "codecs must be a list"),
    ],
)
def test_a_plan_by_hand_is_checked(text, finding):
    with pytest.raises(UsageError, match=finding):
        StudyPlan.from_toml(text)
