import csv
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.test_corrector_data import picture
from unlossy.core.errors import RunError
from unlossy.correctors.nets.colour import ycc_from_rgb
from unlossy.correctors.nets.sizes import SIZES, load_network
from unlossy.correctors.nets.unet import UNet, UNetShape
from unlossy.metrics import psnrb
from unlossy.train.corrector import CorrectorSettings, loss_of, main, train_corrector
from unlossy.train.data import CropsByArea, Pairs, batches
from unlossy.train.losses import blocking_effect, psnr_db, rgb_l1, rgb_rms, rgb_rms_b
from unlossy.train.muon import orthogonal
from unlossy.train.schedule import Schedule
from unlossy.train.state import LoopSettings, State
from unlossy.train.validation import Validation, held_out

DEPENDENCIES = (
    "PIL",
    "beartype",
    "jaxtyping",
    "numpy",
    "onnx",
    "onnxruntime",
    "pyarrow",
    "rich",
    "safetensors",
    "simplejpeg",
    "timm",
    "torch",
    "torchvision",
    "transformers",
    "typer",
)
TINY = UNetShape(widths=(8, 16, 16), blocks=(1, 1, 1), embedding=8)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for i in range(3):
        Image.fromarray(picture(seed=i)).save(root / f"{i}.png")
    return root


def settings(folder, steps=6, **loop):
    walk = LoopSettings(Schedule(steps, warmup_steps=2), bf16=False, **{"log_every": 1, "evaluate_every": 4, **loop})
    return CorrectorSettings((folder,), TINY, walk, batch_size=2, crop_px=32, workers=0, device="cpu")


def weights(state):
    return torch.cat([p.flatten() for p in (*state.network.parameters(), *state.average.parameters())])


def without_times(path):
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return [{k: row[k] for k in row if k not in ("steps_per_s", "data_wait_share", "elapsed_s")} for row in rows]


@pytest.mark.parametrize("muon", [True, False])
def test_a_run_that_was_cut_ends_with_the_weights_of_an_undisturbed_one(folder, tmp_path, muon):
    whole = train_corrector(settings(folder, muon=muon), tmp_path / "whole")
    cut = train_corrector(settings(folder, muon=muon, minutes=0.0), tmp_path / "cut")
    assert cut.step == 0
    stretches = 0
    while cut.step < 6:
        # each stretch takes two steps and is "killed": rows that it logged after its checkpoint remain
        cut = stretch(folder, tmp_path / "cut", muon, cut.step + 2)
        stretches += 1
    assert stretches == 3
    assert torch.equal(weights(whole), weights(cut))
    assert (tmp_path / "whole/weights.safetensors").read_bytes() == (tmp_path / "cut/weights.safetensors").read_bytes()
    for name in ("log.csv", "validation.csv"):
        assert without_times(tmp_path / "whole" / name) == without_times(tmp_path / "cut" / name)


def stretch(folder, run, muon, until):
    """A stretch that dies of an exception after step `until` has been saved and one more step logged."""

    class KilledError(Exception):
        pass

    saved = State.save
    advance = State.advance

    def save_then_go_on(self, path):
        if self.step == until:
            saved(self, path)

    def die_later(self, *parts):
        if self.step > until:
            raise KilledError
        return advance(self, *parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(State, "save", save_then_go_on)
        patch.setattr(State, "advance", die_later)
        try:
            return train_corrector(settings(folder, muon=muon, checkpoint_every_s=0.0), run)
        except KilledError:
            patch.undo()
            state = State(UNet(TINY), settings(folder, muon=muon).loop)
            state.load(run / "checkpoint.pt")
            return state


def test_one_picture_is_learnt_by_heart(folder):
    torch.manual_seed(0)
    network = UNet(TINY)
    state = State(network, LoopSettings(Schedule(60, warmup_steps=5), lr=1e-2, ema_decay=0.9))
    (batch,) = batches(Pairs([picture(48, 48)], (32, 32), 3, CropsByArea([picture(48, 48)])), 0, 1, 4, workers=0)
    losses = [float(state.advance([lambda: loss_of(network, batch, "rms")])) for _ in range(60)]
    assert losses[-1] < 0.8 * losses[0]
    assert float(loss_of(state.average, batch, "rms")) < 0.85 * losses[0]


def test_the_command_trains_resumes_and_says_where_it_stands(folder, tmp_path, capsys):
    run = tmp_path / "run"
    command = ["--images", str(folder), "--size", "small", "-o", str(run), "--batch", "1", "--crop", "32"]
    command += ["--workers", "0", "--device", "cpu", "--lr", "0.001"]
    assert main([*command, "--steps", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run": str(run), "step": 1}
    assert main([*command, "--steps", "2", "--decay-steps", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 2
    assert load_network(run / "weights.safetensors").shape == SIZES["small"]
    assert main([*command, "--size", "base", "--steps", "3"]) == RunError.exit_code
    assert "not a checkpoint of this run" in capsys.readouterr().err
    assert main(["--images", str(tmp_path / "absent"), "-o", str(run)]) == 2


def test_training_needs_torch_numpy_pillow_and_the_standard_library_alone(folder, tmp_path):
    # on a machine that is lent for training nothing else is installed
    others = {name for name in DEPENDENCIES if name not in ("numpy", "PIL", "torch")}
    command = ["--images", str(folder), "--size", "small", "-o", str(tmp_path / "run"), "--batch", "1", "--crop", "32"]
    command += ["--workers", "0", "--steps", "1", "--device", "cpu", "--threads", "1"]
    program = f"import sys; from unlossy.train.corrector import main; code = main({command!r}); "
    program += f"sys.exit(code or sorted({others!r} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "weights.safetensors").exists()


def test_muons_update_is_nearly_the_orthogonal_factor():
    matrix = torch.randn(12, 40, generator=torch.Generator().manual_seed(0))
    for shape in (matrix, matrix.T):
        u, values, v = torch.linalg.svd(shape, full_matrices=False)
        found = orthogonal(shape)
        assert torch.linalg.svdvals(found).min() > 0.5
        assert torch.linalg.svdvals(found).max() < 1.3
        # the same directions as u v^T, whatever the sizes of the singular values were
        assert torch.nn.functional.cosine_similarity(found.flatten(), (u @ v).flatten(), dim=0) > 0.97
        assert values.max() / values.min() > 1.5


def test_schedules_rise_hold_and_fall():
    cosine, plateau = Schedule(100, warmup_steps=10), Schedule(100, warmup_steps=10, decay_steps=20)
    assert cosine.factor(0) == pytest.approx(0.1)
    assert cosine.factor(50) == pytest.approx(0.5)
    assert cosine.factor(100) == pytest.approx(0.0)
    assert [plateau.factor(step) for step in (4, 10, 79, 90, 100)] == pytest.approx([0.5, 1.0, 1.0, 0.5, 0.0])
    longer = Schedule(200, warmup_steps=10, decay_steps=20)
    assert all(longer.factor(step) == plateau.factor(step) for step in range(81))


def test_psnr_and_loss_are_those_of_numpy():
    rng = np.random.default_rng(0)
    clean, other = rng.integers(0, 256, (2, 1, 3, 8, 8), dtype=np.uint8)
    expected = 10 * np.log10(255**2 / np.mean((clean.astype(float) - other) ** 2))
    found = psnr_db(torch.from_numpy(other) / 255, torch.from_numpy(clean) / 255)
    assert found.item() == pytest.approx(expected, abs=1e-6)
    grey = torch.full((1, 3, 4, 4), 0.5)
    brighter = grey.clone()
    brighter[:, 0] += 0.2  # one unit of Y is one of R, G and B
    assert rgb_l1(brighter, grey).item() == pytest.approx(255 * 0.2, rel=1e-5)


def test_validation_is_on_pictures_kept_from_training_and_shows_the_jpegs_own_psnr(folder):
    images = {f"{i:02d}": picture(seed=i) for i in range(45)}
    training, validating = held_out(images)
    assert len(training) == 43
    assert not any(np.array_equal(a, b) for a in training for b in validating)
    found = Validation(validating, torch.device("cpu")).psnr_db(UNet(TINY))
    for quality in (10, 20, 40, 80):
        assert found[f"q{quality}_db"] == pytest.approx(found[f"jpeg_q{quality}_db"], abs=0.02)
    assert found["jpeg_q80_db"] > found["jpeg_q10_db"] + 3


def test_the_blocking_that_training_sees_is_that_of_psnr_b():
    rng = np.random.default_rng(5)
    pictures = rng.integers(0, 256, (2, 3, 40, 24), np.uint8)
    pictures[0, :, :, 8:16] //= 4
    expected = [np.mean([psnrb.blocking_effect(plane) for plane in picture]) for picture in pictures]
    found = blocking_effect(torch.from_numpy(pictures).double()).tolist()
    assert found == pytest.approx(expected)
    assert found[0] > found[1]


def test_blocking_counts_where_the_grid_is_known():
    clean = torch.full((2, 3, 16, 16), 0.5)
    blocky = clean.clone()
    blocky[:, :, :, 8:] += 0.1
    found = rgb_rms_b(ycc_from_rgb(blocky), clean, torch.tensor([0.0, 0.0]))
    assert float(found) == pytest.approx(float(rgb_rms(ycc_from_rgb(blocky), clean)))
    assert float(rgb_rms_b(ycc_from_rgb(blocky), clean, torch.tensor([1.0, 0.0]))) > float(found) + 0.1


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_of_heavy_compression_is_what_is_drawn(folder, tmp_path, monkeypatch, share):
    drawn = []

    class Watched(Pairs):
        def sample(self, index):
            drawn.append(self.mix.qualities.draw(np.random.default_rng(index)))
            return super().sample(index)

    monkeypatch.setattr("unlossy.train.corrector.Pairs", Watched)
    train_corrector(replace(settings(folder, steps=4), heavy_share=share), tmp_path / "run")
    assert len(drawn) == 8
    assert all((quality <= 40) == (share == 1.0) for quality in drawn)
