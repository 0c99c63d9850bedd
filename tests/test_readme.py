"""Every command and every line of Python in the README runs, in a folder as a reader would have it."""

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

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
TRAIN = "unlossy train corrector --images photos/ -o runs/mine"
AIM = "unlossy train ttac --model hf:my-model --images photos/ -o runs/aimed"
QUICK = "unlossy train ttac --model hf:my-model --images photos/ --steps 300 -o runs/quick"
TUNE = "unlossy train finetune --model hf:my-model --data photos/ -o runs/tuned"
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
    """photos/ with two of the classes of my-model, a transformers folder."""
    names = ["file,class_index"]
    for seed in range(4):
        folder = tmp_path / "photos" / ("cat", "dog")[seed % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(texture(seed)).save(folder / f"{seed // 2 + 1}.jpg", quality=80)
        names.append(f"{folder.name}/{seed // 2 + 1}.jpg,{seed % 2}")
    (tmp_path / "photos" / "labels.csv").write_text("\n".join(names))
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
    with Image.open("photos/cat/1.jpg") as given:
        assert np.asarray(names["picture"]).tolist() != np.asarray(given).tolist(), "it is corrected"


def test_linked_files_are_there():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (Path(__file__).parents[1] / target).is_file()
    assert sys.version_info >= (3, 11)
