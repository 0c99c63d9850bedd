import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.datasets.pictures import picture
from unlossy.core.errors import NoImageError, ReadError
from unlossy.core.types import ClassTarget
from unlossy.datasets import open_dataset

JPEGS = [picture(seed) for seed in range(40)]
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def structs(values, kind=STRUCT):
    return pa.array(values, kind)


def written(where, columns, features=None, name="x.parquet", rows_per_group=8):
    table = pa.table(columns)
    if features is not None:
        told = {"info": {"features": features}} if isinstance(features, dict) else features
        table = table.replace_schema_metadata({"huggingface": told if isinstance(told, str) else json.dumps(told)})
    pq.write_table(table, where / name, row_group_size=rows_per_group)
    return where / name


def opened(path):
    dataset = open_dataset(str(path), labelled=False)
    return dataset, list(dataset)


def test_a_hugging_face_table_with_labels_and_its_split(tmp_path):
    names = ["cat", "dog"]
    images = structs([{"bytes": data, "path": f"{index}.jpg"} for index, data in enumerate(JPEGS)])
    features = {"image": {"_type": "Image"}, "y": {"_type": "ClassLabel", "names": names}}
    columns = {"caption": ["x"] * 40, "image": images, "y": [index % 2 for index in range(40)]}
    path = written(tmp_path, columns, features, "validation-00000-of-00001.parquet")
    _, items = opened(path)
    assert [item.blob.all() for item in items] == JPEGS
    assert [item.key for item in items[:2]] == ["0.jpg", "1.jpg"]
    assert items[1].target == ClassTarget(1)
    assert items[1].groups == {
        "folder": "",
        "split": "validation",
        "class": "dog",
    }


@pytest.mark.parametrize("features", [None, "{broken", "[" * 100_000, {"image": 5}, {"image": [[]]}])
def test_columns_are_found_without_metadata_or_with_nonsense(tmp_path, features):
    images = structs([{"bytes": data, "path": None} for data in JPEGS])
    _, items = opened(written(tmp_path, {"image": images, "label": ["a", "b"] * 20}, features))
    assert [item.key for item in items[:2]] == ["image-000000000", "image-000000001"]
    assert [(item.target, item.groups["class"]) for item in items[:2]] == [(None, "a"), (None, "b")]
    assert [item.blob.all() for item in items] == JPEGS


def test_lists_of_images_several_columns_and_equal_paths(tmp_path):
    one = {"bytes": JPEGS[0], "path": "same.jpg"}
    columns = {
        "pages": structs([[one, one], [], None, [{"bytes": JPEGS[1], "path": None}, one]], pa.list_(STRUCT)),
        "cover": structs([one, None, {"bytes": JPEGS[2], "path": None}, one]),
    }
    dataset, items = opened(written(tmp_path, columns))
    assert [item.key for item in items] == [
        *("same.jpg", "same.jpg#2", "same.jpg#3", "cover-000000002"),
        *("pages-000000003-0", "same.jpg#4", "same.jpg#5"),
    ]
    assert dataset.others == {"null image": 2}


def test_plain_binary_columns_count_where_they_hold_images(tmp_path):
    columns = {"jpg": pa.array(JPEGS, pa.large_binary()), "embedding": [b"12345678"] * 40, "cls": list(range(40))}
    _, items = opened(written(tmp_path, columns))
    assert [item.blob.all() for item in items] == JPEGS
    assert items[7].target == ClassTarget(7)


def test_a_path_without_bytes_is_a_row_that_says_so(tmp_path):
    images = structs([{"bytes": JPEGS[0], "path": "a.jpg"}, {"bytes": None, "path": "/home/me/b.jpg"}])
    _, items = opened(written(tmp_path, {"image": images}))
    assert [item.key for item in items] == ["a.jpg", "home/me/b.jpg"]
    with pytest.raises(ReadError, match="a path here and no bytes"):
        items[1].blob.all()


@pytest.mark.parametrize(
    "columns",
    [
        {"text": ["a"], "number": [1]},
        {"image": ["not bytes"]},
        {"image": pa.array([{"bytes": "text", "path": "x"}])},
        {"image": pa.array([{"bytes": b"x", "path": 5}])},
        {"image": pa.array([None], pa.null())},
        {"image": pa.array([b"no image"])},
    ],
)
def test_a_table_of_another_kind_says_that_it_has_no_images(tmp_path, columns):
    _, (item,) = opened(written(tmp_path, columns))
    with pytest.raises(NoImageError, match="no column of this table holds images"):
        item.blob.all()


def test_damage_gives_the_rows_before_it(tmp_path):
    images = structs([{"bytes": data, "path": f"{index}.jpg"} for index, data in enumerate(JPEGS)])
    path = written(tmp_path, {"image": images})
    data = bytearray(path.read_bytes())
    at = pq.ParquetFile(path).metadata.row_group(3).column(0).data_page_offset
    data[at : at + 60] = bytes(60)
    path.write_bytes(data)
    _, items = opened(path)
    assert [item.blob.all() for item in items[:-1]] == JPEGS[:24]
    assert items[-1].key == "x.parquet"
    with pytest.raises(ReadError, match="the parquet is damaged"):
        items[-1].blob.all()
