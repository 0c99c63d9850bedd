"""One weights file in two runtimes, as a graph that refers to it and as one that holds it; and what is refused."""

import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

import unlossy
from tests.correctors.pictures import as_jpeg, scene, tiny_weights
from unlossy.core.errors import MissingDependency, UsageError
from unlossy.correctors.base import Condition
from unlossy.correctors.card import card
from unlossy.correctors.export import export_onnx, ship
from unlossy.correctors.nets.sizes import load_network, save_network
from unlossy.correctors.onnx_runtime import OnnxNetwork, file_digest
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.correctors.torch_runtime import TorchNetwork
from unlossy.correctors.weights_place import FOLDER


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    ship(tiny_weights(folder), "mine", folder)
    return folder


def question(batch, height, width, hidden=False):
    rng = np.random.default_rng(3)
    hints = [None if hidden else as_jpeg(scene(), 20 + 10 * i).hints for i in range(batch)]
    return rng.random((batch, 3, height, width), np.float32), Condition.of(hints)


@pytest.mark.parametrize("asked", [(1, 8, 8, False), (3, 40, 16, False), (2, 16, 64, True)])
def test_the_runtimes_agree(shipped, asked):
    ycc, condition = question(*asked)
    mine = TorchNetwork.load(shipped / "mine.safetensors").run(ycc, condition)
    assert np.abs(mine - ycc).max() > 0.01
    assert np.abs(OnnxNetwork.load(shipped / "mine.onnx", 1).run(ycc, condition) - mine).max() < 1e-5


@pytest.mark.parametrize("name", ["small", "base"])
def test_the_shipped_weights_give_the_same_picture_in_both_runtimes(name):
    pictures = [as_jpeg(scene(72, 104, seed), 30) for seed in range(2)]
    in_onnx = open_corrector(name, Choices(threads=1)).correct(pictures)
    in_torch = open_corrector(name, Choices("torch", threads=1)).correct(pictures)
    for one, other in zip(in_onnx, in_torch, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


def test_a_self_contained_graph_answers_alike_alone(shipped, tmp_path):
    export_onnx(shipped / "mine.safetensors", tmp_path / "alone.onnx")
    ycc, condition = question(2, 24, 32)
    alone, referring = OnnxNetwork.load(tmp_path / "alone.onnx", 1), OnnxNetwork.load(shipped / "mine.onnx", 1)
    assert np.array_equal(alone.run(ycc, condition), referring.run(ycc, condition))
    assert alone.facts.weights_sha256 == referring.digest == file_digest(shipped / "mine.safetensors")
    assert alone.digest == file_digest(tmp_path / "alone.onnx")
    assert (alone.stride_px, alone.reach_px, alone.bytes_per_pixel) == (
        referring.stride_px,
        referring.reach_px,
        referring.bytes_per_pixel,
    )


def test_weights_ship_once_and_stay_small():
    sizes = {file.name: file.stat().st_size for file in FOLDER.iterdir()}
    assert max(sizes.values()) < 8_000_000
    assert sum(sizes.values()) < 25_000_000
    assert sizes["small.onnx"] < 200_000 < sizes["small.safetensors"]


def test_the_default_needs_no_torch():
    code = (
        "import sys, numpy, unlossy; c = unlossy.load_corrector('small'); "
        "assert c(numpy.zeros((16, 16, 3), numpy.uint8)).shape == (16, 16, 3); "
        "assert 'onnxruntime' in sys.modules and not {'torch', 'onnx', 'safetensors'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_changed_weights_do_not_go_with_an_old_graph(shipped, tmp_path):
    for file in ("mine.onnx", "mine.safetensors"):
        shutil.copy(shipped / file, tmp_path / file)
    data = bytearray((tmp_path / "mine.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "mine.safetensors").write_bytes(data)
    with pytest.raises(UsageError, match=r"not the weights that mine.onnx was made for.*unlossy export --force"):
        OnnxNetwork.load(tmp_path / "mine.onnx")
    # asked for by the weights' name, it is the weights that count: they run in torch
    assert open_corrector(str(tmp_path / "mine.safetensors")).libraries[0] == "torch"
    assert open_corrector(str(shipped / "mine.safetensors")).libraries[0] == "onnxruntime"


def test_a_graph_of_other_weights_under_the_same_name_is_not_taken(shipped, tmp_path):
    other = tiny_weights(tmp_path, seed=5)
    export_onnx(shipped / "mine.safetensors", other.with_suffix(".onnx"))
    assert open_corrector(str(other)).libraries[0] == "torch"
    with pytest.raises(UsageError, match=r"made for other weights.*unlossy export --force"):
        open_corrector(str(other), Choices("onnx"))
    other.with_suffix(".onnx").unlink()
    with pytest.raises(UsageError, match=r"no graph tiny.onnx beside it. Make one: unlossy export"):
        open_corrector(str(other), Choices("onnx"))


def refused_files(folder, shipped):
    """File name -> content and what the refusal says."""
    whole = (shipped / "mine.safetensors").read_bytes()
    graph = (shipped / "mine.onnx").read_bytes()
    torch.save({"weight": torch.ones(3)}, folder / "p.pt")
    pickled = (folder / "p.pt").read_bytes()
    return {
        "cut.safetensors": (whole[:-10], "not a sound safetensors"),
        "pickle.safetensors": (pickled, "not a sound safetensors"),
        "other.safetensors": (whole.replace(b"unlossy-unet-2", b"unlossy-unet-9"), "another architecture"),
        "empty.safetensors": (b"", "not a sound safetensors"),
        "cut.onnx": (graph[:1000], "cannot load"),
        "pickle.onnx": (pickled, "cannot load"),
        "lonely.onnx": (graph, "cannot load it with the weights beside it"),
    }


def test_what_is_no_corrector_of_ours_is_refused_with_a_reason(shipped, tmp_path):
    for name, (content, finding) in refused_files(tmp_path, shipped).items():
        file = tmp_path / "apart" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        with pytest.raises(UsageError, match=finding) as caught:
            open_corrector(str(file))
        assert name in str(caught.value)


def test_a_graph_of_somebody_else_is_refused(tmp_path):
    import onnx

    helper, path = onnx.helper, tmp_path / "identity.onnx"
    values = [helper.make_tensor_value_info(name, 1, [1]) for name in ("a", "b")]
    graph = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(UsageError, match="not a corrector that unlossy exported"):
        open_corrector(str(path))


def restated(source, target, **facts):
    """A copy of a graph with other metadata."""
    import onnx

    model = onnx.load(source)
    told = {entry.key: entry.value for entry in model.metadata_props} | facts
    onnx.helper.set_model_props(model, told)
    onnx.save(model, target)
    return target


@pytest.fixture(scope="module")
def alone(shipped, tmp_path_factory):
    path = tmp_path_factory.mktemp("alone") / "alone.onnx"
    export_onnx(shipped / "mine.safetensors", path)
    return path


@pytest.mark.parametrize(
    ("facts", "finding"),
    [
        ({"unlossy_architecture": "foo"}, r"another architecture \(foo\)"),
        ({"stride_px": "-8"}, "stride_px is '-8', and it must be a whole number from 8 to 32"),
        ({"stride_px": "12"}, "stride_px is '12', and it must be one of 8, 16, 32"),
        ({"stride_px": "0"}, "stride_px is '0'"),
        ({"stride_px": "abc"}, "stride_px is 'abc'.*unlossy export --force"),
        ({"reach_px": "-100"}, "reach_px is '-100'"),
        ({"reach_px": "9" * 5000}, "reach_px is '9+', and"),
        ({"bytes_per_pixel": "0"}, "bytes_per_pixel is '0', and it must be a whole number from 1"),
        ({"bytes_per_pixel": "\u0663"}, "bytes_per_pixel is"),
        ({"weights": "nothere.safetensors"}, "nothere.safetensors: the weights of x.onnx are not beside it"),
        ({"weights": "/etc/hostname"}, "the name of a file beside the graph"),
        ({"weights": "../x"}, "the name of a file beside the graph"),
        ({"weights": ".."}, "the name of a file beside the graph"),
        ({"guards": '{"bypass_step": NaN}'}, "a bypass_step of nan; it must be finite"),
        ({"guards": '{"bypass_step": -Infinity}'}, "a bypass_step of -inf"),
        ({"guards": "[" * 100_000}, "nested too deeply|cannot be read"),
    ],
)
def test_metadata_that_cannot_be_right_are_refused(alone, tmp_path, facts, finding):
    with pytest.raises(UsageError, match=finding):
        open_corrector(str(restated(alone, tmp_path / "x.onnx", **facts)), Choices(threads=1))


def test_a_graph_cannot_name_itself_another(alone, tmp_path):
    """What it states of its weights is taken for them only where these were asked for and are there."""
    told = restated(alone, tmp_path / "x.onnx", weights_sha256=file_digest(FOLDER / "small.safetensors"))
    digests = {open_corrector(spec, Choices(threads=1)).digest for spec in ("small", str(alone), str(told))}
    assert len(digests) == 3


def test_weights_with_a_graph_that_holds_them_beside_keep_their_digest(tmp_path):
    weights = tiny_weights(tmp_path)
    in_torch = open_corrector(str(weights), Choices(threads=1))
    export_onnx(weights, weights.with_suffix(".onnx"))
    in_onnx = open_corrector(str(weights), Choices(threads=1))
    assert (in_torch.libraries[0], in_onnx.libraries[0]) == ("torch", "onnxruntime")
    assert in_torch.digest == in_onnx.digest


@pytest.mark.parametrize(
    ("guards", "finding"),
    [('{"bypass_step": NaN}', "a bypass_step of nan"), ("[" * 100_000, "guards that cannot be read")],
)
def test_guards_of_weights_are_sound(tmp_path, guards, finding):
    weights = tiny_weights(tmp_path)
    save_network(weights, load_network(weights), {"guards": guards})
    with pytest.raises(UsageError, match=finding):
        open_corrector(str(weights), Choices(threads=1))


def test_a_pickled_corrector_answers_alike(alone, tmp_path):
    """As a loader of data sends it to processes that it starts anew."""
    picture = as_jpeg(scene(40, 56), 20)
    tensor = torch.from_numpy(picture.pixels_hwc.transpose(2, 0, 1).copy())
    weights = tiny_weights(tmp_path)
    for name in ("small", "flips:small", str(alone), str(weights)):
        corrector = unlossy.load_corrector(name, threads=1, hidden="always")
        again = pickle.loads(pickle.dumps(corrector))
        assert torch.equal(again(tensor), corrector(tensor))
        assert again.corrector.digest == corrector.corrector.digest
        assert np.array_equal(again.corrector.correct([picture])[0], corrector.corrector.correct([picture])[0])


def test_a_pickled_corrector_whose_file_has_changed_is_refused(alone, tmp_path):
    shutil.copy(alone, tmp_path / "x.onnx")
    pickled = pickle.dumps(open_corrector(str(tmp_path / "x.onnx"), Choices(threads=1)))
    restated(alone, tmp_path / "x.onnx", reach_px="64")
    with pytest.raises(UsageError, match="has changed since the corrector was opened"):
        pickle.loads(pickled)


def test_without_torch_weights_alone_name_the_extra(tmp_path, monkeypatch):
    path = tiny_weights(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependency, match=r"unlossy\[train\]"):
        open_corrector(str(path))


def test_a_referring_graph_must_lie_beside_its_weights(shipped, tmp_path):
    with pytest.raises(UsageError, match="must lie beside"):
        export_onnx(shipped / "mine.safetensors", tmp_path / "far.onnx", self_contained=False)
    with pytest.raises(UsageError, match="cannot be written"):
        export_onnx(shipped / "mine.safetensors", tmp_path / "no" / "folder.onnx")


def test_a_card_stands_beside_the_weights(tmp_path):
    weights = tiny_weights(tmp_path)
    (tmp_path / "validation.csv").write_text("step,jpeg_q10_db,q10_db\n1,25.0,26.0\n2,25.0,26.5\n")
    (tmp_path / "log.csv").write_text("step,elapsed_s\n1,1800\n2,3600\n3,1200\n4,1800\n")
    ship(weights, "mine", tmp_path / "out", note="two cores")
    text = (tmp_path / "out" / "mine.md").read_text()
    for told in ("| 10 | 25.00 | 26.50 |", "1.5 hours", "two cores", "Apache-2.0", "CC BY-SA 4.0"):
        assert told in text
    assert open_corrector(str(tmp_path / "out" / "mine.safetensors")).libraries[0] == "onnxruntime"


def test_the_card_of_aimed_weights_tells_the_validation_of_the_step_that_was_kept(tmp_path):
    facts = {"aimed_at": '[{"model": "hf:net"}]', "initial": "small.safetensors", "step": "2"}
    weights = tmp_path / "weights.safetensors"
    save_network(weights, load_network(tiny_weights(tmp_path)), facts)
    (tmp_path / "validation.csv").write_text(
        "step,agreement_jpeg_q10,agreement_q10,distance_q10,gain_q10_db\n"
        "1,0.4,0.5,0.9,0.5\n2,0.4,0.7,0.8,0.75\n3,0.4,0.6,0.7,1.0\n"
    )
    assert "| 10 | 40% | 70% | 80% | +0.75 |" in card("mine", weights)
