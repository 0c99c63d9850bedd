"""Answers drawn on pictures: what is counted, marked and coloured, and what hostile rows cannot do."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from unlossy.report.answers.base import Answered, Shown
from unlossy.report.answers.label_maps import class_map, draw_label_map
from unlossy.report.answers.objects import draw_objects
from unlossy.report.answers.texts import draw_text, marked
from unlossy.report.chart import Layer, areas, linear_axis
from unlossy.runs.exhibits import Exhibit, Exhibits, Version, read_exhibits, write_exhibits_index

SIZE = (40, 30)


def shown(answer, clean, *, target=None, is_clean=False, crop=(0, 0, 40, 30), classes=None):
    exhibit = Exhibit("a.png", 0, SIZE, crop, (Version("clean", "none", "f.png", None),), 0.5)
    picture = np.full((crop[3], crop[2], 3), 128, np.uint8)
    exhibits = Exhibits(classes or {1: "cat", 2: "<b>dog</b>"})
    return Shown(exhibit, exhibits, picture, Answered(answer, target, {}), Answered(clean, target, {}), is_clean)


def objects(*found):
    boxes, ids, scores = zip(*found, strict=True) if found else ((), (), ())
    return {"boxes": list(boxes), "class_ids": list(ids), "scores": list(scores)}


def test_boxes_are_drawn_by_their_fate_inside_the_crop():
    clean = objects(([2, 2, 12, 12], 1, 0.9), ([20, 10, 30, 20], 2, 0.8))
    here = objects(([2, 2, 12, 12], 1, 0.6), ([25, 20, 38, 29], 1, 0.5))
    drawing = draw_objects(shown(here, clean))
    assert [drawing.overlay.count(f'<rect x="{x}"') for x in (2, 20, 25)] == [1, 1, 1]
    for fate in ("kept", "missed", "new"):
        assert drawing.overlay.count(f'class="{fate}"') == 2, "a box and its text"
    assert "<b>dog" not in drawing.overlay + drawing.caption
    assert "1 missed" in drawing.caption
    assert "2 objects" in draw_objects(shown(clean, clean, is_clean=True)).caption
    outside = draw_objects(shown(clean, clean, is_clean=True, crop=(0, 0, 16, 16)))
    assert outside.overlay.count("<rect") == 1, "what lies outside of the crop is not drawn"


def test_masks_are_laid_over_the_picture_and_a_missed_one_is_outlined():
    masks = np.zeros((2, 30, 40), dtype=bool)
    masks[0, 5:15, 2:12], masks[1, 10:20, 20:30] = True, True
    rles = [
        {"size": [30, 40], "counts": counts} for counts in ("Q2:d000000000000000000Sj0", "Rc0:d000000000000000000R9")
    ]  # as COCO's tools write them
    clean = objects(([2, 5, 12, 15], 1, 0.9), ([20, 10, 30, 20], 2, 0.8)) | {"masks": rles}
    here = objects(([2, 5, 12, 15], 1, 0.6)) | {"masks": rles[:1]}
    picture = draw_objects(shown(here, clean)).picture
    changed = (picture != 128).any(axis=2)
    inside = np.zeros_like(changed)
    inside[11:19, 21:29] = True
    assert (changed == (masks[0] | (masks[1] & ~inside))).all()
    assert picture[7, 7].tolist() == [96, 160, 121], "two fifths of the colour of what is kept"
    crop = draw_objects(shown(here, clean, crop=(10, 0, 30, 30))).picture
    assert (crop == picture[:, 10:]).all(axis=2)[:, 1:].all(), "but for the rim where the crop cuts"
    for broken in ({"size": [3, 4], "counts": "0"}, {"size": [30, 40], "counts": "?"}, {}):
        assert (draw_objects(shown(here | {"masks": [broken]}, objects())).picture == 128).all()


def png_of(ids):
    buffer = io.BytesIO()
    Image.fromarray(ids.astype(np.uint8)).save(buffer, "PNG")
    return {"size_hw": list(ids.shape), "png": base64.b64encode(buffer.getvalue()).decode()}


def test_a_map_colours_classes_and_outlines_what_changed():
    clean, here = np.zeros((30, 40)), np.zeros((30, 40))
    clean[:, 20:], here[:, 30:] = 1, 1
    drawing = draw_label_map(shown(png_of(here), png_of(clean)))
    assert "25.0 % of the pixels changed" in drawing.caption
    assert "cat 25 %" in drawing.caption
    colours = {tuple(colour) for colour in drawing.picture.reshape(-1, 3)}
    assert len(colours) == 3, "background, cat, and the outline"
    assert (drawing.picture[0, 20:30] == 255).all()
    smaller = draw_label_map(shown(png_of(here[::2, ::2]), png_of(clean[::2, ::2])))
    assert "25.0 % of the pixels changed" in smaller.caption, "a map may be kept smaller than its picture"


@pytest.mark.parametrize("prediction", [{}, {"png": "!"}, {"png": "aGVsbG8="}, {"png": None}, None])
def test_a_map_that_cannot_be_read_is_told(prediction):
    assert class_map(prediction) is None


def test_readings_are_marked_where_they_differ():
    assert "".join(marked("HOUSE", "HOU5E")) == "HOU<mark>5</mark><del>S</del>E"
    assert "".join(marked("ab", "<")) == "<mark>&lt;</mark><del>ab</del>"
    told = draw_text(shown({"text": "HOU5E", "confidence": 0.81}, {"text": "x"}, target={"text": "HOUSE"})).caption
    assert "misread" in told
    assert "81 % sure" in told
    same = draw_text(shown({"text": "house"}, {"text": "x"}, target={"text": "HOUSE!"})).caption
    assert "misread" not in same, "case counts for nothing in a word, as in the metrics"
    assert "as it is written" in draw_text(shown({"text": "x"}, {"text": "x"})).caption, "without truth: the clean one"


def test_stacked_areas_lie_on_each_other():
    layers = [Layer(0, "a", ((0.0, 1.0), (1.0, 2.0))), Layer(1, "b", ((0.0, 1.0), (1.0, 0.0)))]
    drawn = areas("n", "t", "d", linear_axis("x", [0.0, 1.0]), linear_axis("y", [0.0, 2.0]), layers)
    first, second = (part.split('"')[0].split(" ") for part in drawn.split('points="')[1:])
    assert second[2:] == first[:2][::-1], "the floor of the second is the top of the first"
    assert second[1] == first[1], "a layer of no height lies on the one below"


def test_exhibits_come_back_as_they_were_written(tmp_path):
    made = Exhibits({3: "x"}, (Exhibit("k", 1, (9, 8), (0, 0, 9, 8), (Version("clean", "none", "a.png", 5),), None),))
    write_exhibits_index(tmp_path, made)
    assert read_exhibits(tmp_path) == made
    assert read_exhibits(tmp_path / "nowhere") is None
    (tmp_path / "pictures" / "exhibits.json").write_text(
        (tmp_path / "pictures" / "exhibits.json").read_text().replace("a.png", "../a.png")
    )
    with pytest.raises(Exception, match="file name"):
        read_exhibits(tmp_path)
