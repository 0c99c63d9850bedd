import os
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.datasets.pictures import picture
from tests.datasets.wrappings import WRAPPINGS
from unlossy.core.errors import ReadError, RefusedError, UsageError
from unlossy.core.outputs import replacing
from unlossy.core.types import ClassTarget
from unlossy.datasets import open_dataset
from unlossy.datasets.folder import FolderDataset


def put(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), "red").save(root / path)


def test_class_folders_are_numbered_as_imagefolder_does(tmp_path):
    put(tmp_path, "dog/b.png", "cat/z.png", "cat/a.png", "Zebra/deep/er.png")
    items = list(open_dataset(str(tmp_path)))
    assert [item.key for item in items] == ["Zebra/deep/er.png", "cat/a.png", "cat/z.png", "dog/b.png"]
    assert [item.target for item in items] == [ClassTarget(0), ClassTarget(1), ClassTarget(1), ClassTarget(2)]
    assert items[0].groups == {"folder": "Zebra/deep", "class": "Zebra"}


def test_splits_are_no_classes(tmp_path):
    put(tmp_path, "train/cat/1.png", "train/dog/2.png", "val/dog/3.png")
    items = list(open_dataset(str(tmp_path)))
    assert [(item.groups["split"], item.target.class_index) for item in items] == [
        ("train", 0),
        ("train", 1),
        ("val", 1),
    ]


def test_splits_may_be_written_in_capitals(tmp_path):
    put(tmp_path, "Train/cat/1.png", "TEST/dog/2.png")
    items = list(open_dataset(str(tmp_path)))
    assert [item.groups["split"] for item in items] == ["TEST", "Train"]
    assert [item.target for item in items] == [ClassTarget(1), ClassTarget(0)]


def test_splits_beside_another_folder_stay_splits_and_its_images_have_none(tmp_path):
    put(tmp_path, "train/cat/1.png", "train/dog/2.png", "test/dog/3.png")
    put(tmp_path, "extra/a.png", "extra/dog/b.png", "more/x/c.png")
    items = {item.key: item for item in open_dataset(str(tmp_path))}
    assert {key: item.target and item.target.class_index for key, item in items.items()} == {
        "train/cat/1.png": 0,
        "train/dog/2.png": 1,
        "test/dog/3.png": 1,
        "extra/a.png": None,
        "extra/dog/b.png": 1,
        "more/x/c.png": None,
    }
    assert items["test/dog/3.png"].groups == {"folder": "test/dog", "class": "dog", "split": "test"}
    assert items["extra/a.png"].groups == {"folder": "extra"}


@pytest.mark.parametrize(
    "paths",
    [
        ("bus/1.png", "train/2.png"),
        ("bus/city/1.png", "train/steam/2.png"),
        ("invalid/1.png", "valid/2.png"),
        ("broken/1.png", "test/2.png", "valid/3.png"),
    ],
)
def test_classes_that_are_called_as_splits_are_stay_classes(tmp_path, paths):
    put(tmp_path, *paths)
    items = list(open_dataset(str(tmp_path)))
    assert [item.groups["class"] for item in items] == [path.split("/")[0] for path in paths]
    assert [item.target.class_index for item in items] == list(range(len(paths)))


def test_a_flat_folder_has_no_labels(tmp_path):
    put(tmp_path, "1.png", "2.png")
    assert [item.target for item in open_dataset(str(tmp_path))] == [None, None]


def test_labels_csv_wins_over_folder_numbers(tmp_path):
    put(tmp_path, "a/1.png", "b/2.png", "c/unlisted.png")
    (tmp_path / "labels.csv").write_text("name,file,class_index\nx,b/2.png,817\ny,a/1.png,3\nz,gone/9.png,5\n")
    dataset = open_dataset(str(tmp_path))
    assert [(item.key, item.target.class_index) for item in dataset] == [
        ("a/1.png", 3),
        ("b/2.png", 817),
        ("gone/9.png", 5),
    ]
    assert dataset.others == {".csv": 1, "unlisted image": 1}
    with pytest.raises(ReadError, match="cannot read the file"):
        list(dataset)[-1].blob.all()


def test_an_audit_sees_every_image_whatever_is_listed(tmp_path):
    put(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "labels.csv").write_text("file,class_index\nb/2.png,817\n")
    (tmp_path / "notes.TXT").write_text("x")
    dataset = open_dataset(str(tmp_path), labelled=False)
    assert [item.key for item in dataset] == ["a/1.png", "b/2.png"]
    assert dataset.others == {".csv": 1, ".txt": 1}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("path,label\na,1\n", "needs the columns file,class_index"),
        ("file,class_index\na.png,cat\n", "line 2: class_index must be a whole number"),
        ("file,class_index\na.png,-1\n", "line 2: class_index must be a whole number"),
        ("file,class_index\na.png,1\na.png,2\n", "line 3: 'a.png' is listed twice"),
        ("file,class_index\n../../etc/passwd,1\n", "not a path inside the folder"),
        ("file,class_index\n/etc/passwd,1\n", "not a path inside the folder"),
        ("file,class_index\n", "no image"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused_with_their_line(tmp_path, text, finding):
    put(tmp_path, "a.png")
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(UsageError, match=finding):
        open_dataset(str(tmp_path))


def test_magic_makes_an_image_and_so_does_the_suffix(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / "a.png").rename(tmp_path / "no_suffix")
    (tmp_path / "text.jpg").write_text("I am no image; my row will say so")
    (tmp_path / "readme.md").write_text("x")
    dataset = open_dataset(str(tmp_path))
    assert [item.key for item in dataset] == ["no_suffix", "text.jpg"]
    assert dataset.others == {".md": 1}


def test_order_is_that_of_code_points(tmp_path):
    names = ["b.png", "a.png", "Z.png", "é.png", "a/1.png", "a-1.png", "10.png", "9.png"]
    put(tmp_path, *names)
    assert [item.key for item in open_dataset(str(tmp_path))] == sorted(names)


def test_names_that_are_not_utf8_and_line_breaks_keep_their_items(tmp_path):
    put(tmp_path, "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "line\nbreak.png").write_bytes(data)
    with open(os.path.join(os.fsencode(tmp_path), b"\xff.png"), "wb") as stream:  # noqa: PTH118, PTH123
        stream.write(data)
    items = list(open_dataset(str(tmp_path)))
    assert [item.key for item in items] == ["\\xff.png", "a.png", "line\\nbreak.png"]
    assert {item.blob.all() for item in items} == {data}


def test_a_suffix_of_any_bytes_is_counted_as_text(tmp_path):
    put(tmp_path, "a.png")
    for name in (b"n.\x1b[31mTXT", b"m.t\xffx"):
        open(os.path.join(os.fsencode(tmp_path), name), "wb").close()  # noqa: PTH118, PTH123
    WRAPPINGS["tar"]({"a.jpg": picture(1), "n.\x1b[31mtxt": b"x"}, tmp_path)
    dataset = open_dataset(str(tmp_path), labelled=False)
    list(dataset)
    assert dataset.others == {".\\x1b[31mtxt": 2, ".t\\xffx": 1}


def test_rows_of_an_audit_are_counted_and_other_tables_are_containers(tmp_path):
    put(tmp_path, "a.png")
    for name, metadata in (("rows.parquet", {"unlossy_audit_schema": "1"}), ("table.parquet", {})):
        pq.write_table(pa.table({"key": ["a"]}).replace_schema_metadata(metadata), tmp_path / name)
    dataset = open_dataset(str(tmp_path), labelled=False)
    assert [item.key for item in dataset] == ["a.png", "table.parquet"]
    assert dataset.others == {"rows of an audit": 1}
    with pytest.raises(UsageError, match="`unlossy report` makes a page of them"):
        open_dataset(str(tmp_path / "rows.parquet"))


@pytest.mark.parametrize("killed", ["rows.parquet", "a.png"])
def test_what_a_killed_run_left_is_counted_and_no_item(tmp_path, monkeypatch, killed):
    put(tmp_path, "a.png")
    (tmp_path / "sub").mkdir()
    with monkeypatch.context() as patches, suppress(KeyboardInterrupt), replacing(tmp_path / "sub" / killed) as file:
        patches.setattr(Path, "unlink", lambda *_, **__: None)
        file.write(b"PAR1" if killed == "rows.parquet" else (tmp_path / "a.png").read_bytes())
        file.flush()
        raise KeyboardInterrupt
    assert len(list((tmp_path / "sub").iterdir())) == 1
    (tmp_path / "x.12345678.part").write_bytes((tmp_path / "a.png").read_bytes())
    dataset = open_dataset(str(tmp_path), labelled=False)
    assert [item.key for item in dataset] == ["a.png", "x.12345678.part"]
    assert dataset.others == {"unfinished output": 1}


def test_links_to_folders_are_not_followed(tmp_path):
    put(tmp_path, "a/1.png")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    dataset = open_dataset(str(tmp_path))
    assert [item.key for item in dataset] == ["a/1.png"]
    assert dataset.others == {"link to a folder": 1}


def test_a_link_out_of_the_folder_is_refused_in_an_audit_and_followed_in_a_study(tmp_path):
    put(tmp_path, "in/a.png", "out/b.png")
    (tmp_path / "in" / "inside.png").symlink_to(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "outside.png").symlink_to("../out/b.png")
    (tmp_path / "in" / "outside.zip").symlink_to("../out/b.png")
    (tmp_path / "in" / "outside.txt").symlink_to("../out/b.png")
    dataset = open_dataset(str(tmp_path / "in"), labelled=False)
    assert [item.key for item in dataset] == ["a.png", "inside.png", "outside.png", "outside.zip"]
    assert dataset.others == {".txt": 1}
    for item in list(dataset)[2:]:
        with pytest.raises(RefusedError, match="leads out of the folder"):
            item.blob.read(0, 16)
    data = (tmp_path / "out" / "b.png").read_bytes()
    assert {item.blob.all() for item in open_dataset(str(tmp_path / "in")) if item.key == "outside.png"} == {data}


def test_links_in_a_circle_are_items_whose_reading_fails(tmp_path):
    put(tmp_path, "c.png")
    (tmp_path / "a.jpg").symlink_to(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "a.jpg")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for labelled in (True, False):
        dataset = open_dataset(str(tmp_path), labelled=labelled)
        assert [item.key for item in dataset] == ["a.jpg", "b.jpg", "c.png"]
        assert dataset.others == {"": 1}
    with pytest.raises(ReadError, match="symbolic links"):
        next(iter(dataset)).blob.read(0, 16)


def test_pipes_and_sockets_are_counted_and_never_opened(tmp_path):
    put(tmp_path, "a.png")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "to_pipe.jpg").symlink_to(tmp_path / "pipe.jpg")
    dataset = open_dataset(str(tmp_path), labelled=False)
    assert [item.key for item in dataset] == ["a.png"]
    assert dataset.others == {"special file": 2}


def test_a_folder_that_cannot_be_listed_is_a_row_and_the_root_is_a_refusal(tmp_path, monkeypatch):
    put(tmp_path, "a.png", "closed/b.png")
    real = os.scandir

    def closed(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", closed)
    items = list(open_dataset(str(tmp_path), labelled=False))
    assert [item.key for item in items] == ["a.png", "closed"]
    with pytest.raises(ReadError, match="Permission denied"):
        items[1].blob.read(0, 16)
    with pytest.raises(UsageError, match="cannot list the folder"):
        open_dataset(str(tmp_path / "closed"))


def test_containers_in_a_folder_are_looked_into_by_suffix_and_by_magic(tmp_path):
    put(tmp_path, "cat/1.png", "cat/2.png")
    jpegs = {"dog/x.jpg": picture(1), "y.jpg": picture(2)}
    WRAPPINGS["tar"](jpegs, tmp_path / "cat").rename(tmp_path / "cat" / "no_suffix")
    WRAPPINGS["pdf"](jpegs, tmp_path).rename(tmp_path / "val-a.pdf")
    (tmp_path / "broken.tar.gz").write_bytes(b"no archive")
    dataset = open_dataset(str(tmp_path), labelled=False)
    items = list(dataset)
    assert [(item.key, item.container) for item in items] == [
        ("broken.tar.gz", "tar"),
        ("cat/1.png", None),
        ("cat/2.png", None),
        ("cat/no_suffix/dog/x.jpg", "tar"),
        ("cat/no_suffix/y.jpg", "tar"),
        ("val-a.pdf#p1/Im1", "pdf"),
        ("val-a.pdf#p2/Im1", "pdf"),
    ]
    assert items[3].groups == {"folder": "cat/no_suffix/dog", "class": "dog", "shard": "no_suffix"}
    assert items[4].groups == {"folder": "cat/no_suffix", "class": "cat", "shard": "no_suffix"}
    assert items[5].groups == {"folder": "", "split": "val", "shard": "val-a.pdf"}
    with pytest.raises(TypeError, match="only iterating tells"):
        len(dataset)


def test_what_labels_csv_does_not_list_is_not_used_and_a_container_is_another_file(tmp_path):
    put(tmp_path, "a.png", "b.png")
    WRAPPINGS["zip"]({"x.jpg": picture(1)}, tmp_path)
    (tmp_path / "labels.csv").write_text("file,class_index\na.png,3\n")
    dataset = open_dataset(str(tmp_path))
    assert [(item.key, item.target) for item in dataset] == [("a.png", ClassTarget(3))]
    assert dataset.others == {".csv": 1, ".zip": 1, "unlisted image": 1}


def test_for_a_correction_containers_are_other_files_and_items_are_plain(tmp_path):
    put(tmp_path, "a.png", "out/b.png")
    WRAPPINGS["tar"]({"x.jpg": picture(1)}, tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "out" / "b.png")
    dataset = FolderDataset.open(tmp_path, labelled=False)
    assert [item.key for item in dataset.items] == ["a.png", "link.png", "out/b.png"]
    assert dataset.others == {".tar": 1}


@pytest.mark.parametrize(
    ("make", "finding"),
    [
        (lambda path: None, "there is no folder"),
        (lambda path: path.mkdir(), "no image"),
        (lambda path: path.write_text("x"), "is a file, not a folder"),
    ],
)
def test_nothing_there_is_refused(tmp_path, make, finding):
    make(tmp_path / "it")
    with pytest.raises(UsageError, match=finding):
        open_dataset(str(tmp_path / "it"))


def test_blobs_read_parts(tmp_path):
    put(tmp_path, "a.png")
    (item,) = open_dataset(str(tmp_path))
    whole = (tmp_path / "a.png").read_bytes()
    assert item.blob.size_bytes == len(whole)
    assert item.blob.read(3, 5) == whole[3:8]
    assert item.blob.read(len(whole) - 2, 100) == whole[-2:]
    assert item.blob.read(len(whole) + 5, 10) == b""


def test_a_link_to_nothing_is_an_item_whose_reading_fails(tmp_path):
    put(tmp_path, "a.png")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "never.jpg")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "never.txt")
    dataset = open_dataset(str(tmp_path))
    assert [item.key for item in dataset] == ["a.png", "gone.jpg"]
    assert dataset.others == {".txt": 1}
    with pytest.raises(ReadError):
        list(dataset)[1].blob.all()
