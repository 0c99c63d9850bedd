"""Numbers in the JSON beside a model that are none: refused by field, wherever they stand."""

import json

import pytest

from unlossy.core.errors import UsageError
from unlossy.tasks.models.facts import MINIMAL, read_facts, stated_file
from unlossy.tasks.registry import load_task


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" + 400 * "0"])
@pytest.mark.parametrize(
    ("place", "put"),
    [
        ("input.mean[1]", lambda told, x: told["input"]["mean"].__setitem__(1, x)),
        ("input.size_hw[0]", lambda told, x: told["input"]["size_hw"].__setitem__(0, x)),
        ("input.resize.edge", lambda told, x: told["input"]["resize"].update(edge=x)),
        ("input.resize.fill", lambda told, x: told["input"]["resize"].update(fill=x)),
        ("file", lambda told, x: told.update(file=x)),
        ("note.of.mine", lambda told, x: told.update(note={"of": {"mine": x}})),
    ],
)
def test_what_is_no_finite_number_is_refused_by_its_field(tmp_path, place, put, number):
    told = json.loads(MINIMAL)
    put(told, "NUMBER")
    (tmp_path / "model.json").write_text(json.dumps(told).replace('"NUMBER"', number))
    with pytest.raises(UsageError) as caught:
        read_facts(tmp_path / "model.json")
    said = str(caught.value)
    assert said.startswith(f'{tmp_path / "model.json"}: "{place}" is ')
    assert "; a finite number was expected" in said
    assert "A minimal file:" in said


def test_a_size_is_no_larger_than_networks_are(tmp_path):
    (tmp_path / "model.json").write_text(MINIMAL.replace("[224, 224]", "[224, 1e9]"))
    with pytest.raises(UsageError, match=r'"size_hw" is .*2 positive whole numbers up to 1000000 were expected'):
        read_facts(tmp_path / "model.json")


def test_a_json_nested_too_deeply_is_refused(tmp_path):
    (tmp_path / "model.json").write_text("[" * 200_000)
    with pytest.raises(UsageError, match="cannot be read as JSON"):
        read_facts(tmp_path / "model.json")
    assert stated_file(tmp_path / "model.json") is None


def test_a_file_that_is_stated_is_a_text(tmp_path):
    (tmp_path / "model.json").write_text('{"file": NaN}')
    assert stated_file(tmp_path / "model.json") is None
    (tmp_path / "model.json").write_text('{"file": "model.onnx"}')
    assert stated_file(tmp_path / "model.json") == "model.onnx"


@pytest.mark.parametrize("task", ["detection", "semantic_segmentation", "text"])
def test_every_task_refuses_them(task, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"")
    (tmp_path / "model.json").write_text('{"input": {"mean": [NaN, 0, 0]}}')
    with pytest.raises(UsageError, match=r'"input.mean\[0\]" is NaN'):
        load_task(task, f"onnx:{tmp_path / 'model.onnx'}")
