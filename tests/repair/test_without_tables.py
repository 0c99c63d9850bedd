"""Pictures that are no JPEGs: those with a palette are left unless they are asked for, the others noted and counted."""

import numpy as np
from PIL import Image

from tests.repair.conftest import photo
from unlossy.repair import RepairPlan, run_repair


def test_a_picture_with_a_palette_is_corrected_where_that_is_asked_for(tmp_path, everything):
    photo().quantize(16).save(tmp_path / "a.png")
    (left,) = run_repair(RepairPlan(tmp_path / "a.png", tmp_path / "left.png"), everything).records
    assert (left.action, (tmp_path / "left.png").read_bytes()) == ("copied", (tmp_path / "a.png").read_bytes())
    asked = RepairPlan(tmp_path / "a.png", tmp_path / "corrected.png", palettes=True)
    assert [record.action for record in run_repair(asked, everything).records] == ["corrected"]
    with Image.open(tmp_path / "a.png") as before, Image.open(tmp_path / "corrected.png") as after:
        assert np.array_equal(np.asarray(after), 255 - np.asarray(before.convert("RGB")))


def test_what_was_corrected_without_tables_is_noted_and_counted(tmp_path, everything):
    (tmp_path / "in").mkdir()
    for name, image in {"a.jpg": photo(), "b.png": photo(), "c.jpg": photo().convert("CMYK")}.items():
        image.save(tmp_path / "in" / name)
    result = run_repair(RepairPlan(tmp_path / "in", tmp_path / "out"), everything)
    assert [(record.by_pixels, record.note) for record in result.records] == [
        (False, None),
        (True, "corrected without JPEG tables, by its pixels alone"),
        (True, "CMYK became RGB, without a colour profile; corrected without JPEG tables, by its pixels alone"),
    ]
    assert result.to_json()["without_tables"] == 2
    assert run_repair(RepairPlan(tmp_path / "in", tmp_path / "out"), everything).to_json()["without_tables"] == 2
