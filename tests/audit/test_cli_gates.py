"""The verdict and the gates of `unlossy audit`, run as the shell runs them."""

import json

import pytest
import typer
from typer.testing import CliRunner

from tests.jpeg.streams import encoded
from unlossy.cli.audit import audit
from unlossy.core.errors import UsageError


@pytest.fixture
def invoke():
    app = typer.Typer()
    app.command("audit")(audit)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def photos(tmp_path):
    for name, quality in (("cat", 90), ("dog", 20)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        data = encoded(quality=quality)
        for number in range(12):
            (tmp_path / "photos" / name / f"{number:02d}.jpg").write_bytes(data)
    return tmp_path / "photos"


def test_the_verdict_is_printed_before_the_counts(invoke, photos):
    result = invoke(photos)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].startswith("24 images")
    text = " ".join(lines)
    assert (
        text.index("Rogue block: 12 images at quality 20, in class dog") < text.index("Leak: ") < text.index("format: ")
    )


def test_json_holds_the_verdict(invoke, photos):
    told = json.loads(invoke(photos, "--json").stdout)
    assert told["verdict"]["rogue_blocks"][0]["groups"] == ["dog"]
    assert told["verdict"]["leaks"][0]["auc"] == 1.0
    assert told["quality_by"]["class"] == {"cat": {"90": 12}, "dog": {"20": 12}}
    assert told["policies"] == []


def test_fail_under_exits_1_and_names_the_keys(invoke, photos):
    result = invoke(photos, "--fail-under", 60)
    assert result.exit_code == 1
    assert "policy fail under 60: FAILED" in result.stdout
    assert "dog/00.jpg" in result.stdout
    assert "and 2 more; --json lists them all" in result.stdout
    assert invoke(photos, "--fail-under", 20).exit_code == 0


def test_json_lists_every_offending_key(invoke, photos):
    result = invoke(photos, "--fail-under", 60, "--json")
    (told,) = json.loads(result.stdout)["policies"]
    assert result.exit_code == 1
    assert told["limits"][0]["failing"] == [f"dog/{number:02d}.jpg" for number in range(12)]


def test_a_policys_name_cannot_steer_the_terminal(invoke, photos, tmp_path):
    policy = tmp_path / "p.toml"
    policy.write_text('name = "red \\u001b[31m"\n[[limit]]\nfield = "ijg_quality_luma"\nmin = 60\n')
    result = invoke(photos, "--policy", policy)
    assert "policy red " in result.stdout
    assert "\x1b" not in result.stdout


def test_a_policy_file_is_a_gate_too(invoke, photos, tmp_path):
    policy = tmp_path / "p.toml"
    policy.write_text('[[limit]]\nfield = "ijg_quality_luma"\nmin = 60\nallowed_share = 0.6\n')
    assert invoke(photos, "--policy", policy).exit_code == 0
    policy.write_text(policy.read_text() + 'group = "class"\n')
    result = invoke(photos, "--policy", policy)
    assert result.exit_code == 1
    assert "(class: dog)" in result.stdout


def test_a_broken_gate_outranks_a_broken_file(invoke, photos):
    (photos / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    assert invoke(photos).exit_code == 3
    assert invoke(photos, "--fail-under", 10).exit_code == 3
    assert invoke(photos, "--fail-under", 60).exit_code == 1


@pytest.mark.parametrize("arguments", [["--policy", "none.toml"], ["--fail-under", "0"], ["--study", "none"]])
def test_nonsense_is_refused_before_any_work(invoke, tmp_path, arguments):
    result = invoke(tmp_path / "not looked at", *arguments)
    assert isinstance(result.exception, UsageError)
    assert "not looked at" not in str(result.exception)
