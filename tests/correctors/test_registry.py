"""One suite over every corrector of the registry: a new one is tested by being registered."""

import shutil

import numpy as np
import pytest
import torch

from tests.correctors.pictures import as_jpeg, dncnn_weights, scene, tiny_weights
from unlossy.core.errors import MissingDependency, UnlossyError, UsageError
from unlossy.core.types import Decoded
from unlossy.correctors.base import Corrector
from unlossy.correctors.guards import Hidden
from unlossy.correctors.nets.sizes import SIZES
from unlossy.correctors.nets.weights_file import save_weights
from unlossy.correctors.registry import CORRECTORS, SUFFIXES, Choices, open_corrector, weights_of
from unlossy.correctors.weights_place import TRAINABLE

EVERY = [*CORRECTORS, *SUFFIXES, "flips:"]
SIZES_HW = [(1, 1), (1, 17), (7, 1), (8, 8), (15, 31), (33, 48), (64, 65)]


@pytest.fixture(scope="module", params=EVERY)
def corrector(request, tmp_path_factory):
    return open_corrector(spec_of(request.param, tmp_path_factory.mktemp("w")), Choices(threads=1))


def spec_of(name, folder):
    if name == "dncnn3":
        save_weights(folder / "d.safetensors", dncnn_weights(), {})
        return f"dncnn3@{folder / 'd.safetensors'}"
    if name == "flips:":
        return f"flips:{tiny_weights(folder)}"
    if name == "quantsmooth" and shutil.which("jpegqs") is None:
        pytest.skip("the program jpegqs is not installed")
    if name == ".onnx":
        from unlossy.correctors.export import export_onnx

        export_onnx(tiny_weights(folder), folder / "alone.onnx")
        return str(folder / "alone.onnx")
    return str(tiny_weights(folder)) if name == ".safetensors" else name


def test_it_keeps_the_contract(corrector):
    assert isinstance(corrector, Corrector)
    assert len(corrector.digest) == 64
    assert corrector.libraries
    assert all(isinstance(name, str) for name in corrector.libraries)


@pytest.mark.parametrize("size", SIZES_HW)
def test_every_size_and_channel_count_comes_back_as_it_came(corrector, size):
    for image in (scene(*size), scene(*size, grey=True)):
        for picture in (as_jpeg(image, 30), as_jpeg(image, 70, "4:4:4"), Decoded(image)):
            (output,) = corrector.correct([picture])
            assert output.shape == picture.pixels_hwc.shape
            assert output.dtype == np.uint8


def test_a_batch_equals_singles(corrector):
    pictures = [as_jpeg(scene(40, 64, seed), 15 + 20 * seed) for seed in range(3)] + [Decoded(scene(24, 24))]
    for picture, output in zip(pictures, corrector.correct(pictures), strict=True):
        assert np.abs(output.astype(int) - corrector.correct([picture])[0]).max() <= 1


def test_the_same_picture_gets_the_same_answer_and_a_jpeg_a_changed_one(corrector):
    picture = as_jpeg(scene(), 20)
    first, second = corrector.correct([picture])[0], corrector.correct([picture])[0]
    assert np.array_equal(first, second)
    assert corrector.touches(picture)
    assert not np.array_equal(first, picture.pixels_hwc)


def test_what_is_not_touched_comes_back_as_it_is(corrector):
    picture = Decoded(scene(64, 64))
    if not corrector.touches(picture):
        assert corrector.correct([picture])[0] is picture.pixels_hwc


def test_the_digest_names_weights_and_rules(tmp_path):
    one, other = tiny_weights(tmp_path), tmp_path / "other.safetensors"
    tiny_weights(tmp_path, 0).rename(other)
    tiny_weights(tmp_path, 1)
    never = Choices("torch", Hidden.NEVER, threads=1)
    digests = {open_corrector(str(path), never).digest for path in (one, other)}
    digests |= {open_corrector(str(one), Choices("torch", threads=1)).digest}
    assert len(digests) == 3
    shutil.copy(one, tmp_path / "copy.safetensors")
    assert open_corrector(str(tmp_path / "copy.safetensors"), never).digest in digests


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        ("lanczos", "not understood"),
        ("", "not understood"),
        ("small@", "not understood"),
        ("small@mine.safetensors", "ships with its weights"),
        ("missing.safetensors", "no such file"),
        ("missing.onnx", "no such file"),
        ("dncnn3", "whose weights"),
        ("dncnn3@missing.safetensors", "cannot read"),
        ("quantsmooth@x", "takes neither"),
        ("weights.ckpt", "not understood"),
    ],
)
def test_wrong_specs_are_refused_with_a_remedy(spec, finding):
    with pytest.raises(UsageError, match=finding):
        open_corrector(spec)


@pytest.mark.parametrize(
    "wrong", [{"runtime": "tvm"}, {"threads": 0}, {"max_bytes": 0}, {"runtime": "onnx", "device": "cuda"}]
)
def test_wrong_choices_are_refused(wrong):
    with pytest.raises(UsageError):
        Choices(**wrong)


def test_absent_weights_name_the_command_that_trains_them(tmp_path, monkeypatch):
    monkeypatch.setattr("unlossy.correctors.weights_place.FOLDER", tmp_path)
    for ask in (open_corrector, weights_of):
        with pytest.raises(UsageError, match=r"unlossy train corrector .*--size small"):
            ask("small")
        with pytest.raises(UsageError, match=r"not part of this installation\. Install unlossy anew$"):
            ask("ttac-mobilenet-v2")


def test_the_sizes_that_can_be_trained_are_those_that_the_training_takes():
    assert set(TRAINABLE) == set(SIZES)


def test_an_absent_program_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingDependency, match="apt install jpegqs") as caught:
        open_corrector("quantsmooth")
    assert caught.value.exit_code == 4


def test_a_failing_program_is_an_items_error(tmp_path, monkeypatch):
    fake = tmp_path / "jpegqs"
    fake.write_text("#!/bin/sh\ncat > /dev/null\necho broken >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(UnlossyError, match="exit code 3: broken") as caught:
        open_corrector("quantsmooth").correct([as_jpeg(scene(16, 16), 30)])
    assert caught.value.exit_code == 3


class Dangerous:
    def __reduce__(self):
        return (print, ("run",))


def test_other_formats_of_weights_hold_tensors_alone(tmp_path, capsys):
    tensors = dncnn_weights()
    save_weights(tmp_path / "d.safetensors", tensors, {})
    torch.save({name.removeprefix("model."): tensor for name, tensor in tensors.items()}, tmp_path / "d.pth")
    picture = as_jpeg(scene(24, 24), 20)
    outputs = [open_corrector(f"dncnn3@{tmp_path / n}").correct([picture])[0] for n in ("d.pth", "d.safetensors")]
    assert np.array_equal(*outputs)
    torch.save(Dangerous(), tmp_path / "evil.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "noise.pt").write_bytes(b"\x80\x04abc")
    save_weights(tmp_path / "less.safetensors", dict(list(tensors.items())[2:]), {})
    for name, finding in (
        ("evil.pth", "no file of tensors alone"),
        ("list.pth", "no state_dict"),
        ("noise.pt", "no file of tensors alone"),
        ("less.safetensors", "not the weights of DnCNN-3"),
    ):
        with pytest.raises(UsageError, match=finding):
            open_corrector(f"dncnn3@{tmp_path / name}")
    assert "run" not in capsys.readouterr().out
