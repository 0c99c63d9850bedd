"""`unlossy correct` from outside: exit codes, what goes to stdout and what to stderr."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.repair.conftest import Negative, photo
from unlossy.cli.main import run


@pytest.fixture
def here(tmp_path, monkeypatch):
    """photos/ with a JPEG, a PNG and a text file, and a corrector whose answer is known."""
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    photo(1).save(tmp_path / "photos" / "cat" / "1.jpg")
    photo(2).save(tmp_path / "photos" / "2.png")
    (tmp_path / "photos" / "notes.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("unlossy.cli.correct.open_corrector", lambda spec, choices: Negative())
    return tmp_path


def test_a_folder(here, capsys):
    assert run(["correct", "photos", "out"]) == 0
    out, err = capsys.readouterr()
    assert "2 images: 1 corrected, 1 copied as they were, 0 failed" in out
    assert "no images, not in OUT: .txt 1" in out
    assert err == ""
    expected = 255 - np.asarray(Image.open("photos/cat/1.jpg"))
    assert np.array_equal(np.asarray(Image.open("out/cat/1.png")), expected)
    assert (here / "out" / "2.png").read_bytes() == (here / "photos" / "2.png").read_bytes()
    assert run(["correct", "photos", "out"]) == 0
    assert "(2 of them in an earlier run)" in capsys.readouterr().out


def test_json_on_stdout_and_nothing_else(here, capsys):
    assert run(["correct", "photos", "out", "--json", "--format", "webp"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["in"], told["out"], told["format"], told["n_files"]) == ("photos", "out", "webp", 2)
    assert (told["corrected"], told["copied"], told["failed"], told["others"]) == (1, 1, 0, {".txt": 1})
    assert (told["corrector"], len(told["corrector_digest"])) == ("negative", 64)
    with open(told["manifest"]) as stream:  # noqa: PTH123
        lines = [json.loads(line) for line in stream]
    assert {line["key"]: line["action"] for line in lines[1:]} == {"cat/1.jpg": "corrected", "2.png": "copied"}
    assert err == ""


def test_failures_exit_3_and_each_is_named_with_a_reason(here, capsys):
    data = (here / "photos" / "cat" / "1.jpg").read_bytes()
    (here / "photos" / "cut.jpg").write_bytes(data[:-300])
    (here / "photos" / "bad\nname.jpg").write_text("no image")
    assert run(["correct", "photos", "out"]) == 3
    out, _ = capsys.readouterr()
    assert "2 failed" in out
    assert "  cut.jpg: truncated: the JPEG ends early" in out
    assert "  bad\\nname.jpg: decode: not an image" in out
    assert "--partial takes" in out
    assert run(["correct", "photos", "out", "--json"]) == 3
    failures = json.loads(capsys.readouterr().out)["failures"]
    assert {f["key"]: f["error_kind"] for f in failures} == {"cut.jpg": "truncated", "bad\\nname.jpg": "decode"}
    assert run(["correct", "photos", "out", "--quiet"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "cut.jpg: truncated" in err
    assert run(["correct", "photos", "out", "--partial"]) == 3
    out, _ = capsys.readouterr()
    assert "1 failed" in out
    assert "cut.jpg -> cut.png: in part: the JPEG ends early" in out


def test_a_renamed_result_is_told(here, capsys):
    photo(3).save(here / "photos" / "2.jpg")
    assert run(["correct", "photos", "out"]) == 0
    assert "  2.jpg -> 2.jpg.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        (["photos", "photos"], "is 'photos' itself"),
        (["photos", "photos/out"], "lies inside"),
        (["photos/2.png", "photos/2.png"], "itself"),
        (["photos", "."], "holds 'photos'"),
        (["nowhere", "out"], "no file or folder 'nowhere'"),
        (["photos", "out", "--format", "gif"], "no output format 'gif'"),
        (["photos", "out", "--hidden", "maybe"], "--hidden is one of"),
        (["photos/2.png", "out.bmp"], "must end in one of .png"),
        (["photos"], "OUT"),
    ],
)
def test_refused_before_work(here, capsys, arguments, finding):
    assert run(["correct", *arguments]) == 2
    out, err = capsys.readouterr()
    assert finding in err
    assert out == ""
    assert not (here / "out").exists()


def test_an_unknown_corrector_is_refused_with_those_there_are(here, capsys, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert run(["correct", "photos", "out", "--corrector", "bogus"]) == 2
    assert "small, base" in capsys.readouterr().err
    assert not (here / "out").exists()


def test_a_device_that_is_not_there_is_refused(here, capsys):
    torch = pytest.importorskip("torch", reason="without torch there is no device but the processor")
    assert run(["correct", "photos", "out", "--device", "toaster"]) == 2
    assert "none that torch knows" in capsys.readouterr().err
    if not torch.cuda.is_available():
        assert run(["correct", "photos", "out", "--device", "cuda"]) == 2
        assert "torch sees no GPU here" in capsys.readouterr().err
    assert not (here / "out").exists()


def test_without_torch_a_device_names_the_extra(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["correct", "photos", "out", "--device", "cuda"]) == 4
    assert "pip install 'unlossy[train]'" in capsys.readouterr().err


def test_torch_is_not_needed(here):
    """The real corrector, in a process of its own that has no torch."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from unlossy.cli.main import run\n"
        "assert run(['correct', 'photos', 'out']) == 0\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    before, after = (np.asarray(Image.open(name)).astype(int) for name in ("photos/cat/1.jpg", "out/cat/1.png"))
    assert 0 < np.abs(before - after).mean() < 20
