"""Every command and every line of Python in the README runs, in a folder as a reader would have it."""

import pickle
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.study.conftest import texture
from tests.tasks.small_models import build_hf
from unlossy.cli.main import COMMANDS, run
from unlossy.core.errors import ItemError

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
TRAIN = "unlossy train corrector --images photos/train/ -o runs/mine"
AIM = "unlossy train ttac --model hf:my-model --images photos/train/ -o runs/aimed"
QUICK = "unlossy train ttac --model hf:my-model --images photos/train/ --steps 300 -o runs/quick"
TUNE = "unlossy train finetune --model hf:my-model --data photos/train/ -o runs/tuned"
SHORTER = {
    "unlossy demo": "unlossy demo --items 8",
    "unlossy demo --task detection": "unlossy demo --task detection --items 2",
    "unlossy demo --task segmentation": "unlossy demo --task segmentation --items 2",
    TRAIN: f"{TRAIN} --steps 1 --crop 16 --batch 1 --workers 0 --precision fp32",
    AIM: f"{AIM} --steps 1 --batch 1 --workers 0",
    QUICK: QUICK.replace("--steps 300", "--steps 1 --batch 1 --workers 0"),
    TUNE: f"{TUNE} --steps 1 --batch 1 --workers 0",
}


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """photos/train/ and photos/val/ with two classes of my-model, a transformers folder that names none of its own."""
    for number, split in enumerate(("train", "val")):
        names = ["file,class_index"]
        for seed in range(4):
            folder = tmp_path / "photos" / split / ("cat", "dog")[seed % 2]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(texture(4 * number + seed)).save(folder / f"{seed // 2 + 1}.jpg", quality=80)
            names.append(f"{folder.name}/{seed // 2 + 1}.jpg,{seed % 2}")
        (tmp_path / "photos" / split / "labels.csv").write_text("\n".join(names))
    Path(build_hf(tmp_path, 0).removeprefix("hf:")).rename(tmp_path / "my-model")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", LINES)
def test_every_command_runs(line, reader, capsys):
    for earlier in (*_makers(line), line):
        words = shlex.split(SHORTER.get(earlier, earlier).replace("synthetic:100", "synthetic:8"))
        assert words[0] == "unlossy"
        assert run(words[1:]) == 0
        assert capsys.readouterr().out


def _makers(line):
    """The lines above this one that make what it reads."""
    above = LINES[: LINES.index(line)]
    return [earlier for earlier in above if any(made in line for made in _made(earlier))]


def _made(line):
    """What a line writes: its `-o` and what lies below it."""
    words = shlex.split(line)
    return [words[words.index("-o") + 1]] if "-o" in words else []


def test_what_a_training_has_seen_judges_no_method():
    seen = {_made(line)[0]: _read(line) for line in LINES if line.startswith("unlossy train ")}
    judged = [(_read(line), seen[made]) for line in LINES if "--mitigate" in line for made in seen if made in line]
    assert len(judged) >= 3
    for data, trained_on in judged:
        assert not data.startswith(trained_on), f"{data} was trained on"
        assert not trained_on.startswith(data), f"{data} holds {trained_on}, which was trained on"


def _read(line):
    """The folder of pictures that a line names."""
    words = shlex.split(line)
    return words[1 + next(words.index(option) for option in ("--images", "--data") if option in words)]


def test_every_command_is_documented():
    shown = {shlex.split(line)[1] for line in LINES}
    assert shown == set(COMMANDS)


def test_the_python_runs(reader, capsys):
    study, transform = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(study.replace("synthetic:100", "synthetic:8"), {})
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        f"jpeg:{q}" for q in range(10, 100, 20)
    ]
    names: dict = {}
    exec(transform, names)
    with Image.open("photos/val/cat/1.jpg") as given:
        assert np.asarray(names["correct"](given)).tolist() != np.asarray(given).tolist(), "it is corrected"
    assert names["upload"].shape == (3, 256, 256)
    assert names["pictures"][0][0].tolist() == names["steps"](Image.open("photos/train/cat/1.jpg")).tolist()
    assert pickle.loads(pickle.dumps(names["steps"])), "as it goes into a loader's processes"
    Path("cut.jpg").write_bytes(Path("photos/val/cat/1.jpg").read_bytes()[:-300])
    with pytest.raises(ItemError), Image.open("cut.jpg") as cut:
        names["steps"](cut)


def test_linked_files_are_there():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (Path(__file__).parents[1] / target).is_file()
    assert sys.version_info >= (3, 11)
