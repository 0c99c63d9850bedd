"""`unlossy correct` from outside: exit codes, what goes to stdout and what to stderr."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.repair.conftest import Everything, Negative, photo
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


def test_names_that_a_terminal_does_not_take_are_shown_as_escapes(here, capsys):
    for name in ("m.t\udcffx", "n.\x1b[31mtxt"):
        (here / "photos" / name).write_text("x")
    (here / "photos" / "\x1b[31m.jpg").write_text("no image")
    (here / "o\udcff\x1b" / "\x1b[31m.png").mkdir(parents=True)  # a folder where a result goes
    source = str(here / "photos" / "cat" / "1.jpg")
    (here / "photos" / "cat" / "1.jpg").rename(here / "\x1b[31m.jpg")
    assert run(["correct", "\x1b[31m.jpg", "o\udcff\x1b", "--quiet"]) == 3
    assert r"o\xff\x1b/\x1b[31m.png is there already" in shown(capsys)
    (here / "\x1b[31m.jpg").rename(source)
    assert run(["correct", "photos", "p\udcff\x1b"]) == 3
    out = shown(capsys)
    assert r".\x1b[31mtxt 1, .t\xffx 1, .txt 1" in out
    assert r"in p\xff\x1b; every file's fate: p\xff\x1b/.unlossy/manifest.jsonl" in out
    assert run(["correct", "photos", "p\udcff\x1b", "--json"]) == 3
    told = json.loads(shown(capsys))
    assert told["others"] == {".txt": 1, r".t\xffx": 1, r".\x1b[31mtxt": 1}
    assert (told["out"], told["manifest"]) == (r"p\xff\x1b", r"p\xff\x1b/.unlossy/manifest.jsonl")
    assert json.dumps(told, ensure_ascii=False).encode("utf-8")


def shown(capsys):
    """What went to stdout and stderr; neither a byte that is not UTF-8 nor a control character is in it."""
    text = "".join(capsys.readouterr())
    assert all(character.isprintable() or character == "\n" for character in text)
    return text


def test_what_was_corrected_by_its_pixels_is_counted_and_named(here, capsys, monkeypatch):
    monkeypatch.setattr("unlossy.cli.correct.open_corrector", lambda spec, choices: Everything())
    assert run(["correct", "photos", "out"]) == 0
    out, _ = capsys.readouterr()
    assert "2 images: 2 corrected (1 of them without JPEG tables), 0 copied" in out
    assert "  2.png -> 2.png: corrected without JPEG tables, by its pixels alone" in out


@pytest.mark.parametrize(("hidden", "is_copied"), [("auto", True), ("never", True), ("always", False)])
def test_a_picture_with_a_palette_is_for_always_alone(here, capsys, monkeypatch, hidden, is_copied):
    monkeypatch.setattr("unlossy.cli.correct.open_corrector", lambda spec, choices: Everything())
    photo(2).quantize(8).save("mask.png")
    assert run(["correct", "mask.png", "out.png", "--hidden", hidden]) == 0
    assert ((here / "out.png").read_bytes() == (here / "mask.png").read_bytes()) is is_copied


def test_a_mask_in_cells_of_8_is_copied_byte_for_byte(here, capsys, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(here)
    ids = np.random.default_rng(0).integers(0, 20, (64, 64), dtype=np.uint8)
    Image.fromarray(ids).resize((512, 512), Image.Resampling.NEAREST).save("mask.png")
    assert run(["correct", "mask.png", "out.png"]) == 0
    assert (here / "out.png").read_bytes() == (here / "mask.png").read_bytes()


def test_a_file_of_the_user_s_is_not_replaced(here, capsys):
    (here / "exist.png").write_text("mine")
    assert run(["correct", "photos/cat/1.jpg", "exist.png"]) == 3
    assert "exist.png is there already" in shown(capsys)
    assert (here / "exist.png").read_text() == "mine"
    for _ in range(2):
        assert run(["correct", "photos/cat/1.jpg", "new.png"]) == 0


def test_what_stays_of_an_earlier_run_is_told_beside_the_failure(here, capsys):
    assert run(["correct", "photos", "out"]) == 0
    (here / "photos" / "cat" / "1.jpg").write_text("no image")
    assert run(["correct", "photos", "out"]) == 3
    assert "(what an earlier run made of it stays: cat/1.png)" in shown(capsys)
    assert (here / "out" / "cat" / "1.png").exists()


def test_another_hidden_in_the_same_out_is_refused_by_its_name(here, capsys, monkeypatch):
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert run(["correct", "photos", "out"]) == 0
    assert run(["correct", "photos", "out", "--hidden", "always"]) == 2
    assert "corrector was 'small', with another --hidden or other weights" in shown(capsys)


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
        ([f"{300 * 'i'}.jpg", "out"], "File name too long"),
        (["photos/2.png", f"{300 * 'o'}.png"], "File name too long"),
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
