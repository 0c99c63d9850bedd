"""Tables in a terminal that is too narrow for them: no character of a name or a number is lost."""

import io

from rich.console import Console

from unlossy.cli.fitted import fitted
from unlossy.cli.main import run

CHAIN = "jpeg[444,progressive]:30+jpeg:"
ROWS = [[f"{CHAIN}{quality}", "correct=small", f"0.{quality}", f"{quality}.5 [-1.0, 9.9]"] for quality in (75, 50)]
NATURAL_WIDTH = len(ROWS[0][0]) + 2 + 13 + 2 + len("agreement") + 2 + len("75.5 [-1.0, 9.9]")


def lines_of(width, rows=ROWS):
    console = Console(width=width, file=io.StringIO())
    console.print(fitted(["codec", "mitigation"], ["agreement", "lost"], rows, width))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_table_that_fits_has_a_line_a_row():
    head, first, second = lines_of(NATURAL_WIDTH)
    assert head.split() == ["codec", "mitigation", "agreement", "lost"]
    assert first == f"{CHAIN}75  correct=small       0.75  75.5 [-1.0, 9.9]"
    assert second.startswith(f"{CHAIN}50  correct=small")


def test_one_column_less_and_names_are_folded_where_their_parts_meet():
    _head, *told = lines_of(NATURAL_WIDTH - 1)
    assert told[0].split() == ["jpeg[444,progressive]:30", "correct=", "0.75", "75.5", "[-1.0,", "9.9]"]
    assert told[1].split() == ["+jpeg:75", "small"]
    assert len(told) == 4


def test_names_stand_above_numbers_that_leave_no_room_beside_them():
    head, numbers, *told = lines_of(50)
    assert head == "codec  mitigation"
    assert told[::2] == [f"{CHAIN}{quality}  correct=small" for quality in (75, 50)]
    assert [line.split() for line in told[1::2]] == [
        ["0.75", "75.5", "[-1.0,", "9.9]"],
        ["0.50", "50.5", "[-1.0,", "9.9]"],
    ]
    assert len(numbers) == len(told[1])


def test_where_not_even_the_numbers_fit_they_are_wrapped():
    whole = "".join("".join(row) for row in ROWS)
    assert whole.replace(" ", "") in "".join(lines_of(20)).replace(" ", "")


def test_brackets_are_no_markup():
    assert "webp[m0]:50  none" in lines_of(80, [["webp[m0]:50", "none", "0.1", "[bold]"]])[1]


def test_the_help_of_damages_own_example_names_every_row(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    compared = ["--mitigate", "none", "--mitigate", "correct=small"]
    assert run(["damage", "synthetic:1", "--codec", "jpeg:10,90", *compared]) == 0
    told = capsys.readouterr().out
    assert "…" not in told
    rows = [line for line in told.splitlines() if line.startswith("jpeg:")]
    assert rows == [f"jpeg:{quality}  {method}" for quality in (10, 90) for method in ("none", "correct=small")]
    heads = next(line for line in told.splitlines() if line.lstrip().startswith("magnitude"))
    assert heads.split() == ["magnitude", "direction", "cosine", "lost", "phantom", "on", "grid", "excess", "images"]


def test_a_study_tells_chains_apart_in_80_columns(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")
    codecs = [f"{CHAIN}75", f"{CHAIN}50", "webp[m0]:50"]
    words = ["study", "--model", "onnx:demo", "--data", "synthetic:2", "-o", str(tmp_path / "[b]")]
    assert run([*words, *(word for codec in codecs for word in ("--codec", codec))]) == 0
    told = capsys.readouterr().out
    assert "…" not in told
    assert [line for line in told.splitlines() if line.startswith(("jpeg", "webp"))] == codecs
    assert "WebP [m0] 50" in " ".join(told.split())
    assert "[b]/rows.sqlite" in told.replace("\n", "")
