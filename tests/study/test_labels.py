"""Class folders in a study: they are what they are called, whatever the order of the model's outputs."""

import json
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from unlossy.cli.main import run
from unlossy.core.errors import UsageError
from unlossy.report.verdict import caveats
from unlossy.store import RowStore
from unlossy.study import StudyPlan, run_study, summarise_run
from unlossy.study import labels as study_labels
from unlossy.tasks.class_folders import match_folders

MODELS = '''
import numpy as np


def bright_first(images):
    """Output 0 for bright pictures, 1 for dark ones."""
    return np.array([[image.mean() - 128.0, 128.0 - image.mean()] for image in images])


def named(*labels):
    def classify(images):
        found = bright_first(images)
        return np.pad(found, ((0, 0), (0, len(labels) - 2)), constant_values=-999.0)

    classify.labels = list(labels)
    classify.digest = "1"
    return classify


dog_cat = named("dog, domestic dog", "Cat")
cat_dog = named("cat", "dog")
many = named("dog", "cat", "horse", "cow", "crane", "crane")
elsewhere = named("Hund", "Katze")
others = named("horse", "cow", "sheep")
'''
BRIGHTNESS = {"cat": 40, "dog": 210}
CODECS = ("jpeg:50",)


@pytest.fixture
def pets(tmp_path, monkeypatch):
    """cat/ with dark pictures and dog/ with bright ones, and the models above."""
    (tmp_path / "pet_models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, level in BRIGHTNESS.items():
        pictures(tmp_path / "pets" / name, level)
    yield tmp_path / "pets"
    sys.modules.pop("pet_models", None)


def pictures(folder, level, n=12):
    folder.mkdir(parents=True)
    for number in range(n):
        noise = np.random.default_rng((level, number)).integers(-20, 21, (16, 16, 3))
        Image.fromarray((noise + level).astype(np.uint8)).save(folder / f"{number:02}.png")


def studied(data, model, name="run", **rest):
    return run_study(StudyPlan(model=f"py:pet_models:{model}", data=str(data), codecs=CODECS, **rest), name)


def rows_of(name="run"):
    with RowStore(Path(name) / "rows.sqlite", read_only=True) as store:
        return [row for row in store.rows() if row.codec == "clean"]


def test_folders_are_classes_by_name(pets):
    result = studied(pets, "dog_cat")
    assert (result.clean["top1"], result.n_labelled, result.remarks) == (1.0, 24, ())
    assert {(row.class_name, row.target) for row in rows_of()} == {
        ("cat", '{"class_index": 1}'),
        ("dog", '{"class_index": 0}'),
    }
    assert studied(f"{pets}/*/*.png", "dog_cat", "pattern").clean["top1"] == 1.0
    assert studied(pets, "many", "many").clean["top1"] == 1.0
    assert studied(pets, "cat_dog", "wrong").clean["top1"] == 0.0, "this one does call dark pictures dogs"


def test_what_labels_csv_says_is_the_models_number(pets):
    (pets / "labels.csv").write_text("file,class_index\ncat/00.png,0\ndog/00.png,1\n")
    assert studied(pets, "dog_cat").clean["top1"] == 0.0


def test_what_lies_in_an_archive_keeps_its_number(pets):
    (pets.parent / "00.cls").write_text("1")
    with tarfile.open(pets / "shard.tar", "w") as archive:
        archive.add(pets / "cat" / "00.png", "00.png")
        archive.add(pets.parent / "00.cls", "00.cls")
    assert studied(pets, "dog_cat").clean["top1"] == 1.0
    assert len(rows_of()) == 25


def test_a_folder_that_the_model_does_not_know_is_unlabelled(pets, capsys):
    pictures(pets / "axolotl", 90, n=3)
    assert run(["study", "--model", "py:pet_models:dog_cat", "--data", "pets", "--codec", CODECS[0], "-o", "run"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "does not know 1 of the 3 class folders; their pictures count as unlabelled: axolotl." in told
    assert "Only 24 of 27 images have a label" in told
    result = summarise_run("run")
    assert (result.clean["top1"], result.n_labelled, result.n_items) == (1.0, 24, 27)


def test_folders_of_which_the_model_knows_none_are_places_and_no_labels(pets):
    """Somebody's photos lie in folders by year, and the model names a thousand things."""
    result = studied(pets, "others")
    assert (result.n_labelled, result.n_items, result.main_metric) == (0, 24, "agreement")
    (remark,) = result.remarks
    assert "others has no class that is called like a folder (cat, dog), so the pictures count as unlabelled" in remark
    assert "labels.csv" in remark


def test_a_folder_that_may_be_several_classes_is_refused(pets):
    pictures(pets / "crane", 90, n=1)
    with pytest.raises(UsageError, match="the class folder 'crane' may be class 4"):
        studied(pets, "many")
    assert not (pets.parent / "run").exists()


def test_folders_go_by_order_where_no_name_tells_and_it_is_said(pets):
    result = studied(pets, "elsewhere")
    assert result.clean["top1"] == 0.0
    (remark,) = result.remarks
    assert "in the order of their names (cat is class 0, dog is class 1), because no class of the model is" in remark
    (note,) = [note for note in caveats(result) if note != remark]
    assert note.startswith("The model is right on only 0.0 % of the clean images")
    flat = pets.parent / "flat"
    pictures(flat, 40, n=2)
    assert studied(flat, "elsewhere", "flat-run").remarks == ()
    assert studied(pets, "bright_first", "silent").remarks == ()


def test_another_models_names_against_the_order_are_refused(pets):
    with pytest.raises(UsageError, match=r"'cat' is class 1 to py:pet_models:dog_cat, and by the order .* class 0 to"):
        studied(pets, "bright_first", mitigations=("none", "model=py:pet_models:dog_cat"))
    with_names = ("none", "model=py:pet_models:cat_dog")
    assert studied(pets, "bright_first", mitigations=with_names).clean["top1"] == 0.0
    both = studied(pets, "dog_cat", "both", mitigations=("none", "model=py:pet_models:bright_first"))
    assert both.clean_mitigated["model=py:pet_models:bright_first"]["top1"] == 1.0, "in the own model's classes"


def test_a_run_that_was_begun_with_other_classes_does_not_go_on(pets, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(study_labels, "match_folders", lambda folders, *_: match_folders(folders, None, None))
        studied(pets, "dog_cat")
    with pytest.raises(UsageError, match=r"begun with other things \(items was"):
        studied(pets, "dog_cat")


def table(where, names, kind="ClassLabel"):
    """The pets in a table as Hugging Face writes it, dark and bright ones: numbers with names, or words."""
    rows = [(folder, file) for folder in BRIGHTNESS for file in sorted((where / folder).iterdir())]
    told = [names[list(BRIGHTNESS).index(folder)] for folder, _ in rows]
    ordered = sorted(names)
    of_numbers = pa.array([ordered.index(name) for name in told])
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ordered}}
    images = pa.array([{"bytes": file.read_bytes(), "path": f"{folder}-{file.name}"} for folder, file in rows])
    columns = {"image": images, "label": of_numbers if kind == "ClassLabel" else pa.array(told)}
    metadata = {"huggingface": json.dumps({"info": {"features": features if kind == "ClassLabel" else {}}})}
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), where.parent / f"{kind}.parquet")
    return where.parent / f"{kind}.parquet"


@pytest.mark.parametrize("kind", ["ClassLabel", "words"])
def test_the_names_of_a_table_decide(pets, kind):
    """In the table cat is 0 and dog 1; to the model it is the other way round."""
    result = studied(table(pets, ("cat", "dog"), kind), "dog_cat")
    assert (result.clean["top1"], result.n_labelled, result.remarks) == (1.0, 24, ())


def test_numbers_of_a_table_stay_where_no_name_tells_and_it_is_said(pets):
    result = studied(table(pets, ("cat", "dog")), "elsewhere")
    assert (result.clean["top1"], result.n_labelled) == (0.0, 24)
    (remark,) = result.remarks
    assert "elsewhere has no class that is called like one in the containers (cat, dog); their numbers were" in remark
    assert studied(table(pets, ("cat", "dog")), "bright_first", "silent").remarks == ()


def test_a_name_of_a_table_that_the_model_does_not_know_is_unlabelled(pets):
    result = studied(table(pets, ("axolotl", "dog")), "dog_cat")
    assert (result.clean["top1"], result.n_labelled) == (1.0, 12)
    (remark,) = result.remarks
    assert "does not know 1 of the 2 classes in the containers (axolotl); their pictures count as unlabelled" in remark


def test_class_folders_in_an_archive_are_classes_by_name(pets):
    with zipfile.ZipFile(pets.parent / "pets.zip", "w") as archive:
        for file in sorted(pets.rglob("*.png")):
            archive.write(file, file.relative_to(pets))
    result = studied(pets.parent / "pets.zip", "dog_cat")
    assert (result.clean["top1"], result.n_labelled, result.remarks) == (1.0, 24, ())
    (remark,) = studied(pets.parent / "pets.zip", "others", "others").remarks
    assert "their pictures count as unlabelled" in remark


def test_another_models_names_against_a_tables_numbers_are_refused(pets):
    with pytest.raises(UsageError, match=r"'cat' is class 1 to py:pet_models:dog_cat, and by its number 0 to"):
        studied(table(pets, ("cat", "dog")), "bright_first", mitigations=("none", "model=py:pet_models:dog_cat"))
