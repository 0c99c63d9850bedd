"""Class folders in a fine-tuning that keeps the model's last layer: they are what they are called."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.tasks.small_models import build_hf
from tests.train.finetune_sets import COLOURS, colours
from unlossy.core.errors import UsageError
from unlossy.train.finetune_data import class_of
from unlossy.train.finetune_pictures import Sources, read_pictures

NAMES = ("green", "violet", "red, scarlet", "white", "grey", "black", "blue")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("finetune_place")


@pytest.fixture(scope="module")
def model(place):
    """A network of seven classes that are called NAMES."""
    spec = build_hf(place, 0)
    file = Path(spec.removeprefix("hf:")) / "config.json"
    config = json.loads(file.read_text()) | {"id2label": dict(enumerate(NAMES))}
    file.write_text(json.dumps(config | {"label2id": {name: index for index, name in enumerate(NAMES)}}))
    return spec


@pytest.fixture(scope="module")
def data(place):
    """Folders blue, green and red."""
    return colours(place / "pictures", n=4)


def read(model, data, **rest):
    return read_pictures(Sources(model, str(data), batch_size=2, **rest), None)


def classes(items):
    return {item.groups["class"]: class_of(item) for item in items}


def test_folders_are_the_models_classes_by_name(model, data, place, capsys):
    found = read(model, data)
    assert classes(found.training) == {"blue": 6, "green": 0, "red": 2}
    assert classes(read(model, data, new_head=True).training) == {"blue": 0, "green": 1, "red": 2}
    some = colours(place / "some", n=1, colours={"scarlet": COLOURS["red"], "Blue": COLOURS["blue"]})
    assert classes(read(model, data, validation=str(some)).validating) == {"scarlet": 2, "Blue": 6}
    assert "class folders" not in capsys.readouterr().err


def packed(where, folder):
    """The class folders in a zip."""
    with zipfile.ZipFile(where, "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(folder))
    return where


def test_class_folders_in_an_archive_are_the_models_classes_by_name(model, data, place):
    assert classes(read(model, packed(place / "three.zip", data)).training) == {"blue": 6, "green": 0, "red": 2}
    other = colours(place / "with purple", n=2, colours=COLOURS | {"purple": (90, 0, 90)})
    with pytest.raises(UsageError, match=r"does not know 1 of the 4 classes in the containers \(purple\).*--new-head"):
        read(model, packed(place / "four.zip", other))


def test_folders_that_the_model_does_not_know_are_refused(model, data, place):
    other = colours(place / "other", n=2, colours=COLOURS | {"purple": (90, 0, 90)})
    with pytest.raises(UsageError, match=r"has 4 class folders, of which hf:.* does not know purple\. Give --new-head"):
        read(model, other)
    with pytest.raises(UsageError, match=r"other has 4 class folders, of which .*purple"):
        read(model, data, validation=str(other))


def test_as_many_folders_as_classes_of_other_names_go_by_order_and_it_is_said(model, place, capsys):
    rot = {f"farbe {number}": (30 * number, 90, 90) for number in range(7)}
    many = colours(place / "farben", n=2, colours=rot)
    assert classes(read(model, many).training) == {name: number for number, name in enumerate(rot)}
    told = capsys.readouterr().err
    assert f"{many}: The class folders were taken for the model's classes in the order of their names" in told
    with pytest.raises(UsageError, match=r"'class 0' .* has the number of|class folders differ"):
        read(model, many, validation=str(place / "pictures"))


def test_what_was_read_tells_runs_of_other_classes_apart(model, data, place):
    numbered = place / "numbered"
    colours(numbered, n=4)
    keys = sorted(path.relative_to(numbered).as_posix() for path in numbered.rglob("*.png"))
    rows = [f"{key},{sorted(COLOURS).index(key.split('/')[0])}" for key in keys]
    (numbered / "labels.csv").write_text("\n".join(["file,class_index", *rows]))
    assert read(model, numbered).digest != read(model, data).digest
    (numbered / "labels.csv").unlink()
    assert read(model, numbered).digest == read(model, data).digest
