"""Folders of pictures and masks: what is read as which id, and what a broken mask comes to."""

import io
import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import LabelError, UsageError
from unlossy.datasets import open_dataset
from unlossy.datasets.base import categories_of
from unlossy.datasets.label_maps import open_labelled, read_class_ids

IDS = np.array([[0, 1, 2], [3, 1, 2]], np.uint8)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "val"
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for stem in "ab":
        Image.new("RGB", (3, 2)).save(root / "images" / f"{stem}.jpg")
        Image.fromarray(IDS).save(root / "masks" / f"{stem}.png")
    (tmp_path / "mask_ids.json").write_text(json.dumps({"0": "unlabeled", "1": "cat", "2": "dog", "3": "cat"}))
    return root


def as_png(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return BytesBlob(buffer.getvalue())


def grey_png(rows, bits):
    """A grey PNG of few bits, which Pillow does not write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    per_byte = 8 // bits
    packed = b""
    for row in rows:
        padded = [*row, *[0] * (-len(row) % per_byte)]
        groups = (padded[start : start + per_byte] for start in range(0, len(padded), per_byte))
        packed += b"\0" + bytes(sum(v << (8 - bits * (i + 1)) for i, v in enumerate(group)) for group in groups)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), bits, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b"")
    return BytesBlob(b"\x89PNG\r\n\x1a\n" + parts)


def test_a_folder_of_images_and_masks(folder):
    dataset = open_dataset(str(folder), targets="label_map")
    items = list(dataset)
    assert [item.key for item in items] == ["images/a.jpg", "images/b.jpg"]
    assert categories_of(dataset) == {1: "cat", 2: "dog", 3: "cat"}
    assert items[0].target.ignored == {0, 255}
    assert items[0].groups["split"] == "val"
    np.testing.assert_array_equal(read_class_ids(items[0].target.blob), IDS)
    assert items == list(dataset)


def test_the_digest_is_that_of_the_mask(folder):
    before = [item.target.digest for item in open_labelled(str(folder))]
    Image.fromarray(IDS + 1).save(folder / "masks" / "b.png")
    after = [item.target.digest for item in open_labelled(str(folder))]
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_names_beside_the_masks_win_and_without_any_ids_are_the_models(folder):
    (folder / "masks.json").write_text('{"0": "background", "1": "cat"}')
    dataset = open_labelled(str(folder))
    assert dataset.categories == {0: "background", 1: "cat"}
    assert next(iter(dataset)).target.ignored == {255}
    (folder / "masks.json").unlink()
    (folder.parent / "mask_ids.json").unlink()
    assert open_labelled(str(folder)).categories == {}


@pytest.mark.parametrize("text", ["[1]", "{", '{"x": "cat"}', '{"1": 7}', '{"-1": "cat"}', '{"70000": "cat"}'])
def test_names_that_are_none_are_refused(folder, text):
    (folder / "masks.json").write_text(text)
    with pytest.raises(UsageError, match=r"masks\.json"):
        open_labelled(str(folder))


def test_other_data_have_no_label_maps(folder, tmp_path):
    assert open_labelled(str(tmp_path)) is None
    assert [item.target for item in open_dataset(str(folder / "images"), targets="label_map")] == [None, None]


def test_a_missing_mask_fails_when_it_is_asked_for_and_an_unused_one_is_counted(folder):
    (folder / "masks" / "b.png").rename(folder / "masks" / "c.png")
    (folder / "masks" / "notes.txt").write_text("x")
    dataset = open_labelled(str(folder))
    assert dataset.others == {"mask without image": 1, "mask that is no .png": 1}
    with pytest.raises(LabelError, match=r"masks/b\.png"):
        read_class_ids(list(dataset)[1].target.blob)


def test_a_folder_without_images_is_refused(folder):
    for file in (folder / "images").iterdir():
        file.unlink()
    with pytest.raises(UsageError, match="no image"):
        open_labelled(str(folder))


def test_every_kind_of_one_channel_png_gives_its_ids():
    wanted = [[0, 1, 2], [3, 1, 2]]
    palette = Image.fromarray(IDS, "P")
    palette.putpalette([200, 10, 10, 7, 7, 7, 1, 2, 3, 9, 9, 9])
    for blob in (
        as_png(Image.fromarray(IDS)),
        as_png(palette),
        as_png(palette, bits=2),
        as_png(Image.fromarray(IDS.astype(np.uint16))),
        grey_png(wanted, 2),
        grey_png(wanted, 4),
    ):
        assert read_class_ids(blob).tolist() == wanted
    assert read_class_ids(as_png(Image.fromarray(IDS > 1))).tolist() == [[0, 0, 1], [1, 0, 1]]
    wide = np.array([[300, 64_000]], np.uint16)
    assert read_class_ids(as_png(Image.fromarray(wide))).tolist() == wide.tolist()


@pytest.mark.parametrize(
    ("blob", "finding"),
    [
        (as_png(Image.new("RGB", (3, 2))), "3 channels"),
        (as_png(Image.new("LA", (3, 2))), "2 channels"),
        (as_png(Image.fromarray(np.array([[65_535]], np.uint16))), "65535"),
        (BytesBlob(b"no picture"), r"not a PNG that can be read; write it anew$"),
        (BytesBlob(as_png(Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))).data[:50]), "not a PNG"),
        (BytesBlob(b""), "not a PNG"),
    ],
)
def test_what_is_no_map_of_classes_is_a_label_error(blob, finding):
    with pytest.raises(LabelError, match=finding):
        read_class_ids(blob)
