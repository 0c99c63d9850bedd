import struct

import numpy as np
import pytest
import torch

from unlossy.core.errors import UsageError
from unlossy.correctors.nets.condition import Condition, expected_error, natural_deviation
from unlossy.correctors.nets.dct import LIMIT, BlockDct
from unlossy.correctors.nets.padding import correct_any_size
from unlossy.correctors.nets.sizes import SIZES, load_network, multiply_adds_per_pixel, save_network
from unlossy.correctors.nets.unet import Block, UNet, UNetShape
from unlossy.correctors.nets.weights_file import load_weights, save_weights
from unlossy.train.degrade import through_jpeg
from unlossy.train.tables import libjpeg_tables

TINY = UNetShape(widths=(8, 8, 16), blocks=(1, 1, 1), embedding=8)


def tiny(seed=0, noise=0.03):
    """A tiny network whose every weight matters: the zeros it starts from are disturbed."""
    torch.manual_seed(seed)
    network = UNet(TINY)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
    return network.eval()


def inputs(batch=2, height=32, width=24, table=30.0, known=1.0, seed=1):
    generator = torch.Generator().manual_seed(seed)
    picture = torch.rand(batch, 3, height, width, generator=generator)
    return picture, torch.full((batch, 2, 8, 8), table), torch.full((batch,), known), torch.full((batch, 2), 2.0)


def test_a_new_network_returns_its_input():
    network = UNet(TINY)
    arguments = inputs()
    assert torch.equal(network(*arguments), arguments[0])


@torch.inference_mode()
def test_every_fact_of_the_compression_changes_the_answer_and_hidden_ones_do_not():
    network = tiny()
    picture, tables, known, sampling = inputs()
    told = network(picture, tables, known, sampling)
    chroma = tables.clone()
    chroma[:, 1] = 60.0
    for other in (
        network(picture, 2 * tables, known, sampling),
        network(picture, chroma, known, sampling),
        network(picture, tables, known, torch.ones(2, 2)),
        network(picture, tables, 0 * known, sampling),
    ):
        assert (other - told).abs().max() > 1e-4
    hidden = network(picture, tables, 0 * known, sampling)
    assert torch.equal(hidden, network(picture, 2 * tables, 0 * known, torch.ones(2, 2)))


@torch.inference_mode()
def test_a_picture_does_not_depend_on_its_batch():
    network = tiny()
    picture, tables, known, sampling = inputs(batch=3)
    known[1] = 0.0
    tables[2] = 90.0
    whole = network(picture, tables, known, sampling)
    for i in range(3):
        one = slice(i, i + 1)
        assert (whole[one] - network(picture[one], tables[one], known[one], sampling[one])).abs().max() < 1e-5


@torch.inference_mode()
def test_any_size_goes_in_and_multiples_of_eight_go_unpadded():
    network = tiny()
    for height, width in ((1, 1), (7, 30), (9, 8)):
        picture, tables, known, sampling = inputs(height=height, width=width)
        assert correct_any_size(network, picture, tables, known, sampling).shape == picture.shape
    arguments = inputs()
    assert torch.equal(correct_any_size(network, *arguments), network(*arguments))
    odd = (arguments[0][..., :29, :21], *arguments[1:])
    # far from the edge that was filled in, an odd size changes nothing
    reach = correct_any_size(network, *inputs(height=160, width=24))
    cut = inputs(height=160, width=24)
    assert torch.allclose(
        reach[..., :16, :], correct_any_size(network, cut[0][..., :157, :], *cut[1:])[..., :16, :], atol=1e-6
    )
    assert correct_any_size(network, *odd).isfinite().all()


@pytest.mark.parametrize(
    ("size", "most_parameters", "most_multiply_adds"), [("base", 4.0e6, 135e3), ("small", 1.5e6, 45e3)]
)
def test_the_sizes_keep_their_budgets(size, most_parameters, most_multiply_adds, tmp_path):
    network = UNet(SIZES[size])
    assert sum(parameter.numel() for parameter in network.parameters()) < most_parameters
    assert multiply_adds_per_pixel(network) <= most_multiply_adds
    save_network(tmp_path / "w.safetensors", network, {})
    assert (tmp_path / "w.safetensors").stat().st_size < 8_000_000


def test_multiply_adds_are_counted_as_by_hand():
    # unshuffled by 2: head and tail at 1/4 of the pixels, and so on down; kernel area * in * out / cells per pixel
    fine, middle, coarse = 8, 8, 16
    expected = (
        (9 * 12 * fine + 2 * 2 * 9 * fine * fine + 9 * fine * 12) / 4
        + (4 * fine * middle + 2 * 2 * 9 * middle * middle + middle * 4 * fine) / 16
        + (192 * coarse + 4 * middle * coarse + 2 * 9 * coarse * coarse + coarse * 4 * middle) / 64
    )
    assert multiply_adds_per_pixel(UNet(TINY)) == pytest.approx(expected)


def test_the_coefficients_are_those_of_the_definition():
    planes = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0)) - 0.5
    found = BlockDct()(planes)[0].reshape(3, 64, 2, 3)
    deviation = natural_deviation()[[0, 1, 1]].reshape(3, 64).numpy() / 255
    y, x = np.mgrid[:8, :8]
    for plane, v, u in ((0, 0, 0), (1, 3, 0), (2, 5, 7)):
        block = planes[0, plane, 8:16, 16:24].double().numpy()
        # ITU-T T.81, A.3.3
        waves = np.cos((2 * x + 1) * u * np.pi / 16) * np.cos((2 * y + 1) * v * np.pi / 16)
        expected = 0.25 * (0.5**0.5 if u == 0 else 1) * (0.5**0.5 if v == 0 else 1) * (block * waves).sum()
        squashed = found[plane, 8 * v + u, 1, 2].item()
        coefficient = squashed / (1 - abs(squashed) / LIMIT) * deviation[plane, 8 * v + u]
        assert coefficient == pytest.approx(expected, abs=1e-5)


def test_no_picture_gives_a_coefficient_beyond_the_limit():
    checkers = (torch.arange(8)[:, None] + torch.arange(8)[None, :]).remainder(2).float() * 1000.0
    found = BlockDct()(checkers.expand(1, 3, 8, 8))
    assert found.abs().max() < LIMIT
    assert found.abs().max() > 0.9 * LIMIT


def test_a_block_whose_channels_are_all_below_zero_still_learns():
    block = Block(4, embedding=2)
    torch.nn.init.normal_(block.second.weight)
    torch.nn.init.constant_(block.first.bias, -1e3)
    block(torch.rand(1, 4, 8, 8), torch.rand(1, 2)).sum().backward()
    assert block.first.bias.grad.abs().min() > 0


def test_the_expected_error_is_what_a_codec_does_to_a_picture_of_natural_statistics():
    rng = np.random.default_rng(0)
    basis = np.sqrt(2 / 8) * np.cos((2 * np.arange(8)[None] + 1) * np.arange(8)[:, None] * np.pi / 16)
    basis[0] /= np.sqrt(2)
    deviation = natural_deviation()[0].double().numpy()
    deviation[0, 0] = 150.0  # room for the rest inside 0..255
    cells = basis.T @ (rng.laplace(size=(32, 32, 8, 8)) / np.sqrt(2) * deviation) @ basis + 128
    grey = np.clip(np.rint(cells.transpose(0, 2, 1, 3).reshape(256, 256)), 0, 255).astype(np.uint8)
    picture = np.repeat(grey[:, :, None], 3, axis=2)
    for quality in (10, 30, 60, 90):
        jpeg, tables = through_jpeg(picture, libjpeg_tables(quality), "grey")
        measured = (jpeg.astype(float) - picture).std()
        expected = 255 * expected_error(torch.from_numpy(tables)[None].float(), torch.ones(1, 2), natural_deviation())
        assert expected[0, 0].item() == pytest.approx(measured, rel=0.45)


def test_subsampling_raises_the_chroma_error_alone():
    tables, natural = torch.full((1, 2, 8, 8), 4.0), natural_deviation()
    full, half = (expected_error(tables, torch.full((1, 2), factor), natural)[0] for factor in (1.0, 2.0))
    assert torch.equal(full[0], half[0])
    assert (half[1:] > 1.2 * full[1:]).all()


def test_the_unknown_condition_is_learned():
    condition = Condition(8)
    embedding, scale = condition(torch.ones(1, 2, 8, 8), torch.zeros(1), torch.ones(1, 2))
    (embedding.sum() + scale.sum()).backward()
    assert condition.unknown_log_scale.grad.abs().min() > 0
    assert condition.embed[0].weight.grad.abs().max() == 0


def test_weights_are_as_the_safetensors_library_reads_and_writes_them(tmp_path):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    tensors = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.tensor(1.5).half(), "empty": torch.zeros(0, 4)}
    save_weights(tmp_path / "ours.safetensors", tensors, {"step": "7"})
    theirs = load_file(tmp_path / "ours.safetensors")
    assert theirs.keys() == tensors.keys()
    assert all(
        torch.equal(theirs[name], tensors[name]) and theirs[name].dtype == tensors[name].dtype for name in tensors
    )
    with safe_open(tmp_path / "ours.safetensors", "pt") as file:
        assert file.metadata() == {"step": "7"}
    save_file(tensors, tmp_path / "theirs.safetensors", {"step": "8"})
    ours, metadata = load_weights(tmp_path / "theirs.safetensors")
    assert metadata == {"step": "8"}
    assert all(torch.equal(ours[name], tensors[name].float()) for name in tensors)


def test_a_network_comes_back_from_its_file_within_half_precision(tmp_path):
    network = tiny()
    save_network(tmp_path / "w.safetensors", network, {"seed": "3"})
    loaded = load_network(tmp_path / "w.safetensors")
    assert loaded.shape == TINY
    assert (loaded(*inputs()) - network(*inputs())).abs().max() < 2e-3
    assert not loaded.training


def test_what_is_no_weights_file_of_ours_is_refused_with_a_reason(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(UsageError, match="cannot read"):
        load_network(path)
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(UsageError, match="not a sound safetensors file"):
        load_network(path)
    save_network(path, tiny(), {})
    whole = path.read_bytes()
    for damaged in (b"", whole[:6], whole[:100], whole[:-1], whole.replace(b"F16", b"I16"), b"\xff" * 64):
        path.write_bytes(damaged)
        with pytest.raises(UsageError, match="not a sound safetensors file"):
            load_network(path)
    save_weights(path, tiny().state_dict(), {"architecture": "another"})
    with pytest.raises(UsageError, match="another architecture"):
        load_network(path)
    path.write_bytes(whole.replace(b"[8, 8, 16]", b"[8, 8, 24]"))
    with pytest.raises(UsageError, match="do not fit the shape"):
        load_network(path)


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e400"])
def test_sizes_that_are_no_numbers_are_refused(tmp_path, number):
    path = tmp_path / "w.safetensors"
    for shape in (f'"widths": [8, 8, {number}], "embedding": 16', f'"widths": [8, 8, 16], "embedding": {number}'):
        stated = {"architecture": "unlossy-unet-2", "shape": f'{{"blocks": [1, 1, 1], {shape}}}'}
        save_weights(path, tiny().state_dict(), stated)
        with pytest.raises(UsageError, match="do not fit the shape"):
            load_network(path)
    for place in (f'"shape": [{number}], "data_offsets": [0, 4]', f'"shape": [1], "data_offsets": [0, {number}]'):
        header = f'{{"x": {{"dtype": "F32", {place}}}}}'.encode()
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
        with pytest.raises(UsageError, match="not a sound safetensors file"):
            load_weights(path)


def test_the_exported_graph_answers_as_torch_does_at_any_size_and_batch(tmp_path):
    import onnxruntime

    network = tiny()
    names = ["ycc", "tables", "known", "sampling"]
    free = {name: {0: "batch"} for name in [*names, "corrected"]}
    free["ycc"] = free["corrected"] = {0: "batch", 2: "height", 3: "width"}
    file = tmp_path / "tiny.onnx"
    torch.onnx.export(
        network, inputs(), file, input_names=names, output_names=["corrected"], dynamic_axes=free, dynamo=False
    )
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for batch, height, width, known in ((1, 8, 8, 1.0), (3, 40, 16, 0.0)):
        arguments = inputs(batch, height, width, known=known)
        (found,) = session.run(None, {name: value.numpy() for name, value in zip(names, arguments, strict=True)})
        assert np.abs(found - network(*arguments).detach().numpy()).max() < 1e-4
