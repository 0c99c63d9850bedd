from pathlib import Path

import pyarrow as pa
import pytest

from tests.audit.dealt import dealt, even, jpegs, replaced, way
from unlossy.audit.limits import KINDS, Limit
from unlossy.audit.options import ScanOptions
from unlossy.audit.policy import Policy, check, check_measured, fail_under, load_policy
from unlossy.audit.schema import schema
from unlossy.core.errors import UsageError

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "policies").glob("*.toml"))


def result_of(limit, table):
    (result,) = check(Policy("p", (limit,)), table).limits
    return result


@pytest.fixture
def written(tmp_path):
    def write(text):
        file = tmp_path / "policy.toml"
        file.write_text(text)
        return file

    return write


MIXED = [*jpegs([20, 50, 75, 90]), way(kind="PNG"), way(80, progressive=True)]


@pytest.mark.parametrize(
    ("limit", "failing", "checked", "without"),
    [
        (Limit("ijg_quality_luma", minimum=75), [0, 1], 5, 1),
        (Limit("ijg_quality_luma", maximum=75), [3, 5], 5, 1),
        (Limit("ijg_quality_luma", minimum=50, maximum=80), [0, 3], 5, 1),
        (Limit("ijg_quality_luma", minimum=75, missing_fails=True), [0, 1, 4], 6, 1),
        (Limit("ijg_quality_luma", present=True), [4], 6, 1),
        (Limit("ijg_quality_luma", allowed=(20.0, 90.0)), [1, 2, 5], 5, 1),
        (Limit("process", allowed=("baseline",)), [5], 5, 1),
        (Limit("process", forbidden=("baseline", "lossless")), [0, 1, 2, 3], 5, 1),
        (Limit("truncated", allowed=(False,)), [], 5, 1),
        (Limit("truncated", allowed=(True,)), [0, 1, 2, 3, 5], 5, 1),
        (Limit("error_kind", present=False), [], 6, 6),
        (Limit("format", present=False), [0, 1, 2, 3, 4, 5], 6, 0),
        (Limit("width", maximum=10, where={"format": ("png",)}), [4], 1, 0),
        (Limit("width", maximum=10, where={"format": ("jpeg",), "ijg_quality_luma": (20.0, 75.0)}), [0, 2], 2, 0),
    ],
    ids=lambda value: value.text if isinstance(value, Limit) else "",
)
def test_a_limit_finds_the_rows_that_break_it(limit, failing, checked, without):
    result = result_of(limit, dealt(MIXED))
    assert result.failing == tuple(f"{i:05d}.jpg" for i in failing)
    assert (result.checked, result.without) == (checked, without)
    assert result.passed == (not failing)


def test_ratio_is_samples_over_file():
    table = replaced(
        dealt([way(90)] * 3 + [way(kind="PNG")]),
        size_bytes=[3 * 100 * 100 // 10, 2999, 0, 5],
        width=[100] * 4,
        height=[100] * 4,
    )
    result = result_of(Limit("compression_ratio", maximum=10.0), table)
    assert result.failing == ("00001.jpg",)  # 10.003 to 1; the file of no bytes has no ratio
    assert result.without == (1 if table["precision"][3].as_py() is not None and table["components"][3].as_py() else 2)


def test_a_share_may_fail_and_is_met_exactly():
    table = dealt(jpegs([20] * 3 + [90] * 27), **{"class": ["a"] * 15 + ["b"] * 15})
    assert result_of(Limit("ijg_quality_luma", minimum=60, allowed_share=0.1), table).passed
    assert not result_of(Limit("ijg_quality_luma", minimum=60, allowed_share=0.09), table).passed
    by_class = result_of(Limit("ijg_quality_luma", minimum=60, allowed_share=0.1, group="class"), table)
    assert by_class.groups == {"a": pytest.approx(0.2)}
    assert "(class: a)" in by_class.sentence


def test_batches_add_up():
    table = dealt(jpegs([20, 80, 90] * 20), **{"class": even(60, 4)})
    policy = Policy("p", (Limit("ijg_quality_luma", minimum=60, group="class"), Limit("format", allowed=("jpeg",))))
    assert check(policy, iter(table.to_batches(max_chunksize=7))) == check(policy, table)


def test_offending_keys_are_those_of_broken_limits_each_once():
    limits = (
        Limit("ijg_quality_luma", minimum=60, allowed_share=0.9),
        Limit("ijg_quality_luma", minimum=30),
        Limit("ijg_quality_chroma", minimum=30),
    )
    result = check(Policy("p", limits), dealt(MIXED))
    assert not result.passed
    assert result.offending == ("00000.jpg",)
    told = result.as_json()
    assert (told["passed"], told["n_offending"]) == (False, 1)
    assert told["limits"][0]["failing"] == ["00000.jpg", "00001.jpg"]


def test_fail_under_passes_over_what_has_no_quality_and_says_so():
    result = check(fail_under(75), dealt(MIXED))
    assert result.offending == ("00000.jpg", "00001.jpg")
    assert "1 have no ijg_quality_luma and are not held to it" in result.limits[0].sentence
    for number in (0, 101, -3):
        with pytest.raises(UsageError, match="--fail-under takes 1 to 100"):
            fail_under(number)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_understood(path):
    policy = load_policy(path)
    check_measured(policy, ScanOptions())
    assert policy.description
    assert len(policy.limits) >= 3
    good = dealt([way(95, subsampling=0)] * 3, **{"class": list("abc")})
    assert check(policy, good).passed


@pytest.mark.parametrize(
    ("name", "breaking"), [("training-set", way(20)), ("archive-scans", way(60)), ("medical", None)]
)
def test_examples_refuse_what_they_are_for(name, breaking):
    (path,) = [path for path in EXAMPLES if path.stem == name]
    table = dealt([breaking or way(90)] * 3)
    if breaking is None:
        table = replaced(table, size_bytes=[20] * 3)
    assert not check(load_policy(path), table).passed


def test_a_whole_file_is_read(written):
    policy = load_policy(
        written(
            'name = "N"\n[[limit]]\nfield = "ijg_quality_luma"\nmin = 60\nmax = 99.5\nallowed_share = 0.05\n'
            'group = "class"\nmissing = "fail"\nwhere = { format = ["jpeg"], truncated = [false] }\n'
        )
    )
    where = {"format": ("jpeg",), "truncated": (False,)}
    want = Limit("ijg_quality_luma", 60.0, 99.5, None, None, None, True, 0.05, "class", where)
    assert policy == Policy("N", (want,))
    text = "ijg_quality_luma at least 60 and at most 99.5 where format is jpeg where truncated is false"
    assert policy.limits[0].text == f"{text}, in at least 95 % of each class"


LIMIT = '[[limit]]\nfield = "ijg_quality_luma"\n'


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("", "has no limit"),
        ("limit = 3", "limit is 3; it takes a list"),
        ("limit = [3]", "limit 1 is no table"),
        ("[[limits]]\nmin = 3", "unknown key 'limits'"),
        ("[[limit]]\nmin = 3", "limit 1 names no field"),
        (LIMIT, r"limit 1 \(ijg_quality_luma\) has no rule"),
        (LIMIT + "min = 3\n" + LIMIT + "minimum = 4", "limit 2 has an unknown key 'minimum'"),
        (LIMIT + 'min = "high"', "min is 'high'; it takes a number"),
        (LIMIT + "min = true", "min is True; it takes a number"),
        (LIMIT + "min = 80\nmax = 70", "min 80 is above max 70"),
        (LIMIT + "min = 3\nallowed_share = 5", "allowed_share 5 is no share"),
        (LIMIT + 'min = 3\nmissing = "skip"', "missing is 'skip'"),
        (LIMIT + "present = false\nmin = 3", "must not be given cannot have other rules"),
        (LIMIT + "allowed = []", "allowed is an empty list"),
        (LIMIT + 'allowed = ["a"]', "allowed is 'a'; it takes a number"),
        (LIMIT + 'min = 3\nwhere = { colour = ["red"] }', "no column 'colour'"),
        (LIMIT + "min = 3\nwhere = { format = 3 }", "format is 3; it takes a list"),
        ('[[limit]]\nfield = "process"\nmin = 3', "min is for numbers, and this column holds text"),
        ('[[limit]]\nfield = "quantization_tables"\npresent = true', "no column 'quantization_tables'"),
        ("name = 3\n" + LIMIT + "min = 3", "name is 3; it takes text"),
        ("[[limit]\n", "is not TOML.*line 1"),
        (LIMIT + "min = nan", "min is nan"),
        (LIMIT + "max = inf", "max is inf"),
        (LIMIT + "allowed = [nan]", "allowed is nan"),
        (LIMIT + "min = 3\nallowed_share = nan", "allowed_share is nan"),
        (LIMIT + 'min = 3\nwhere = { format = ["jpg"] }', "'jpg', which format never is; did you mean 'jpeg'"),
        (LIMIT + 'min = 3\nwhere = { format = ["JPEG"] }', "did you mean 'jpeg'"),
        (LIMIT + 'min = 3\nwhere = { error_kind = ["read", "broken"] }', "'broken', which error_kind never is"),
        (LIMIT + 'min = 3\nwhere = { container = ["rar"] }', "container never is"),
        ('[[limit]]\nfield = "process"\nforbidden = ["progresive"]', "did you mean 'progressive'"),
        ('[[limit]]\nfield = "format"\nallowed = ["zzzzzz"]', "format never is; there are jpeg, png"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_place(written, text, finding):
    with pytest.raises(UsageError, match=finding):
        load_policy(written(text))


def test_every_value_that_rows_can_have_is_taken(written):
    for column, values in (
        ("format", ["jpeg", "webp", "avif", "heif", "ppm"]),
        ("process", ["baseline", "progressive, arithmetic"]),
        ("error_kind", ["read", "decode", "truncated", "too_large", "refused", "no_image"]),
        ("container", ["tar", "zip", "parquet", "pdf"]),
        ("encoder", ["anything"]),
    ):
        limit = load_policy(written(f"{LIMIT}min = 3\nwhere = {{ {column} = {values} }}")).limits[0]
        assert limit.where == {column: tuple(values)}


def test_a_kind_of_groups_that_no_image_has_breaks_the_limit():
    table = dealt(jpegs([20, 90]), **{"class": ["a", "b"]})
    result = result_of(Limit("ijg_quality_luma", minimum=60, allowed_share=0.6, group="clas"), table)
    assert not result.passed
    assert result.sentence.endswith("no image has groups of the kind 'clas'; there are class")
    assert result.as_json()["passed"] is False
    nothing = result_of(Limit("format", present=True, group="clas"), dealt(jpegs([20])))
    assert nothing.sentence.endswith("'clas'; they have none")


def test_images_without_a_usual_kind_of_groups_are_one_group_and_that_is_told():
    result = result_of(Limit("ijg_quality_luma", minimum=60, allowed_share=0.6, group="class"), dealt(jpegs([20, 90])))
    assert result.passed
    assert "no image has a class, so all are one group" in result.sentence


def test_a_limit_that_no_image_is_held_to_holds_and_says_so():
    chosen = result_of(Limit("width", maximum=1, where={"format": ("webp",)}), dealt(jpegs([20])))
    valued = result_of(Limit("ijg_quality_luma", minimum=60), dealt([way(kind="PNG")]))
    for result in (chosen, valued):
        assert result.passed
        assert result.sentence.startswith("holds, with no image to hold to it: ")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot read the policy"):
        load_policy(tmp_path / "none.toml")


@pytest.mark.parametrize(("column", "option"), [("scans", "deep"), ("blockiness", "pixels"), ("sha256", "sha256")])
def test_what_is_not_measured_is_refused_before_any_work(column, option):
    policy = Policy("p", (Limit(column, present=True),))
    with pytest.raises(UsageError, match=f"add --{option}"):
        check_measured(policy, ScanOptions())
    check_measured(policy, ScanOptions(**{option: True}))


def test_rows_without_the_column_are_refused():
    with pytest.raises(UsageError, match="'blockiness', which these rows do not hold"):
        check(Policy("p", (Limit("blockiness", maximum=3.0),)), dealt(MIXED))


def test_every_plain_column_can_be_limited():
    left_out = {"groups", "quantization_tables", "grid_offset"}
    assert {"compression_ratio", *schema(pixels=True, sha256=True).names} - set(KINDS) == left_out
    for name, kind in KINDS.items():
        limit = Limit(name, minimum=1.0) if kind is float else Limit(name, allowed=({str: "x", bool: True}[kind],))
        batch = pa.Table.from_pylist([], schema=schema(pixels=True, sha256=True))
        assert check(Policy("p", (limit,)), batch).passed
