"""Networks on another device: what goes there, and what comes back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is one of the extras")

from tests.tasks.elsewhere import send_elsewhere  # noqa: E402
from unlossy.core.errors import UsageError  # noqa: E402
from unlossy.tasks.models import placed as module  # noqa: E402
from unlossy.tasks.models import torch_answer  # noqa: E402
from unlossy.tasks.models.placed import placed  # noqa: E402
from unlossy.tasks.models.prefixes import IN_TORCH  # noqa: E402
from unlossy.tasks.models.registry import ADAPTERS, load_classifier  # noqa: E402


@pytest.mark.parametrize("prefix", IN_TORCH)
def test_a_classifier_answers_from_elsewhere(monkeypatch, specs, classifiers, noise, prefix):
    here = classifiers(prefix)  # loaded before its pictures go elsewhere
    asked = send_elsewhere(monkeypatch, torch_answer)
    there = load_classifier(specs(prefix), threads=1, device="cuda")
    pictures = [here.normalise(here.resize(noise(40, 50, seed=seed))) for seed in range(2)]
    np.testing.assert_allclose(there.logits(pictures), here.logits(pictures), atol=1e-5)
    assert asked == ["cuda"]


@pytest.mark.parametrize("prefix", sorted(ADAPTERS.keys() - {*IN_TORCH}))
def test_others_are_refused(specs, prefix):
    with pytest.raises(UsageError, match=rf"{prefix}: models do not go to the device cuda; leave it out; hf:, timm:"):
        load_classifier(specs(prefix), device="cuda")


def test_network_and_pictures_are_on_the_device(monkeypatch):
    monkeypatch.setattr(module, "device_of", lambda name, _extra: torch.device(name))
    network = torch.nn.Linear(2, 2).train()
    there = placed(network, None, "meta")
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
    assert there(np.zeros((1, 3, 2, 2), np.float32)).device.type == "meta"
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_network_too_large_for_the_device_is_refused(monkeypatch):
    def full(self, *_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(UsageError, match=r"does not go to cpu \(out of memory\); give cpu"):
        placed(torch.nn.Linear(2, 2), None)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_an_absent_device_is_refused(specs):
    with pytest.raises(UsageError, match="torch cannot use the device 'cuda' here"):
        load_classifier(specs("hf"), device="cuda")
