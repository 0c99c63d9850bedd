import json
from pathlib import Path

import pytest

from tests.datasets.pictures import picture
from unlossy.core.errors import ReadError, UsageError
from unlossy.core.types import TextTarget
from unlossy.datasets import open_dataset

DATA = Path(__file__).parents[3] / "shared" / "data" / "ocr"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "set"
    (root / "deep").mkdir(parents=True)
    for name in ("b.png", "a.png", "deep/c.png"):
        (root / name).write_bytes(picture(len(name), "PNG"))
    return root


def texts(spec):
    return {item.key: item.target and item.target.text for item in open_dataset(str(spec), targets="text")}


@pytest.mark.parametrize("name", ["words.csv", "texts.csv", "labels.csv", "../set.csv"])
def test_a_list_defines_the_items(folder, name):
    inside = "set/" if name.startswith("..") else ""
    lines = f'file,other,text\n{inside}b.png,1,HOME\n{inside}./deep/c.png,2,"two\nlines, ü"\n{inside}a.png,3,\n'
    (folder / name).write_bytes(b"\xef\xbb\xbf" + lines.encode())
    found = {"a.png": "", "b.png": "HOME", "deep/c.png": "two\nlines, ü"}
    assert texts(folder) == found
    assert list(texts(folder)) == list(found)
    if not inside:
        assert texts(folder / name) == found


def test_a_picture_whose_sidecar_could_have_no_name_is_one_without_text(folder):
    long = "n" * 251 + ".png"
    (folder / long).write_bytes(picture(1, "PNG"))
    (folder / "a.gt.txt").write_text("x\n")
    assert texts(folder) == {"a.png": "x", "b.png": None, "deep/c.png": None, long: None}


def test_what_is_not_listed_is_counted_and_what_is_missing_is_an_error(folder):
    (folder / "words.csv").write_text("file,text\na.png,x\ngone.png,y\n")
    dataset = open_dataset(str(folder), targets="text")
    gone = {item.key: item for item in dataset}["gone.png"]
    assert gone.target == TextTarget("y")
    with pytest.raises(ReadError):
        gone.blob.all()
    assert dataset.others == {".csv": 1, "unlisted image": 2}


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"file,word\na.png,x\n", "needs the columns file,text"),
        (b"file,text\na.png,x\nb.png\n", "line 3: 'b.png' has no text"),
        (b"file,text\na.png,x\n./a.png,y\n", "line 3: 'a.png' is listed twice"),
        (b"file,text\n../a.png,x\n", "line 2: '../a.png' is not a path inside"),
        (b"file,text\n/etc/a.png,x\n", "line 2: '/etc/a.png' is not a path inside"),
        (b"file,text\n,x\n", "line 2: '' is not a path inside"),
        (b"file,text\na.png,x\nb.png,caf\xe9\n", "line 3: it is not UTF-8"),
        (b"file,text\n", "lists no file"),
        (b"", "needs the columns"),
    ],
)
def test_a_bad_list_is_refused_with_its_line(folder, content, finding):
    (folder / "words.csv").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        texts(folder)
    assert finding in str(caught.value)
    assert "words.csv" in str(caught.value)


def test_a_list_beside_the_folder_may_not_name_others(folder):
    (folder.parent / "set.csv").write_text("file,text\nset/a.png,x\nother/b.png,y\n")
    with pytest.raises(UsageError, match=r"line 3: 'other/b.png' is not a path inside the folder set/"):
        texts(folder)


def test_two_lists_are_refused(folder):
    for name in ("words.csv", "texts.csv"):
        (folder / name).write_text("file,text\na.png,x\n")
    with pytest.raises(UsageError, match=r"words.csv and texts.csv both"):
        texts(folder)


def test_a_list_of_classes_is_no_list_of_texts(folder):
    (folder / "labels.csv").write_text("file,class_index\na.png,3\n")
    assert texts(folder) == {"a.png": None}


def test_sidecars_beside_the_pictures(folder):
    (folder / "a.gt.txt").write_text("Tesseract's own\n", "utf-8")
    (folder / "deep" / "c.json").write_text(json.dumps({"lines": [{"text": "TOTAL 9.00"}, {"text": "RM"}]}))
    assert texts(folder) == {"a.png": "Tesseract's own", "b.png": None, "deep/c.png": "TOTAL 9.00\nRM"}


def test_a_json_about_something_else_is_no_text(folder):
    (folder / "a.json").write_text('{"labels": [1]}')
    (folder / "b.json").write_text("[1, 2]")
    assert texts(folder) == dict.fromkeys(["a.png", "b.png", "deep/c.png"])


@pytest.mark.parametrize(
    ("name", "content", "finding"),
    [
        ("a.gt.txt", b"one\ntw\xff", "a.gt.txt, line 2: it is not UTF-8"),
        ("a.json", b"{", "cannot read"),
        ("a.json", b'{"lines": 3}', "`lines` is no list"),
        ("a.json", b'{"lines": [{"text": "x"}, {"words": 1}]}', "lines[1] needs a `text`"),
    ],
)
def test_a_bad_sidecar_is_refused(folder, name, content, finding):
    (folder / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        texts(folder)
    assert finding in str(caught.value)


def test_without_any_text_pictures_are_items_all_the_same(folder):
    assert texts(folder) == dict.fromkeys(["a.png", "b.png", "deep/c.png"])
    assert texts(folder / "a.png") == {"a.png": None}


@pytest.mark.data
def test_the_developers_words_and_receipts():
    if not DATA.is_dir():
        pytest.skip("../shared/data/ocr is not there")
    words = texts(DATA / "words")
    assert len(words) == 250
    assert words["1021_4.png"] == "HOME"
    assert texts(DATA)["words/1021_4.png"] == "HOME"
    receipts = texts(DATA / "receipts")
    assert len(receipts) == 4
    assert receipts["000.jpg"].startswith("TAN WOON YANN\nBOOK TA .K")
