"""`unlossy export`: a file that ONNX Runtime takes alone, and refusals that leave nothing behind."""

import numpy as np
import onnxruntime
import pytest

from tests.correctors.pictures import as_jpeg, scene, tiny_weights
from unlossy.cli.main import run
from unlossy.correctors.registry import Choices, open_corrector


def test_the_file_works_without_unlossy_and_as_a_corrector(tmp_path, capsys):
    weights, output = tiny_weights(tmp_path), tmp_path / "elsewhere.onnx"
    assert run(["export", str(weights), str(output)]) == 0
    assert str(output) in capsys.readouterr().out
    weights.rename(tmp_path / "gone.safetensors")
    session = onnxruntime.InferenceSession(str(output), providers=["CPUExecutionProvider"])
    shapes = {one.name: one.shape for one in session.get_inputs()}
    assert shapes == {
        "ycc": ["batch", 3, "height", "width"],
        "tables": ["batch", 2, 8, 8],
        "known": ["batch"],
        "sampling": ["batch", 2],
    }
    picture = as_jpeg(scene(40, 48), 30)
    in_torch = open_corrector(str(tmp_path / "gone.safetensors"), Choices("torch", threads=1)).correct([picture])
    exported = open_corrector(str(output), Choices(threads=1)).correct([picture])
    assert np.abs(in_torch[0].astype(int) - exported[0]).max() <= 1


def test_a_shipped_corrector_by_name(tmp_path):
    assert run(["export", "small", str(tmp_path / "s.onnx")]) == 0
    asked = [as_jpeg(scene(24, 40), 30)]
    exported = open_corrector(str(tmp_path / "s.onnx"), Choices(threads=1)).correct(asked)
    assert np.array_equal(exported[0], open_corrector("small", Choices(threads=1)).correct(asked)[0])


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        (["small", "out.txt"], "must end in .onnx"),
        (["small", "there.onnx"], "is there already"),
        (["small", "no/such/folder.onnx"], "cannot be written"),
        (["quantsmooth", "out.onnx"], "none of our networks"),
        (["missing.safetensors", "out.onnx"], "cannot read the weights"),
    ],
)
def test_refusals(arguments, finding, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.onnx").write_bytes(b"mine")
    assert run(["export", *arguments]) == 2
    assert finding in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["there.onnx"]
    assert (tmp_path / "there.onnx").read_bytes() == b"mine"
    assert run(["export", "small", "there.onnx", "--force"]) == 0
    assert (tmp_path / "there.onnx").stat().st_size > 1_000_000
