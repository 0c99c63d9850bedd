"""A tiny network to aim at, pictures, start weights and the settings of a short run."""

import torch

from tests.repair.conftest import photo
from unlossy.correctors.nets.sizes import save_network
from unlossy.correctors.nets.unet import UNet, UNetShape
from unlossy.tasks.models.differentiable import TorchClassifier
from unlossy.train.schedule import Schedule
from unlossy.train.state import LoopSettings
from unlossy.train.ttac import TtacSettings

TINY = UNetShape(widths=(4, 8, 8), blocks=(1, 1, 1), embedding=8)


def task(seed=0, size=32, spec="tiny"):
    """A frozen network that looks at edges, so that blocks trouble it."""
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3, stride=4), torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(32, 5),
    ).eval().requires_grad_(False)  # fmt: skip
    return TorchClassifier(spec, f"d{seed}", (size, size), network, lambda a: a, 4 * torch.eye(3), -2 * torch.ones(3))


def placed(tmp_path, n=24, side_px=128):
    """The folder with some photographs and start.safetensors, a tiny network's weights."""
    (tmp_path / "photos").mkdir()
    for seed in range(n):
        photo(seed, side_px, side_px).save(tmp_path / "photos" / f"{seed:02d}.png")
    torch.manual_seed(1)
    save_network(tmp_path / "start.safetensors", UNet(TINY), {})
    return tmp_path


def settings(place, **changes):
    """Of a short run there; `loop` changes how it walks."""
    walk = {"lr": 3e-3, "bf16": False, "evaluate_every": 10, "ema_decay": 0.9, "log_every": 5}
    walk |= changes.pop("loop", {})
    loop = LoopSettings(Schedule(changes.pop("steps", 20), warmup_steps=2), **walk)
    given = {"batch_size": 4, "workers": 0, **changes}
    return TtacSettings((place / "photos",), place / "start.safetensors", loop, **given)
