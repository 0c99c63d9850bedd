"""The command line from outside: what it prints where, and its exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.study.conftest import MODEL, texture
from unlossy.cli.main import COMMANDS, run
from unlossy.core.tools import printable


@pytest.fixture
def photos(tmp_path, monkeypatch):
    for seed in range(6):
        folder = tmp_path / "photos" / f"class_{seed % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(texture(seed)).save(folder / f"{seed}.png")
    (tmp_path / "cli_quadrants.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "photos"
    sys.modules.pop("cli_quadrants", None)


STUDY = ["study", "--model", "py:cli_quadrants:classify", "--data", "photos", "--codec", "jpeg:10,90"]


def test_study_prints_json_on_stdout_and_nothing_else(photos, capsys):
    assert run([*STUDY, "-o", "run", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["run"], told["n_items"], told["failed"]) == ("run", 6, 0)
    assert [cell["codec"] for cell in told["cells"]] == ["jpeg:10", "jpeg:90"]
    assert err == ""


def test_study_prints_a_verdict_and_a_table(photos, capsys):
    assert run([*STUDY, "-o", "run"]) == 0
    out = capsys.readouterr().out
    assert "top-1" in out.splitlines()[0]
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("clean", "jpeg"))] == [
        "clean",
        "jpeg:10",
        "jpeg:90",
    ]
    assert "rows.sqlite" in out


def test_quiet_prints_nothing_but_asked_for_json(photos, capsys):
    assert run([*STUDY, "-o", "run", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert run([*STUDY, "-o", "run", "-q", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_items"] == 6


def test_shell_completion_completes_commands():
    asked = {"_UNLOSSY_COMPLETE": "complete_bash", "COMP_WORDS": "unlossy st", "COMP_CWORD": "1"}
    command = [sys.executable, "-c", "from unlossy.cli.main import main; main()"]
    told = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["study"]


def test_failed_items_exit_3_and_stdout_is_whole(photos, capsys):
    (photos / "class_0" / "bad.jpg").write_text("no image")
    assert run([*STUDY, "-o", "run", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["failed"] == 1
    assert run([*STUDY, "-o", "run"]) == 3
    assert "1 of 7 items failed (1 decode)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "finding"),
    [
        (["study", "--model", "py:cli_quadrants:classify", "--data", "nowhere", "-o", "run"], 2, "there is no folder"),
        (["study", "--model", "pt:x", "--data", "photos", "-o", "run"], 2, "pt"),
        (["study", "--model", "onnx:nowhere.onnx", "--data", "photos", "-o", "run"], 2, "nowhere.onnx"),
        ([*STUDY, "--codec", "gif:3", "-o", "run"], 2, "unknown codec"),
        ([*STUDY, "--task", "juggling", "-o", "run"], 2, "juggling"),
        ([*STUDY, "--mitigate", "hope", "-o", "run"], 2, "hope"),
        ([*STUDY, "--limit", "0", "-o", "run"], 2, "limit"),
        ([*STUDY, "--limit", "many", "-o", "run"], 2, "Invalid value for '--limit'"),
        ([*STUDY, "-o", "photos/class_0/0.png"], 2, "cannot make the folder"),
        (STUDY, 2, "-o runs/NAME"),
        (["study", "--frobnicate"], 2, "frobnicate"),
        (["dance"], 2, "dance"),
        (["inspect", "nowhere.jpg"], 2, "nowhere.jpg"),
        (["audit", "nowhere"], 2, "nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(photos, capsys, arguments, code, finding):
    assert run(arguments) == code
    out, err = capsys.readouterr()
    assert finding in err + out
    assert "Traceback" not in err
    assert not (photos.parent / "run").exists() or arguments == STUDY


def test_what_goes_wrong_is_told_in_printable_characters(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"\xff\x1b[31m")
    Path(name).mkdir()
    assert run(["inspect", name]) == 2  # its message names the command for a folder
    told = capsys.readouterr().err
    assert f"`unlossy audit {printable(name)}`" in told
    assert "\x1b" not in told


def test_another_plan_exits_2_and_a_locked_run_5(photos, capsys):
    from unlossy.store import run_lock

    assert run([*STUDY, "-o", "run"]) == 0
    assert run([*STUDY, "-o", "run", "--seed", "9"]) == 2
    assert "seed was 0, is 9" in capsys.readouterr().err
    with run_lock(Path("run")):
        assert run([*STUDY, "-o", "run"]) == 5
    assert "in use by process" in capsys.readouterr().err


def test_a_missing_extra_exits_4_and_names_it(photos, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    assert run(["study", "--model", "timm:resnet18", "--data", "photos", "-o", "run"]) == 4
    assert "pip install 'unlossy[timm]'" in capsys.readouterr().err


def test_ctrl_c_exits_130(photos, capsys, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("unlossy.cli.study.run_study", interrupted)
    assert run([*STUDY, "-o", "run"]) == 130
    assert "the same command is run again" in capsys.readouterr().err


def test_codecs_lists_what_works_here(capsys):
    assert run(["codecs", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["jpeg", "webp"]
    assert all(set(row) == {"name", "available", "version", "reason", "extra"} for row in rows)
    assert all(row["available"] and row["version"] for row in rows)
    assert run(["codecs"]) == 0
    assert "webp" in capsys.readouterr().out


def test_version_and_help(capsys):
    assert run(["--version"]) == 0
    versions = capsys.readouterr().out
    assert versions.startswith("unlossy 0.")
    for name in ("Python 3", "Pillow", "libjpeg-turbo", "onnxruntime", "torch"):
        assert name in versions
    for command in COMMANDS:
        assert run([command, "--help"]) == 0
        assert command in capsys.readouterr().out


LIGHT = """
import sys, time
start = time.perf_counter()
import unlossy
elapsed_s = time.perf_counter() - start
loaded = {name.split(".")[0] for name in sys.modules}
heavy = {"torch", "onnxruntime", "pyarrow", "altair", "transformers", "PIL", "numpy"} & loaded
print(elapsed_s, sorted(heavy))
"""


def test_import_loads_nothing_heavy():
    out = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True).stdout
    elapsed_s, heavy = out.split(maxsplit=1)
    assert heavy.strip() == "[]"
    assert float(elapsed_s) < 5  # the figure itself is in docs/benchmarks.md; a test does not time


def test_every_name_of_the_front_door_opens():
    import unlossy

    for name in unlossy.__all__:
        assert getattr(unlossy, name) is not None
        assert name in dir(unlossy)
    with pytest.raises(AttributeError):
        _ = unlossy.frobnicate
