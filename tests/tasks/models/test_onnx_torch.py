"""ONNX graphs as torch networks: what ONNX Runtime answers, also where the graph takes one picture at a time."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="gradients need torch")
pytest.importorskip("onnx2torch", reason="ONNX graphs become torch networks by onnx2torch")
onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from unlossy.core.errors import UsageError  # noqa: E402
from unlossy.tasks.models.fed import FixedBatch  # noqa: E402
from unlossy.tasks.models.onnx_torch import converted  # noqa: E402


def graph(path, batch):
    """A convolution whose answer is reshaped to cells, as exported detectors do it: by a constant shape."""
    rng = np.random.default_rng(0)
    weights = {
        "w": rng.normal(size=(6, 3, 4, 4)).astype(np.float32),
        "shape": np.array([batch if isinstance(batch, int) else -1, 6, 16]),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["cells"], strides=[4, 4]),
        helper.make_node("Reshape", ["cells", "shape"], ["flat"]),
        helper.make_node("Sigmoid", ["flat"], ["scores"]),
        helper.make_node("Neg", ["flat"], ["sides"]),
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 16, 16])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [batch, 6, 16]) for n in ("scores", "sides")],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


@pytest.mark.parametrize("batch", [1, 2, "b"])
def test_any_number_of_pictures_goes_through_a_graph_of_any_batch(tmp_path, batch):
    path = graph(tmp_path / "g.onnx", batch)
    module = converted(path, "onnx:g.onnx")
    assert isinstance(module, FixedBatch) == (batch != "b")
    images = torch.rand(4, 3, 16, 16, requires_grad=True)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    step = batch if isinstance(batch, int) else 4
    parts = [session.run(None, {"x": images.detach().numpy()[i : i + step]}) for i in range(0, 4, step)]
    for found, wanted in zip(module(images), zip(*parts, strict=True), strict=True):
        assert np.allclose(found.detach().numpy(), np.concatenate(wanted), atol=1e-5)
    module(images)[1].sum().backward()
    assert float(images.grad.abs().min()) > 0


def test_what_is_no_graph_is_refused(tmp_path):
    (tmp_path / "g.onnx").write_bytes(b"no graph")
    with pytest.raises(UsageError, match="onnx2torch cannot make a torch network"):
        converted(tmp_path / "g.onnx", "onnx:g.onnx")
