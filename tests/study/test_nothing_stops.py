"""Whatever is in the folder or befalls the run: a clear error or an error row, and the rest stands.

Two tables: files that a study meets, and things that refuse or end it.
"""

import io
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.study.conftest import MODEL, texture
from unlossy.cli.main import run
from unlossy.core.errors import RunError
from unlossy.store import RowStore, run_lock

RGB = Image.fromarray(texture(0))


def saved(image, format_name, **options):
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def giant_png():
    data = bytearray(saved(RGB, "PNG"))
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def giant_jpeg():
    data = bytearray(saved(RGB, "JPEG"))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", 60_000, 60_000)
    return bytes(data)


WIDE = Image.fromarray((np.arange(1600, dtype=np.uint16) * 40).reshape(40, 40))
FILES = {
    # name: (bytes, the kind of error its rows have, None where it is an image like any other)
    "text.jpg": (b"I am a text file", "decode"),
    "zero.png": (b"", "decode"),
    "half.jpg": (saved(RGB, "JPEG", quality=95)[:-200], "truncated"),
    "half.png": (saved(RGB, "PNG")[:-900], "truncated"),
    "giant.png": (giant_png(), "too_large"),
    "giant.jpg": (giant_jpeg(), "too_large"),
    "noise.webp": (b"RIFF\x00\x01\x00\x00WEBPVP8 " + bytes(range(200)), "decode"),
    "headless.gif": (b"GIF89a", "decode"),
    "palette.png": (saved(RGB.quantize(64), "PNG"), None),
    "wide.png": (saved(WIDE, "PNG"), None),
    "cmyk.jpg": (saved(RGB.convert("CMYK"), "JPEG"), None),
    "grey.jpg": (saved(RGB.convert("L"), "JPEG"), None),
    "alpha.png": (saved(RGB.convert("RGBA"), "PNG"), None),
    "progressive.jpg": (saved(RGB, "JPEG", progressive=True), None),
    "animated.gif": (saved(RGB, "GIF", save_all=True, append_images=[RGB.rotate(90)]), None),
    "one pixel.png": (saved(RGB.resize((1, 1)), "PNG"), "model"),
    "line\nbreak.png": (saved(RGB, "PNG"), None),
    b"\xff\xfe.png": (saved(RGB, "PNG"), None),
    "quote ' \" ; DROP TABLE rows.png": (saved(RGB, "PNG"), None),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a model and photos/, in which every command of this module is given."""
    (tmp_path / "hostile_model.py").write_text(MODEL)
    (tmp_path / "photos").mkdir()
    for seed in range(4):
        Image.fromarray(texture(seed)).save(tmp_path / "photos" / f"good{seed}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("hostile_model", None)


STUDY = ["study", "--model", "py:hostile_model:classify", "--data", "photos", "--codec", "jpeg:30", "-o", "run"]


def rows_of(folder):
    with RowStore(folder / "run" / "rows.sqlite", read_only=True) as store:
        return list(store.rows())


def test_every_file_has_its_rows_and_the_good_ones_a_score(here, capsys):
    for name, (data, _) in FILES.items():
        with open(os.path.join(b"photos", os.fsencode(name)), "wb") as stream:  # noqa: PTH118, PTH123
            stream.write(data)
    (here / "photos" / "gone.jpg").symlink_to("nowhere.jpg")
    unreadable = sys.platform == "linux"  # reading a process's own memory at 0 fails, even for root
    if unreadable:
        (here / "photos" / "unreadable.jpg").symlink_to("/proc/self/mem")
    assert run([*STUDY, "--json"]) == 3
    out, err = capsys.readouterr()
    told = json.loads(out)
    expected = {"gone.jpg": "read"} | ({"unreadable.jpg": "read"} if unreadable else {})
    for name, (_, kind) in FILES.items():
        key = {"line\nbreak.png": "line\\nbreak.png", b"\xff\xfe.png": "\\xff\\xfe.png"}.get(name, name)
        expected[key] = kind
    rows = rows_of(here)
    assert {row.key for row in rows} == set(expected) | {f"good{seed}.png" for seed in range(4)}
    assert {row.key: row.error_kind for row in rows if row.key in expected} == expected
    for row in rows:
        assert (row.score is None) == (row.error_kind is not None) == (row.error_message is not None)
        assert row.error_message is None or len(row.error_message) > 10
    assert told["failed"] == sum(kind is not None for kind in expected.values())
    assert told["n_items"] == len(expected) + 4
    assert told["cells"][0]["n"] == told["n_items"] - told["failed"]
    assert "Traceback" not in err


def test_a_bad_file_leaves_every_other_row_as_it_was(here):
    assert run(STUDY) == 0
    before = {(row.key, row.codec): (row.score, row.prediction, row.encoded_bytes) for row in rows_of(here)}
    for name in ("text.jpg", "half.jpg", "giant.png"):
        (here / "photos" / name).write_bytes(FILES[name][0])
    (here / "run").rename(here / "run before")
    assert run(STUDY) == 3
    after = {(row.key, row.codec): (row.score, row.prediction, row.encoded_bytes) for row in rows_of(here)}
    assert {key: after[key] for key in before} == before


def with_labels(text):
    return lambda here: (here / "photos" / "labels.csv").write_text(text)


def nothing(here):
    return None


REFUSALS = {
    # what: (preparation, changed options, exit code, what the one line says)
    "missing folder": (nothing, {"--data": "nowhere"}, 2, "there is no folder 'nowhere'"),
    "empty folder": (lambda here: (here / "empty").mkdir(), {"--data": "empty"}, 2, "no image in 'empty'"),
    "a file for a folder": (nothing, {"--data": "hostile_model.py"}, 2, "is a file, not a folder"),
    "unknown kind of model": (nothing, {"--model": "keras:x"}, 2, "keras"),
    "unknown model": (nothing, {"--model": "timm:resnet_of_my_dreams"}, 2, "resnet_of_my_dreams"),
    "missing model folder": (nothing, {"--model": "hf:./nowhere"}, 2, "nowhere"),
    "missing callable": (nothing, {"--model": "py:hostile_model:nothing"}, 2, "nothing"),
    "labels over the model's classes": (
        with_labels("file,class_index\ngood0.png,16\n"), {"--model": "onnx:demo"}, 2, "good0.png"
    ),
    "broken labels.csv": (with_labels("file,class_index\ngood0.png,cat\n"), {}, 2, "line 2"),
    "a RUN that is a file": (lambda here: (here / "run").write_text("x"), {}, 2, "cannot make the folder"),
    "a folder of other things": (
        lambda here: ((here / "run").mkdir(), (here / "run" / "rows.sqlite").write_text("x")), {}, 2, "no plan.toml"
    ),
    "no codec quality": (nothing, {"--codec": "jpeg:0"}, 2, "quality of 1 to 100"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSALS)
def test_refused_before_work_with_one_clear_line(here, capsys, what):
    prepare, changes, code, finding = REFUSALS[what]
    prepare(here)
    options = dict(zip(STUDY[1::2], STUDY[2::2], strict=True)) | changes
    assert run(["study", *(word for pair in options.items() for word in pair)]) == code
    out, err = capsys.readouterr()
    assert finding in err
    assert out == ""
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) <= 8
    assert not (here / "run" / "plan.toml").exists()


def test_a_model_that_answers_nan_fails_its_items_only(here, capsys):
    Image.new("RGB", (40, 40), (9, 9, 9)).save(here / "photos" / "dark.png")
    assert run([word.replace("classify", "nan_for_dark") for word in STUDY]) == 3
    assert {(row.key, row.error_kind) for row in rows_of(here) if row.error_kind} == {("dark.png", "model")}
    assert "1 model" in capsys.readouterr().out


def test_labels_over_a_callables_classes_are_error_rows(here):
    with_labels("file,class_index\ngood0.png,3\ngood1.png,4\n")(here)
    assert run(STUDY) == 3
    assert {row.key: row.error_kind for row in rows_of(here)} == {"good0.png": None, "good1.png": "label"}


def test_another_plan_and_a_run_in_use(here, capsys):
    assert run(STUDY) == 0
    assert run([*STUDY, "--seed", "7"]) == 2
    assert "another plan (seed was 0, is 7)" in capsys.readouterr().err
    with run_lock(here / "run"):
        assert run(STUDY) == 5
    assert "in use by process" in capsys.readouterr().err
    assert run(STUDY) == 0


def start(model, codec, slow_s=0.0, **limits):
    def before():
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    words = [word.replace("classify", model) for word in STUDY]
    command = [sys.executable, "-m", "unlossy", *words, "--codec", codec, "--batch", "8"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes, preexec_fn=before, env=os.environ | {"SLOW_S": str(slow_s)})


@pytest.fixture
def many(here):
    for seed in range(4, 40):
        Image.fromarray(texture(seed)).save(here / "photos" / f"good{seed}.png")
    return here


def test_a_full_disk_costs_a_chunk_and_the_run_goes_on_when_there_is_room(many):
    process = start("classify", "jpeg:12..96:3,30", RLIMIT_FSIZE=300_000)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 5, err
    assert "cannot write the rows" in err
    assert "Free some space" in err
    assert "Traceback" not in err
    process = start("classify", "jpeg:12..96:3,30")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert len(rows_of(many)) == 40 * 30  # clean, 29 qualities


def test_ctrl_c_leaves_whole_chunks_and_the_run_goes_on(many):
    process = start("slow", "jpeg:10..90:10", slow_s=0.25)  # five seconds a chunk: a busy machine's poll is in time
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None and n_done(many) < 16:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the same command is run again" in err
    assert "Traceback" not in err
    assert out == ""
    assert n_done(many) in (16, 32)
    process = start("slow", "jpeg:10..90:10")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert n_done(many) == 40


def n_done(here):
    try:
        return len({row.item_index for row in rows_of(here)})
    except RunError:  # not made yet
        return 0
