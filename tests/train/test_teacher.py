"""What a student aims at when a trained network teaches it."""

from dataclasses import replace

import torch
from safetensors import safe_open
from torch import nn

from tests.train.test_corrector import TINY, folder, one_thread, settings  # noqa: F401 (fixtures)
from unlossy.correctors.card import card
from unlossy.correctors.nets.colour import rgb_from_ycc, ycc_from_rgb
from unlossy.correctors.nets.sizes import save_network
from unlossy.correctors.nets.unet import UNet
from unlossy.train.corrector import loss_of, train_corrector
from unlossy.train.data import Batch
from unlossy.train.teacher import Teacher

SIDE = 32


class Ramp(nn.Module):
    """Answers with luma that grows to the right and downwards by different amounts, whatever it is asked."""

    def forward(self, ycc, _tables, _known, _sampling):
        down = torch.linspace(0.2, 0.3, ycc.shape[2])[:, None]
        right = torch.linspace(0.1, 0.5, ycc.shape[3])[None, :]
        grey = torch.full_like(ycc, 0.5)
        grey[:, 0] = down + right
        return grey


class Same(nn.Module):
    """Answers with what it is asked."""

    def forward(self, ycc, _tables, _known, _sampling):
        return ycc


def pictures(n=5):
    torch.manual_seed(0)
    clean, degraded = torch.randint(0, 256, (2, n, 3, SIDE, SIDE), dtype=torch.uint8)
    return Batch(clean, degraded, torch.ones(n, 2, 8, 8), torch.ones(n), torch.full((n, 2), 2.0))


def target(network, share, batch):
    clean, degraded = batch.clean / 255.0, batch.degraded / 255.0
    return Teacher(network, share).target(clean, ycc_from_rgb(degraded), batch)


def test_the_target_lies_between_the_clean_picture_and_the_answer():
    batch = pictures()
    clean, degraded = batch.clean / 255.0, batch.degraded / 255.0
    assert torch.equal(target(Same(), 0.0, batch), clean)
    assert torch.allclose(target(Same(), 1.0, batch), degraded, atol=1e-5), "mirrored there and back"
    assert torch.allclose(target(Same(), 0.25, batch), 0.75 * clean + 0.25 * degraded, atol=1e-5)


def test_each_picture_is_asked_about_in_one_of_three_mirror_images():
    batch = pictures()
    ramp = rgb_from_ycc(Ramp()(torch.zeros(1, 3, SIDE, SIDE), None, None, None))[0]
    found = target(Ramp(), 1.0, batch)
    for place, axes in enumerate([(1,), (2,), (1, 2), (1,), (2,)]):
        assert torch.allclose(found[place], ramp.flip(axes), atol=1e-6), place


def test_a_network_that_answers_as_its_teacher_has_nothing_to_learn():
    batch = pictures()
    assert float(loss_of(Same(), batch, "rms", Teacher(Same(), 1.0))) < 0.5
    assert float(loss_of(Same(), batch, "rms")) > 50
    wrong = float(loss_of(Ramp(), batch, "rms", Teacher(Same(), 1.0)))
    assert wrong > 50, "nothing of the clean pictures, all of the teacher's answers"


def test_a_run_with_a_teacher_says_so_and_learns_something_else(folder, tmp_path):  # noqa: F811
    torch.manual_seed(1)
    save_network(tmp_path / "teacher.safetensors", UNet(TINY), {})
    alone = train_corrector(settings(folder, steps=2), tmp_path / "alone")
    taught = train_corrector(
        replace(settings(folder, steps=2), teacher=tmp_path / "teacher.safetensors"), tmp_path / "taught"
    )
    differences = [
        (a - b).abs().max() for a, b in zip(alone.network.parameters(), taught.network.parameters(), strict=True)
    ]
    assert max(differences) > 0
    with safe_open(tmp_path / "taught/weights.safetensors", "pt") as weights:
        assert weights.metadata()["teacher_share"] == "0.75"
    assert "`--teacher-share 0.75`, `--heavy-share 0.65`" in card("mine", tmp_path / "taught/weights.safetensors")
    assert "`--teacher-share" not in card("mine", tmp_path / "alone/weights.safetensors")
