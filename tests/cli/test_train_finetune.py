"""`unlossy train finetune` from outside: its settings are the module's own, its result a model that a study takes."""

import inspect
import json
import sys
from dataclasses import fields
from types import SimpleNamespace

import pytest

from unlossy.cli import train_finetune as command
from unlossy.cli.main import run

torch = pytest.importorskip("torch", reason="training needs the extra train")

from tests.tasks.small_models import BUILDERS  # noqa: E402
from tests.train.finetune_sets import COLOURS, colours  # noqa: E402
from unlossy.train.finetune_settings import EPOCHS, RATES, FinetuneSettings, Sources, loop_settings  # noqa: E402

TRAIN = ["train", "finetune", "--data", "photos", "--batch", "6", "--workers", "0", "--threads", "1", "-o", "run"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    colours(tmp_path / "photos", n=6)
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)


@pytest.fixture
def seen(here, monkeypatch):
    """The settings that arrive."""
    settings = []

    def stop(given, _run, _tell):
        settings.append(given)
        raise KeyboardInterrupt

    monkeypatch.setattr("unlossy.train.finetune.train_finetune", stop)
    return settings


def test_defaults_are_the_modules_own(seen):
    theirs = {each.name: each.default for each in (*fields(FinetuneSettings), *fields(Sources))}
    ours = {name: option.default for name, option in inspect.signature(command.finetune).parameters.items()}
    for name in set(ours) & set(theirs) - {"model", "data", "device"}:
        assert ours[name] == theirs[name], name
    assert {kind.value for kind in command.TaskOptimizer} == set(RATES)
    assert run([*TRAIN, "--model", "hf:m"]) == 130
    assert seen[0].compressions.facts == FinetuneSettings(Sources("hf:m", "photos")).compressions.facts
    assert loop_settings(seen[0], 60).schedule.steps == EPOCHS * 60 / 6
    assert loop_settings(seen[0], 60).lr == RATES["sgd"]


def test_every_option_arrives(seen):
    words = (
        "--model timm:x --new-head --codec jpeg:10 --codec webp:30 --clean-share 0.5 --correct small --validation v "
        "--held-out 0.3 --steps 7 --optimizer adamw --lr 0.5 --momentum 0.8 --weight-decay 0.1 --freeze-batch-norm "
        "--average 0.5 --evaluate-every 3 --patience 2 --minutes 4 --seed 5 --device cpu"
    )
    assert run([*TRAIN, *words.split()]) == 130
    (found,) = seen
    assert found.sources == Sources("timm:x", "photos", "v", 0.3, new_head=True, batch_size=6)
    assert found.compressions.facts == {"clean": 0.5, "jpeg:10": 0.25, "webp:30": 0.25}
    rest = {name: getattr(found, name) for name in ("correct", "steps", "optimizer", "lr", "momentum", "weight_decay")}
    assert rest == {
        "correct": "small", "steps": 7, "optimizer": "adamw", "lr": 0.5, "momentum": 0.8, "weight_decay": 0.1,
    }  # fmt: skip
    assert (found.freeze_batch_norm, found.average, found.evaluate_every) == (True, 0.5, 3)
    assert (found.patience, found.minutes, found.seed, found.workers, found.device) == (2, 4.0, 5, 0, "cpu")


def test_a_run_trains_resumes_and_a_study_takes_its_model(here, capsys):
    spec = BUILDERS["hf"](here, 0)
    words = ["--model", spec, "--new-head", "--codec", "jpeg:20", "--steps", "4", "--evaluate-every", "2"]
    assert run([*TRAIN, *words, "--minutes", "0", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["step"], told["steps"], told["measures"]) == (0, 4, None)
    assert run([*TRAIN, *words, "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert "follow run/log.csv" in err
    assert (told["step"], told["model"], told["labels"]) == (4, "hf:run/model", list(COLOURS))
    assert 0 <= told["measures"]["top1_jpeg:20"] <= 1
    assert run([*TRAIN, *words]) == 0
    text = capsys.readouterr().out
    assert text.endswith("hf:run/model\n")
    assert "step 4 of 4; best at step" in text
    assert f"jpeg:20: {told['measures']['top1_jpeg:20']:.1%}" in text
    study = ["study", "--model", told["model"], "--data", "photos", "--codec", "jpeg:20", "-o", "study", "--json"]
    assert run(study) == 0
    assert json.loads(capsys.readouterr().out)["n_items"] == 18


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        (["--model", "onnx:demo"], "cannot be fine-tuned: an ONNX graph"),
        (["--model", "py:json:loads"], "cannot be fine-tuned: only its author"),
        (["--model", "hf:./nowhere"], "no such folder"),
        (["--model", "resnet"], "not understood"),
        (["--data", "nowhere"], "there is no folder"),
        (["--codec", "jpeg:10", "--qualities", "uniform:5-95"], "give one of them"),
        (["--steps", "4", "--epochs", "2"], "give one of them"),
        (["--epochs", "0"], "above 0"),
        (["--average", "1"], "below 1"),
        (["--qualities", "low"], "uniform:5-95"),
        (["--codec", "jpeg:0"], "quality of 1 to 100"),
        (["--correct", "huge"], "corrector 'huge'"),
        (["--device", "toaster"], "none that torch knows"),
        (["--clean-share", "2"], "--clean-share"),
    ],
)
def test_refused_before_work(here, capsys, changes, finding):
    model = [] if "--model" in changes else ["--model", "hf:./none"]
    assert run([*TRAIN, *model, *changes]) == 2
    out, err = capsys.readouterr()
    assert finding in err
    assert (out, "Traceback" in err) == ("", False)
    assert not (here / "run").exists()


def test_labels_that_do_not_fit_and_too_few_pictures(here, capsys):
    spec = BUILDERS["hf"](here, 0)
    assert run([*TRAIN, "--model", spec]) == 2
    assert "3 class folders, the model 7 classes" in capsys.readouterr().err
    assert run([*TRAIN, "--model", spec, "--new-head", "--batch", "20"]) == 2
    assert "fewer than a batch of 20" in capsys.readouterr().err


def test_without_torch_the_extra_is_named(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run([*TRAIN, "--model", "hf:m"]) == 4
    assert "pip install 'unlossy[train]'" in capsys.readouterr().err


def test_what_is_printed(capsys):
    measures = {"score": 0.5, "cross_entropy": 1.0, "top1_clean": 0.875, "top1_jpeg:10": 0.5}
    stands = SimpleNamespace(
        model="hf:run/model", step=3, steps=9, best_step=2, before={"top1_clean": 0.9}, measures=measures,
        n_training=7, n_validation=2, n_left_out=1, stopped=False,
    )  # fmt: skip
    command._print(stands)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "7 pictures to train on, 2 held out, 1 left out",
        "step 3 of 9; the same command goes on; best at step 2",
        "top-1 of the held-out, clean: 87.5%, before 90.0%",
        "top-1 of the held-out, jpeg:10: 50.0%",
        "hf:run/model",
    ]
