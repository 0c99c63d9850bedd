"""`unlossy train ttac` from outside: defaults are the module's own; a run trains, resumes and is used in a study."""

import inspect
import json
from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra train")

from tests.repair.conftest import photo  # noqa: E402
from unlossy.cli.main import run  # noqa: E402
from unlossy.cli.train_ttac import TaskLoss, ttac  # noqa: E402
from unlossy.cli.trained import standing, validation_of  # noqa: E402
from unlossy.train.task_losses import LOSSES  # noqa: E402
from unlossy.train.ttac import TtacSettings  # noqa: E402

needs_onnx2torch = pytest.mark.skipif(
    find_spec("onnx2torch") is None, reason="ONNX graphs become torch networks by onnx2torch"
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    for seed in range(12):
        photo(seed, 128, 128).save(tmp_path / "photos" / f"{seed}.png")
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)


def reader(images):
    """A text recogniser that no gradient goes through."""
    return ["" for _ in images]


TRAIN = ["train", "ttac", "--model", "onnx:demo", "--images", "photos", "-o", "runs/aimed", "--batch", "2"]
SHORT = [*TRAIN, "--workers", "0", "--threads", "1", "--evaluate-every", "1"]


def test_defaults_and_choices_are_the_modules_own():
    ours = {name: option.default for name, option in inspect.signature(ttac).parameters.items()}
    theirs = {field.name: field.default for field in TtacSettings.__dataclass_fields__.values()}
    loop = TtacSettings.__dataclass_fields__["loop"].default_factory()
    for name in ("loss", "task_weight", "fidelity_weight", "seed", "limit", "workers", "qualities"):
        assert ours[name] == theirs[name], name
    assert (ours["batch"], ours["lr"], ours["steps"]) == (theirs["batch_size"], loop.lr, loop.schedule.steps)
    assert {kind.value for kind in TaskLoss} == set(LOSSES)


@needs_onnx2torch
def test_a_run_trains_resumes_and_its_weights_stand_in_a_study(here, capsys):
    assert run([*SHORT, "--steps", "1", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["step"], first["weights"]) == (1, "runs/aimed/weights.safetensors")
    assert run([*SHORT, "--steps", "2"]) == 0
    told = capsys.readouterr().out
    assert "step 2 of 2" in told
    assert "same answer as on the clean picture at quality 10" in told
    plan = ["--model", "onnx:demo", "--data", "synthetic:4", "--codec", "jpeg:10", "--mitigate"]
    assert run(["study", *plan, "correct=runs/aimed/weights.safetensors", "-o", "runs/study", "--json"]) == 0
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert cell["n"] == 4


@needs_onnx2torch
def test_a_run_goes_on_with_the_optimizer_it_was_begun_with(here, capsys):
    assert run([*SHORT, "--steps", "1", "--optimizer", "muon"]) == 0
    assert run([*SHORT, "--steps", "2"]) != 0
    assert "begun otherwise (muon: true, now false)" in capsys.readouterr().err
    assert run([*SHORT, "--steps", "2", "--optimizer", "muon"]) == 0
    assert "step 2 of 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--images", "nowhere"], "there is no folder 'nowhere'"),
        (["--corrector", "huge"], "none of our networks"),
        (["--device", "warp"], "none that torch knows"),
        (["--model", "vgg"], "is not understood"),
        (["--model", "onnx:demo", "--qualities", "low"], "uniform:5-95, or shares:"),
        (["--task", "pottery"], "there is no task 'pottery'"),
        (["--model", "pottery=onnx:demo"], "there is no task 'pottery'"),
        (["--model", "text=py:tests.cli.test_train_ttac:reader"], "gradients cannot go through this model"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(here, capsys, words, remedy):
    assert run([*SHORT, *words]) == 2
    assert remedy in capsys.readouterr().err
    assert not (here / "runs").exists()


@needs_onnx2torch
def test_fewer_pictures_than_a_batch_are_refused(here, capsys):
    assert run([*SHORT, "--batch", "19"]) == 2
    assert "fewer than a batch of 19" in capsys.readouterr().err


def test_a_run_says_where_it_stands():
    assert standing(3, 9) == "step 3 of 9; the same command goes on"
    assert standing(9, 9) == "step 9 of 9"
    assert "no validation got better" in standing(3, 9, out_of_patience=True)


def test_the_validation_told_is_that_of_the_weights_that_are_kept(tmp_path):
    (tmp_path / "validation.csv").write_text("step,agreement_q10\n100,0.75\n200,0.5\n")
    assert validation_of(tmp_path, 100) == {"step": 100.0, "agreement_q10": 0.75}
    assert validation_of(tmp_path)["agreement_q10"] == 0.5
    assert validation_of(tmp_path, 300) is None
    assert validation_of(tmp_path / "nowhere") is None
