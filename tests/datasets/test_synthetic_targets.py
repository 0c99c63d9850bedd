"""Scenes as objects and as label maps: what the targets say is what is painted."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from unlossy.core.types import ClassTarget
from unlossy.datasets import open_dataset
from unlossy.datasets.base import categories_of
from unlossy.datasets.scenes.labels import SUBJECTS, run_lengths
from unlossy.datasets.synthetic import CLASS_NAMES, render_scene

DIGESTS = {
    (0, 0): "4e32d0579872ccfb5983e27a90939c0cefc661304aa6c69a98396068a89503ba",
    (7, 123): "4ff8cf525e8a4e630884ee0dc1fda2a8894e285bb5b3c75e3731d0dc93b44de3",
}
"""SHA-256 of the pixels of scenes of 64 x 48 with one to four subjects, by (seed, index)."""


def scenes(spec, targets):
    return list(open_dataset(spec, targets=targets))


def rendered(item, seed, size):
    return render_scene(seed, int(item.key[6:12]), width=size, height=size, subjects=SUBJECTS)


def unrolled(outline):
    """The mask behind COCO's uncompressed run lengths, by their definition."""
    values = np.repeat(np.arange(len(outline["counts"])) % 2 == 1, outline["counts"])
    return values.reshape(outline["size"], order="F")


def label_map(item):
    image = Image.open(io.BytesIO(item.target.blob.all()))
    assert image.mode == "L"
    return np.asarray(image)


@pytest.mark.parametrize("arguments", DIGESTS, ids=str)
def test_a_scene_of_several_subjects_is_the_same_bytes_on_every_machine(arguments):
    scene = render_scene(*arguments, width=64, height=48, subjects=(1, 4))
    assert hashlib.sha256(scene.image_hwc.tobytes()).hexdigest() == DIGESTS[arguments]


def test_objects_are_the_visible_pixels_of_the_subjects():
    counts = set()
    for item in scenes("synthetic:12,size=72,seed=3", "objects"):
        scene, target = rendered(item, 3, 72), item.target
        counts.add(len(target.category_ids))
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(item.blob.all()))), scene.image_hwc)
        assert [CLASS_NAMES[i - 1] for i in target.category_ids] == [CLASS_NAMES[i] for i in scene.instance_classes]
        for mask, box, area, outline in zip(
            scene.instance_masks, target.boxes_xyxy, target.areas, target.outlines, strict=True
        ):
            ys, xs = np.nonzero(mask)
            assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert area == len(xs)
            assert np.array_equal(unrolled(outline), mask)
        assert not target.crowd.any()
    assert counts == {1, 2, 3, 4}


def test_a_label_map_holds_each_mask_under_its_category_and_zero_elsewhere():
    for item in scenes("synthetic:5,size=64,seed=5", "label_map"):
        scene, found = rendered(item, 5, 64), label_map(item)
        for mask, class_index in zip(scene.instance_masks, scene.instance_classes, strict=True):
            assert (found[mask] == class_index + 1).all()
        assert (found[~scene.instance_masks.any(axis=0)] == 0).all()
        assert item.target.blob.size_bytes == len(item.target.blob.all())
        assert item.target.blob.read(1, 3) == b"PNG"


def test_both_kinds_speak_of_the_same_pictures_in_the_same_categories():
    objects = open_dataset("synthetic:4,size=48", targets="objects")
    maps = open_dataset("synthetic:4,size=48", targets="label_map")
    assert categories_of(objects) == dict(enumerate(CLASS_NAMES, start=1))
    assert categories_of(maps) == {0: "background"} | categories_of(objects)
    for of_objects, of_map in zip(objects, maps, strict=True):
        assert of_objects.key == of_map.key
        assert of_objects.blob.all() == of_map.blob.all()
        assert set(label_map(of_map).ravel()) == {0, *of_objects.target.category_ids}


def test_targets_are_the_same_each_time_and_differ_between_scenes():
    for targets in ("objects", "label_map"):
        first, second = ([item.target.digest for item in scenes("synthetic:5,size=40", targets)] for _ in range(2))
        assert first == second
        assert len(set(first)) == 5
        other = [item.target.digest for item in scenes("synthetic:5,size=40,seed=1", targets)]
        assert not set(first) & set(other)
    ids = [i for item in scenes("synthetic:5,size=40", "objects") for i in item.target.ids]
    assert len(set(ids)) == len(ids)


def test_classification_and_text_have_scenes_of_one_subject():
    plain, unread = scenes("synthetic:3,size=32", "class"), scenes("synthetic:3,size=32", "text")
    assert [item.blob.all() for item in plain] == [item.blob.all() for item in unread]
    assert all(isinstance(item.target, ClassTarget) for item in plain)
    assert [item.target for item in unread] == [None] * 3
    assert categories_of(open_dataset("synthetic:3")) == {}


def test_subjects_show_for_a_good_part_and_mostly_stand_apart():
    areas, hidden = [], 0
    for index in range(16):
        scene = render_scene(9, index, width=64, height=64, subjects=(4, 4))
        hidden += 4 - len(scene.instance_masks)
        areas += [mask.mean() for mask in scene.instance_masks]
    assert hidden == 0
    assert np.percentile(areas, 2) > 0.02  # of the picture; a subject of four that stands free has 0.03 to 0.09


@pytest.mark.parametrize(
    ("mask", "counts"),
    [
        ([[0, 1], [1, 1]], [1, 3]),
        ([[1, 0], [0, 0]], [0, 1, 3]),
        ([[0, 0], [0, 0]], [4]),
        ([[1, 1], [1, 1]], [0, 4]),
        ([[0, 0, 1], [1, 0, 0]], [1, 1, 2, 1, 1]),
    ],
)
def test_run_lengths_go_down_the_columns_and_begin_with_zeros(mask, counts):
    found = run_lengths(np.array(mask, dtype=np.bool_))
    assert found == {"size": [2, len(mask[0])], "counts": counts}
