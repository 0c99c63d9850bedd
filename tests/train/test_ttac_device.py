"""What goes to the device that a training names, as far as it can be seen without a GPU."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra train")

from tests.repair.conftest import photo  # noqa: E402
from tests.train.aimed_sets import placed, settings, task  # noqa: E402
from unlossy.core.errors import UsageError  # noqa: E402
from unlossy.train import ttac  # noqa: E402
from unlossy.train.aim_validation import AimValidation  # noqa: E402
from unlossy.train.data import Batch  # noqa: E402


class Ungiving(torch.nn.Module):
    """A network that holds a constant which is no part of its state, as graphs do that were converted."""

    def __init__(self):
        super().__init__()
        self.constant = torch.ones(1, 5)

    def forward(self, images):
        return images.mean(dim=(2, 3)) @ torch.ones(3, 5, device=images.device) + self.constant


def test_a_network_that_stays_behind_is_refused():
    place, network = torch.device("meta"), task()
    network.network = Ungiving()  # has no parameters: nothing is to be moved
    with pytest.raises(UsageError, match=r"tiny does not run on meta \(.*give --device cpu"):
        ttac._on(place, network)


def test_pictures_and_networks_go_where_the_settings_say(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(ttac, "_on", lambda device, network: asked.append(device.type) or network)
    monkeypatch.setattr(
        ttac, "AimValidation", lambda *given: asked.append(given[-1].type) or AimValidation(*given[:-1])
    )
    monkeypatch.setattr(Batch, "to", lambda batch, device: asked.append(device.type) or batch)
    given = settings(placed(tmp_path), steps=2)
    assert given.device == "cpu"
    ttac.train_ttac(given, [task()], tmp_path / "run")
    assert asked[:2] == ["cpu", "cpu"]
    assert len(asked) == 4


def test_a_run_goes_on_on_another_device(tmp_path):
    """The device is none of the facts that tell runs apart."""
    given = settings(placed(tmp_path))
    pictures = {"a": np.asarray(photo(0, 128, 128))}
    asked = [ttac._asked(replace(given, device=device), [task()], pictures) for device in ("cpu", "cuda")]
    assert asked[0] == asked[1]
