"""`unlossy train corrector` from outside: the module's own settings, a run that trains, resumes and is used."""

import csv
import inspect
import json
import sys

import numpy as np
import pytest
from PIL import Image

from tests.repair.conftest import photo
from unlossy.cli import train_corrector as command
from unlossy.cli.main import run

torch = pytest.importorskip("torch", reason="training needs the extra train")

from unlossy.correctors.nets.sizes import SIZES, load_network  # noqa: E402
from unlossy.correctors.weights_place import shipped_weights  # noqa: E402
from unlossy.train.corrector import LOSSES, parser, settings_of  # noqa: E402

TRAIN = ["train", "corrector", "--images", "photos", "--crop", "32", "--batch", "2", "--workers", "0", "--threads", "1"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    for seed in range(12):
        photo(seed, 64, 64).save(tmp_path / "photos" / f"{seed}.png")
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)


def test_defaults_and_choices_are_the_modules_own():
    theirs = vars(parser().parse_args(["--images", "a", "-o", "b"]))
    ours = {name: option.default for name, option in inspect.signature(command.corrector).parameters.items()}
    assert set(ours) == set(theirs) | {"json"}
    for name in set(theirs) - {"images", "run"}:
        assert ours[name] == theirs[name], name
    choices = {action.dest: action.choices for action in parser()._actions if action.choices}
    assert {kind.value for kind in command.Size} == set(SIZES) == set(choices["size"])
    assert {kind.value for kind in command.Loss} == set(LOSSES)
    assert {kind.value for kind in command.Optimizer} == set(choices["optimizer"])
    assert {kind.value for kind in command.Precision} == set(choices["precision"])


def test_every_option_arrives(here, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "unlossy.train.corrector.train_corrector", lambda settings, run, tell: seen.append(settings) or Stopped
    )
    words = (
        "--size base --steps 7 --decay-steps 3 --minutes 2 --lr 0.5 --loss absolute --optimizer adamw --precision fp32"
    )
    more = "--weight-decay 0.1 --evaluate-every 4 --seed 5 --init w.safetensors --device cpu"
    more += " --teacher t.safetensors --teacher-share 0.5 --heavy-share 0.9"
    assert run([*TRAIN, "-o", "run", *words.split(), *more.split()]) == 0
    same = parser().parse_args([*TRAIN[2:], "-o", "run", *words.split(), *more.split()])
    assert seen == [settings_of(same)]


def test_shipped_networks_go_by_their_names(here, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "unlossy.train.corrector.train_corrector", lambda settings, run, tell: seen.append(settings) or Stopped
    )
    assert run([*TRAIN, "-o", "run", "--init", "small", "--teacher", "base"]) == 0
    assert seen[0].initial == shipped_weights("small")
    assert seen[0].teacher == shipped_weights("base")


class Stopped:
    step = 7


def test_a_run_trains_resumes_and_its_weights_correct(here, capsys):
    command = [*TRAIN, "-o", "run", "--precision", "fp32", "--evaluate-every", "2", "--json"]
    assert run([*command, "--steps", "2"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["step"], told["steps"], told["weights"]) == (2, 2, "run/weights.safetensors")
    assert "follow run/log.csv" in err
    assert run([*command, "--steps", "4"]) == 0
    told = json.loads(capsys.readouterr().out)
    with open("run/validation.csv", newline="") as stream:  # noqa: PTH123
        rows = list(csv.DictReader(stream))
    assert [row["step"] for row in rows] == ["2", "4"], "the second stretch went on with the first"
    assert told["validation"] == {name: float(value) for name, value in rows[-1].items()}
    assert told["validation"]["jpeg_q80_db"] > told["validation"]["jpeg_q10_db"] > 10
    assert run([*command[:-1], "--steps", "4"]) == 0
    assert f"JPEG {told['validation']['jpeg_q10_db']:.2f} dB" in capsys.readouterr().out
    assert load_network(here / "run" / "weights.safetensors").shape == SIZES["small"]
    photo(1).save("one.jpg", quality=20)
    assert run(["correct", "one.jpg", "one.png", "--corrector", "run/weights.safetensors"]) == 0
    assert np.asarray(Image.open("one.png")).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        (["--images", "nowhere"], "there is no folder 'nowhere'"),
        (["--crop", "33"], "multiple of 16"),
        (["--crop", "512"], "no picture of"),
        (["--size", "huge"], "--size"),
        (["--steps", "0"], "--steps"),
        (["--device", "toaster"], "none that torch knows"),
        (["--init", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--teacher", "nowhere.safetensors"], "nowhere.safetensors"),
        (["--init", "smal"], "none of our networks"),
        (["--teacher", "dncnn3"], "none of our networks"),
        (["--init", "base"], "--size chooses"),
        (["--teacher-share", "1.5"], "--teacher-share"),
    ],
)
def test_refused_before_work(here, capsys, changes, finding):
    assert run([*TRAIN, "-o", "run", "--steps", "1", *changes]) == 2
    out, err = capsys.readouterr()
    assert finding in err
    assert out == ""
    assert "Traceback" not in err
    assert not (here / "run" / "weights.safetensors").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused(here, capsys):
    assert run([*TRAIN, "-o", "run", "--device", "cuda"]) == 2
    assert "torch sees no GPU" in capsys.readouterr().err


def test_without_torch_the_extra_is_named(here, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run([*TRAIN, "-o", "run"]) == 4
    assert "pip install 'unlossy[train]'" in capsys.readouterr().err


def test_train_alone_shows_its_commands(capsys):
    run(["train", "--help"])
    assert "corrector" in capsys.readouterr().out
