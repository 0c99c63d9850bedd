"""onnx: one image at a time, several side by side: the answers of one after the other, in order."""

import threading

import numpy as np
import pytest

from unlossy.tasks.models.onnx_session import open_network

onnx = pytest.importorskip("onnx", reason="needs onnx")


@pytest.fixture
def path(tmp_path):
    """A graph that takes one picture and answers its mean and its largest value."""
    helper, dtype = onnx.helper, onnx.TensorProto.FLOAT
    picture = helper.make_tensor_value_info("picture", dtype, [1, 3, 4, 4])
    answers = [helper.make_tensor_value_info(name, dtype, [1, 1, 1, 1]) for name in ("mean", "largest")]
    nodes = [
        helper.make_node("GlobalAveragePool", ["channels"], ["mean"]),
        helper.make_node("GlobalMaxPool", ["channels"], ["largest"]),
        helper.make_node("Reshape", ["picture", "shape"], ["channels"]),
    ]
    shape = helper.make_tensor("shape", onnx.TensorProto.INT64, [4], [1, 1, 12, 4])
    graph = helper.make_graph([nodes[2], *nodes[:2]], "two", [picture], answers, [shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "two.onnx")
    return tmp_path / "two.onnx"


def network_of(path, threads):
    return open_network(
        path, input_name=None, output_names=["mean", "largest"], layout="NCHW", size_hw=(4, 4), threads=threads
    )


def test_side_by_side_answers_in_order(path):
    images = np.random.default_rng(0).normal(size=(23, 3, 4, 4)).astype(np.float32)
    alone, together = network_of(path, 1), network_of(path, 3)
    assert (alone.side_by_side, together.side_by_side) == (1, 3)
    one_by_one = [[output.item() for output in outputs] for outputs in alone.calls(images)]
    assert [[output.item() for output in outputs] for outputs in together.calls(images)] == one_by_one
    np.testing.assert_allclose([mean for mean, _ in one_by_one], images.mean(axis=(1, 2, 3)), rtol=1e-5, atol=1e-7)
    assert [largest for _, largest in one_by_one] == images.max(axis=(1, 2, 3)).tolist()
    assert together.run(images).ravel().tolist() == [mean for mean, _ in one_by_one]


def test_a_call_that_fails_says_so_and_leaves_no_thread(path):
    network = network_of(path, 3)
    with pytest.raises(Exception, match=r"(?i)dimension|rank|shape"):
        list(network.calls(np.zeros((9, 3, 5, 4), np.float32)))
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("unlossy-onnx")]
