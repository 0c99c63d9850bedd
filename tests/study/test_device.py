"""Where a study's models and correctors answer, as far as it can be seen without a GPU."""

import json

import pytest

from unlossy.cli.main import run as run_cli
from unlossy.core.errors import UsageError
from unlossy.correctors.registry import Choices
from unlossy.report import write_report
from unlossy.report.command import study_command
from unlossy.runs import read_made_by
from unlossy.study import StudyPlan, mitigation, run_study
from unlossy.study import run as module
from unlossy.tasks.registry import load_task


def test_models_and_correctors_go_where_the_study_says(photos, model, tmp_path, monkeypatch):
    asked = []

    def loading(*given, device, **named):
        asked.append(device)
        return load_task(*given, **named)

    def opening(spec, choices):
        asked.append(choices.device)
        return corrector(spec, Choices(threads=1))

    corrector = mitigation.open_corrector
    monkeypatch.setattr(module, "load_task", loading)
    monkeypatch.setattr(mitigation, "load_task", loading)
    monkeypatch.setattr(mitigation, "open_corrector", opening)
    plan = StudyPlan(
        model, photos, codecs="jpeg:10", mitigations=("none", "correct=small", "model=py:quadrants:turned")
    )
    run_study(plan, tmp_path / "run", device="cuda:1")
    assert asked == ["cuda:1"] * 3
    assert read_made_by(tmp_path / "run")["device"] == "cuda:1"
    with pytest.raises(UsageError, match="device was 'cuda:1', is None"):
        run_study(plan, tmp_path / "run", device="cpu")
    run_study(plan, tmp_path / "run", device="cuda:1")


def test_on_the_processor_nothing_is_told_of_it(photos, model, tmp_path):
    """So that a run begun before there was a choice goes on."""
    run_study(StudyPlan(model, photos, codecs="jpeg:10", limit=4), tmp_path / "run")
    assert "device" not in read_made_by(tmp_path / "run")


def test_a_callable_is_not_taken_elsewhere(photos, model, tmp_path):
    with pytest.raises(UsageError, match="py: models do not go to the device cuda; leave it out"):
        run_study(StudyPlan(model, photos, codecs="jpeg:10"), tmp_path / "run", device="cuda")
    assert not (tmp_path / "run").exists()


def test_an_absent_device_is_refused_before_work(photos, model, tmp_path, capsys):
    torch = pytest.importorskip("torch", reason="without torch there is no device but the processor")
    command = ["study", "--model", model, "--data", str(photos), "-o", "run", "--device"]
    assert run_cli([*command, "toaster"]) == 2
    assert "none that torch knows" in capsys.readouterr().err
    if not torch.cuda.is_available():
        assert run_cli([*command, "cuda"]) == 2
        assert "torch sees no GPU here" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_report_tells_the_device_and_its_command_names_it(photos, model, tmp_path):
    plan = StudyPlan(model, photos, codecs="jpeg:10", limit=4)
    result = run_study(plan, tmp_path / "run")
    made_by = tmp_path / "run" / "made_by.json"
    made_by.write_text(json.dumps(json.loads(made_by.read_text()) | {"device": "cuda:1"}))
    page = write_report([result], tmp_path / "report.html").read_text()
    assert "<dt>device</dt><dd>cuda:1</dd>" in page
    assert "--device cuda:1 -o" in page
    assert "--device" not in study_command(plan, "run")
