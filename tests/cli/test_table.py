"""The table of a study in a terminal of 80 columns: nothing of it is cut off, whatever the task."""

import csv

import numpy as np
import pytest
from PIL import Image

from unlossy.cli.main import run
from unlossy.cli.mitigated import loss_text
from unlossy.metrics import Interval


def print_of(capsys, tmp_path, task, model, data, codec="jpeg:50"):
    words = ["study", "--task", task, "--model", model, "--data", str(data), "--codec", codec]
    run([*words, "-o", str(tmp_path / "run")])
    return capsys.readouterr().out


def test_a_segmenters_table_is_whole(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    told = print_of(capsys, tmp_path, "semantic_segmentation", "onnx:demo", "synthetic:2")
    assert "…" not in told
    head = next(line for line in told.splitlines() if line.startswith("codec"))
    assert head.split()[:6] == ["codec", "bpp", "mIoU", "edges", "inside", "agree"]


def test_a_readers_table_is_whole(capsys, tmp_path, monkeypatch):
    pytest.importorskip("rapidfuzz", reason="the extra `text` is not installed")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "reader_of_names.py").write_text("def read(images):\n    return ['word'] * len(images)\n")
    words = tmp_path / "words"
    words.mkdir()
    with (words / "words.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("file", "text"), ("a.png", "Word"), ("b.png", "work")])
    for name in "ab":
        Image.fromarray(np.full((16, 40, 3), 90, np.uint8)).save(words / f"{name}.png")
    told = print_of(capsys, tmp_path, "text", "py:reader_of_names:read", words)
    assert "…" not in told
    assert next(line for line in told.splitlines() if line.startswith("clean")).split() == [
        "clean", "87.5", "50.0", "100.0", "2",
    ]  # fmt: skip


def test_a_picture_that_one_codec_refuses_was_judged_clean(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "pictures").mkdir()
    for name, size in (("a.png", (64, 64)), ("b.png", (16400, 8))):  # WebP ends at 16383
        Image.new("RGB", size, (90, 80, 70)).save(tmp_path / "pictures" / name)
    printed = print_of(capsys, tmp_path, "classification", "onnx:demo", tmp_path / "pictures", "webp:50")
    told = {line.split()[0]: line.split()[-1] for line in printed.splitlines() if line}
    assert (told["clean"], told["webp:50"]) == ("2", "1")


@pytest.mark.parametrize("labels", [True, False])
def test_the_legend_tells_of_no_column_that_is_not_there(labels, capsys, tmp_path):
    data = "synthetic:4"
    if not labels:
        data = tmp_path / "pictures"
        data.mkdir()
        Image.new("RGB", (64, 64), (90, 80, 70)).save(data / "a.png")
    told = print_of(capsys, tmp_path, "classification", "onnx:demo", data)
    head = next(line for line in told.splitlines() if line.startswith("codec"))
    (legend,) = (line for line in told.splitlines() if line.startswith("Percent of images"))
    assert ("p(true)" in head.split(), "p(true)" in legend) == (labels, labels)


def test_a_loss_that_rounds_to_zero_has_no_sign():
    assert loss_text(Interval(0.0004, -0.001, 0.002)) == "0.0 [-0.2, 0.1]"
