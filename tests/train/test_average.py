"""The mean of weights files."""

import pytest
import torch

from tests.correctors.pictures import tiny
from unlossy.core.errors import RunError, UsageError
from unlossy.correctors.nets.sizes import load_network, save_network
from unlossy.correctors.nets.unet import UNet, UNetShape
from unlossy.correctors.nets.weights_file import load_weights
from unlossy.train.average import average_weights, main


def test_the_mean_of_two_networks_is_halfway_and_keeps_the_facts_of_the_last(tmp_path):
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for seed, file in enumerate(files):
        save_network(file, tiny(seed), {"seed": str(seed)})
    assert main([*map(str, files), "-o", str(tmp_path / "mean.safetensors")]) == 0
    a, b, mean = (dict(load_network(file).named_parameters()) for file in (*files, tmp_path / "mean.safetensors"))
    for name, found in mean.items():
        assert torch.allclose(found, (a[name] + b[name]) / 2, atol=1e-3)
    facts = load_weights(tmp_path / "mean.safetensors")[1]
    folder = tmp_path.name
    assert (facts["seed"], facts["averaged"]) == ("1", f"{folder}/a.safetensors, {folder}/b.safetensors")
    assert main([str(files[0]), "-o", str(tmp_path / "no" / "mean.safetensors")]) == RunError.exit_code


def test_networks_of_different_shapes_have_no_mean(tmp_path, capsys):
    save_network(tmp_path / "a.safetensors", tiny(), {})
    save_network(tmp_path / "b.safetensors", UNet(UNetShape((4, 8, 8), (1, 1, 1), 8)), {})
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    with pytest.raises(UsageError, match="another shape"):
        average_weights(files, tmp_path / "mean.safetensors")
    with pytest.raises(UsageError, match="at least one"):
        average_weights([], tmp_path / "mean.safetensors")
    assert main([*map(str, files), "-o", str(tmp_path / "mean.safetensors")]) == UsageError.exit_code
    assert "no mean" in capsys.readouterr().err
