"""`unlossy report`, `study --html` and `--show`, and the demo's report, from outside."""

from tests.report.made import make_run, simple_rows
from unlossy.cli.main import run

STUDY = ["study", "--model", "onnx:demo", "--data", "synthetic:4", "--codec", "jpeg:10"]


def test_it_prints_the_path_of_what_it_wrote(tmp_path, capsys):
    folder = make_run(tmp_path / "run", simple_rows(8), n_items=8)
    assert run(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"
    other = tmp_path / "new" / "both.html"
    assert run(["report", str(folder), str(folder), "-o", str(other)]) == 0
    assert capsys.readouterr().out == f"{other}\n"
    assert other.read_text("utf-8").startswith("<!doctype html>")


def test_what_is_no_run_exits_2(tmp_path, capsys):
    assert run(["report", str(tmp_path)]) == 2
    assert "is not a RUN folder" in capsys.readouterr().err
    assert run(["report"]) == 2


def test_study_writes_html_and_shows(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run([*STUDY, "-o", "run", "--html", "out.html", "--show", "scene-000001.ppm"]) == 0
    assert "report: out.html" in capsys.readouterr().out
    assert "scene-000001.ppm" in (tmp_path / "out.html").read_text("utf-8")
    assert len(list((tmp_path / "run" / "pictures").glob("show-scene-000001-ppm-*.png"))) == 1
    assert run([*STUDY, "-o", "run", "--json", "--html", "out.html"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("{")
    assert "report: out.html" in err
    assert run([*STUDY, "-o", "other", "--show", "scene-1.ppm"]) == 2
    assert "scene-000001.ppm" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_the_demo_ends_with_the_path_of_its_report(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for items in ("2", "1"):  # the second clears what the first left
        assert run(["demo", "--items", items]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "demo/report.html"
    report = (tmp_path / "demo" / "report.html").read_text("utf-8")
    assert "1 image from synthetic:1, 16 settings" in report
