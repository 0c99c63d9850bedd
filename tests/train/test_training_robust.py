"""What a run meets that is not a picture or a step: other settings, full disks, torn files, blank pages, odd layers."""

import csv
import math
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402

from tests.repair.conftest import photo  # noqa: E402
from tests.tasks.small_models import BUILDERS  # noqa: E402
from tests.train import test_corrector  # noqa: E402
from tests.train.aimed_sets import TINY, placed, task  # noqa: E402
from tests.train.aimed_sets import settings as ttac_settings  # noqa: E402
from tests.train.finetune_sets import asked, colours  # noqa: E402
from unlossy.core.errors import RunError, UsageError  # noqa: E402
from unlossy.correctors.nets.sizes import save_network  # noqa: E402
from unlossy.correctors.nets.unet import UNet  # noqa: E402
from unlossy.correctors.nets.weights_file import load_weights  # noqa: E402
from unlossy.datasets import open_dataset  # noqa: E402
from unlossy.tasks.models.differentiable import TorchClassifier  # noqa: E402
from unlossy.tasks.models.feature_maps import channel_dim, default_layer  # noqa: E402
from unlossy.tasks.models.registry import load_classifier  # noqa: E402
from unlossy.train import finetune_data, finetune_validation  # noqa: E402
from unlossy.train.aim_validation import AimValidation  # noqa: E402
from unlossy.train.corrector import train_corrector  # noqa: E402
from unlossy.train.data import Batch, CropsByArea, Pairs, batches  # noqa: E402
from unlossy.train.finetune import train_finetune  # noqa: E402
from unlossy.train.finetune_draw import each_alike  # noqa: E402
from unlossy.train.progress import Log  # noqa: E402
from unlossy.train.schedule import Schedule  # noqa: E402
from unlossy.train.state import LoopSettings, State  # noqa: E402
from unlossy.train.task_losses import Watched, features_cosine  # noqa: E402
from unlossy.train.ttac import train_ttac  # noqa: E402
from unlossy.train.validation import Validation  # noqa: E402


@pytest.fixture
def place(tmp_path):
    return placed(tmp_path)


def rows(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_run_aimed_at_another_model_or_otherwise_is_not_gone_on_with(place):
    run = place / "run"
    train_ttac(ttac_settings(place, steps=2), [task(0)], run)
    with pytest.raises(UsageError, match=r"begun otherwise \(models: .*d0.*, now .*d1"):
        train_ttac(ttac_settings(place, steps=4), [task(1)], run)
    with pytest.raises(UsageError, match=r"begun otherwise \(seed: 0, now 1"):
        train_ttac(ttac_settings(place, steps=4, seed=1), [task(0)], run)
    with pytest.raises(UsageError, match=r"begun otherwise \(lr: 0.003, now 0.01"):
        train_ttac(ttac_settings(place, steps=4, loop={"lr": 0.01}), [task(0)], run)
    photo(99, 128, 128).save(place / "photos" / "zz.png")
    with pytest.raises(UsageError, match=r"begun otherwise \(read: "):
        train_ttac(ttac_settings(place, steps=4), [task(0)], run)
    (place / "photos" / "zz.png").unlink()
    save_network(place / "start.safetensors", UNet(TINY), {})
    with pytest.raises(UsageError, match=r"begun otherwise \(start: "):
        train_ttac(ttac_settings(place, steps=4), [task(0)], run)


def test_a_run_of_before_that_tells_no_settings_goes_on(place):
    train_ttac(ttac_settings(place, steps=2), [task()], place / "run")
    (place / "run" / "asked.json").unlink()
    assert train_ttac(ttac_settings(place, steps=3), [task()], place / "run").step == 3


def test_a_corrector_trained_otherwise_is_not_gone_on_with(tmp_path):
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        photo(seed, 64, 64).save(tmp_path / "photos" / f"{seed}.png")
    train_corrector(test_corrector.settings(tmp_path / "photos", steps=1), tmp_path / "run")
    with pytest.raises(UsageError, match=r"begun otherwise \(weight_decay: 0.02, now 0.5"):
        train_corrector(test_corrector.settings(tmp_path / "photos", 2, weight_decay=0.5), tmp_path / "run")
    assert train_corrector(test_corrector.settings(tmp_path / "photos", steps=2), tmp_path / "run").step == 2


def test_the_last_steps_are_validated_and_kept_where_they_are_the_best(place, monkeypatch):
    scores = iter([0.1, 0.2])
    monkeypatch.setattr("unlossy.train.ttac.score_of", lambda _measures: next(scores))
    state = train_ttac(ttac_settings(place, steps=5, loop={"evaluate_every": 3}), [task()], place / "run")
    assert (state.step, state.best_step) == (5, 5)
    assert [row["step"] for row in rows(place / "run" / "validation.csv")] == ["3", "5"]
    assert load_weights(place / "run" / "weights.safetensors")[1]["step"] == "5"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", "a list"])
def test_what_is_no_checkpoint_is_refused(place, content):
    (place / "run").mkdir()
    if content == "a list":
        torch.save([1, 2], place / "run" / "checkpoint.pt")
    else:
        (place / "run" / "checkpoint.pt").write_bytes(content)
    with pytest.raises(RunError, match="not a checkpoint of this run"):
        train_ttac(ttac_settings(place, steps=2), [task()], place / "run")


def test_a_full_disk_ends_with_a_remedy_and_the_last_good_checkpoint(place, monkeypatch):
    run = place / "run"
    train_ttac(ttac_settings(place, steps=2), [task()], run)
    before = (run / "checkpoint.pt").read_bytes()

    def full(_held, path):
        path.write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RunError, match=r"cannot write the checkpoint.*Free space"):
        train_ttac(ttac_settings(place, steps=3), [task()], run)
    assert (run / "checkpoint.pt").read_bytes() == before
    assert not list(run.glob("*.part"))


def test_a_log_outlives_empty_and_torn_files(tmp_path):
    path = tmp_path / "log.csv"
    path.touch()
    Log(path, 0).write({"step": 1, "loss": 0.5})
    assert rows(path) == [{"step": "1", "loss": "0.5"}]
    path.write_text("step,loss\n1,0.5\n2,0.25\n12")
    Log(path, 50).write({"step": 3, "loss": 0.1})
    assert [row["step"] for row in rows(path)] == ["1", "2", "3"]
    Log(path, 1)
    assert [row["step"] for row in rows(path)] == ["1"]


def test_batches_leave_the_generator_alone_whose_state_a_checkpoint_holds(tmp_path):
    pictures, items = [np.asarray(photo(0, 64, 64))], list(open_dataset(str(colours(tmp_path / "pictures"))))
    sight = finetune_data.Sight(load_classifier(BUILDERS["hf"](tmp_path, 0), threads=1))
    views = finetune_data.Views(items, sight, each_alike(["jpeg:20"]), 0)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    list(batches(Pairs(pictures, (32, 32), 3, CropsByArea(pictures)), 0, 2, 1, workers=0))
    list(finetune_data.batches(views, 0, 2, 2, workers=0))
    assert torch.equal(torch.get_rng_state(), before)


def test_parts_of_a_step_count_by_their_pictures():
    values = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    fields = [values[:, None], values[:, None], values, values, values]
    parts = Batch(*fields).split(4)
    assert [len(part) for part in parts] == [2, 2, 1, 1]
    network = torch.nn.Linear(1, 1)
    state = State(network, LoopSettings(Schedule(2), bf16=False))
    losses = [partial(lambda part: network(part.clean).mean() * 0 + part.known.mean(), part) for part in parts]
    assert float(state.advance(losses, [len(part) for part in parts])) == pytest.approx(3.5)


def test_a_blank_page_and_a_score_that_is_no_number_spoil_nothing():
    pictures = [np.asarray(photo(0, 64, 64)), np.full((64, 64, 3), 128, np.uint8)]
    network = UNet(TINY)
    found = Validation(pictures, torch.device("cpu")).psnr_db(network)
    assert found == pytest.approx(Validation(pictures[:1], torch.device("cpu")).psnr_db(network))
    assert Validation(pictures[1:], torch.device("cpu")).psnr_db(network) == {}
    measures = AimValidation(pictures, [Watched(task())], [(32, 32)]).measures(network)
    assert all(math.isfinite(value) for value in measures.values())
    state = State(network, LoopSettings(Schedule(2)))
    assert [state.is_best(score) for score in (math.nan, 0.1, math.nan, 0.2)] == [False, True, False, True]


def test_a_picture_that_the_codec_refuses_is_named_and_left_out(tmp_path, capsys):
    data = colours(tmp_path / "pictures")
    Image.new("RGB", (17000, 20)).save(data / "red" / "long.png")
    settings = asked(BUILDERS["hf"](tmp_path, 0), data, steps=1, compressions=each_alike(["webp:30"]))
    assert train_finetune(settings, tmp_path / "run").n_left_out == 1
    assert "red/long.png: left out: " in capsys.readouterr().err


def test_validation_takes_fewer_pictures_at_once_where_memory_is_short(tmp_path, monkeypatch):
    data = colours(tmp_path / "pictures")
    settings = asked(BUILDERS["hf"](tmp_path, 0), data, steps=1)
    whole, seen = train_finetune(settings, tmp_path / "whole").before, []
    plain = finetune_validation.Validation.__init__

    def tight(self, items, sight, compressions, pick):
        def checked(answer):
            logits = pick(answer)
            seen.append(len(logits))
            if len(logits) > 2:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
            return logits

        plain(self, items, sight, compressions, checked)

    monkeypatch.setattr(finetune_validation.Validation, "__init__", tight)
    assert train_finetune(settings, tmp_path / "parts").before == pytest.approx(whole, abs=1e-5)
    assert max(seen) > 2 >= seen[-1]


def test_more_pictures_by_the_limit_are_the_remedy_where_the_limit_made_them_few(place):
    with pytest.raises(UsageError, match="3 pictures are fewer than a batch of 4: raise --limit or lower --batch"):
        train_ttac(ttac_settings(place, limit=3), [task()], place / "run")


@pytest.mark.parametrize(
    ("shape", "dim"),
    [
        ((2, 768, 14, 14), 1),
        ((2, 1000, 54, 54), 1),  # SqueezeNet, whose first convolution has no padding
        ((2, 7, 7, 768), 3),  # Swin
        ((2, 197, 768), 2),
        ((2, 768), 1),
        ((2, 12, 197, 64), None),  # a head's keys
        ((2, 12, 197, 197), None),  # attention
        ((128, 24, 49, 49), None),  # attention in windows
        ((2, 3, 4, 5, 6), None),
    ],
)
def test_the_channels_of_maps_and_tokens_are_told(shape, dim):
    assert channel_dim(shape, (224, 224)) == dim
    assert channel_dim((2, 64, 20, 30), (320, 480)) == 1


class Transformer(torch.nn.Module):
    """Patches, tokens, a layer that answers a tuple, one that is never called."""

    def __init__(self):
        super().__init__()
        self.patches, self.keys = torch.nn.Conv2d(3, 8, 8, stride=8), torch.nn.Identity()
        self.norm, self.pair, self.idle = torch.nn.LayerNorm(8), Pair(), torch.nn.Identity()

    def forward(self, images):
        tokens = self.norm(self.patches(images).flatten(2).transpose(1, 2))
        self.keys(tokens.reshape(len(tokens), -1, 2, 4).transpose(1, 2))
        return self.pair(tokens)[0].mean(dim=1)


class Pair(torch.nn.Module):
    def forward(self, tokens):
        return 2 * tokens, None


def test_features_of_tokens_are_compared_token_by_token():
    torch.manual_seed(0)
    network = Transformer().eval().requires_grad_(False)
    arithmetic = torch.eye(3), torch.zeros(3)
    transformer = TorchClassifier("tokens", "d", (32, 32), network, lambda answer: answer, *arithmetic)
    images = torch.rand(2, 3, 32, 32)
    assert default_layer(transformer, images) == "patches"
    assert default_layer(transformer, images, tokens=True) == "norm"
    watched = Watched(transformer, ("norm", "pair"))
    clean, other = watched(images), watched(images.flip(3))
    assert clean["norm"].shape == (2, 8, 16)
    assert torch.equal(clean["pair"], 2 * clean["norm"])
    ours, theirs = (found["norm"].transpose(1, 2).reshape(-1, 8) for found in (other, clean))
    cosine = (ours * theirs).sum(dim=1) / (ours.norm(dim=1) * theirs.norm(dim=1))
    assert float(features_cosine(other, clean)) == pytest.approx(1 - float(cosine.mean()), abs=1e-5)
    with pytest.raises(UsageError, match=r"'keys' answers with \(2, 2, 16, 4\), which is no feature map"):
        Watched(transformer, ("keys",))(images)
    with pytest.raises(UsageError, match="'idle' answers with no tensor, or was not asked"):
        Watched(transformer, ("idle",))(images)
