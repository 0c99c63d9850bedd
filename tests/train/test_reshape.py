"""A trained network goes on with more or fewer blocks."""

import pytest
import torch
from PIL import Image
from torch import nn

from tests.correctors.pictures import tiny
from tests.train.test_corrector_data import picture
from unlossy.core.errors import UsageError
from unlossy.correctors.nets.sizes import load_network, save_network
from unlossy.correctors.nets.unet import UNet, UNetShape
from unlossy.train.corrector import CorrectorSettings, train_corrector
from unlossy.train.reshape import LEVELS, reshaped
from unlossy.train.schedule import Schedule
from unlossy.train.state import LoopSettings

MORE = UNetShape((4, 8, 8), (2, 3, 2), 8)
FEWER = UNetShape((4, 8, 8), (1, 1, 1), 8)


def answer(network):
    draws = torch.Generator().manual_seed(3)
    ycc = torch.rand(2, 3, 16, 24, generator=draws)
    with torch.no_grad():
        return network(ycc, torch.full((2, 2, 8, 8), 20.0), torch.tensor([1.0, 0.0]), torch.full((2, 2), 2.0))


def loud(shape, seed=0):
    """A network in which every weight was drawn: no block of it is the identity."""
    network, draws = UNet(shape), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn(weights.shape, generator=draws) * 0.2)
    return network.eval()


def test_new_blocks_change_nothing_and_learn():
    before = answer(loud(FEWER))
    grown = reshaped(loud(FEWER), MORE, cost=never)
    assert grown.shape == MORE
    assert [len(getattr(grown, level)) for level in LEVELS] == [2, 3, 2, 3, 2]
    assert torch.equal(answer(grown), before)
    grown(torch.rand(1, 3, 16, 16), torch.ones(1, 2, 8, 8), torch.ones(1), torch.ones(1, 2)).square().sum().backward()
    for level in LEVELS:
        assert getattr(grown, level)[-1].second.weight.grad.abs().max() > 0, level


def never(network):
    raise AssertionError("nothing leaves, so nothing is to be chosen")


@pytest.mark.parametrize("idle", [0, 1])
def test_the_block_that_does_nothing_is_the_one_that_leaves(idle):
    network = loud(UNetShape((4, 8, 8), (1, 1, 2), 8))
    nn.init.zeros_(network.bottom[idle].second.weight)
    nn.init.zeros_(network.bottom[idle].second.bias)
    before = answer(network)
    smaller = reshaped(network, FEWER, lambda tried: float((answer(tried) - before).abs().sum()))
    assert len(smaller.bottom) == 1
    assert torch.equal(answer(smaller), before)


def test_whether_it_is_trained_stays_as_it_was():
    assert not reshaped(loud(FEWER).eval(), MORE, never).training
    assert reshaped(loud(FEWER).train(), MORE, never).training


@pytest.mark.parametrize("shape", [UNetShape((4, 8, 16), (1, 1, 1), 8), UNetShape((4, 8, 8), (1, 1, 1), 16)])
def test_other_widths_are_refused(shape):
    with pytest.raises(UsageError, match="--size chooses"):
        reshaped(loud(FEWER), shape, never)


def test_a_run_starts_from_weights_of_other_blocks_and_resumes_without_them(tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    for seed in range(3):
        Image.fromarray(picture(seed=seed)).save(images / f"{seed}.png")
    start = tmp_path / "start.safetensors"
    save_network(start, tiny(), {})
    kept = tiny().shape.blocks
    shape = UNetShape(tiny().shape.widths, (kept[0] + 1, kept[1], 1), tiny().shape.embedding)

    def stretch(steps, run):
        loop = LoopSettings(Schedule(steps), bf16=False)
        settings = CorrectorSettings((images,), shape, loop, 2, 32, workers=0, initial=start, device="cpu")
        train_corrector(settings, run)
        return load_network(run / "weights.safetensors")

    assert stretch(1, tmp_path / "run").shape == shape
    assert f"{kept} blocks per level become {shape.blocks}" in capsys.readouterr().err
    start.unlink()
    assert stretch(2, tmp_path / "run").shape == shape
    assert capsys.readouterr().err == ""
    with pytest.raises(UsageError, match=start.name):
        stretch(1, tmp_path / "new")
