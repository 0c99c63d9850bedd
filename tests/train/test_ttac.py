"""Task-targeted training on small networks: what is learnt, what is held, what is refused."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs the extra train")

from tests.repair.conftest import photo  # noqa: E402
from tests.train.aimed_sets import TINY, placed, settings, task  # noqa: E402
from unlossy.core.errors import RunError, UsageError  # noqa: E402
from unlossy.core.types import CompressionHints, Decoded  # noqa: E402
from unlossy.correctors.card import card  # noqa: E402
from unlossy.correctors.guards import strength  # noqa: E402
from unlossy.correctors.nets.guarded import guarded  # noqa: E402
from unlossy.correctors.nets.sizes import load_network  # noqa: E402
from unlossy.correctors.nets.unet import UNet  # noqa: E402
from unlossy.correctors.nets.weights_file import load_weights  # noqa: E402
from unlossy.correctors.projection import projected  # noqa: E402
from unlossy.correctors.registry import open_corrector  # noqa: E402
from unlossy.tasks.models.feature_maps import default_layer  # noqa: E402
from unlossy.train import loop as loops  # noqa: E402
from unlossy.train.data import Pairs, batches, read_images  # noqa: E402
from unlossy.train.schedule import Schedule  # noqa: E402
from unlossy.train.state import LoopSettings, State  # noqa: E402
from unlossy.train.tables import libjpeg_tables  # noqa: E402
from unlossy.train.task_losses import OUTPUT_LOSSES, Watched, features_cosine, features_l1  # noqa: E402
from unlossy.train.ttac import (  # noqa: E402
    BYPASS_STEP,
    HIGHEST,
    MIX,
    aimed_loss,
    score_of,
    size_of,
    train_ttac,
    without_folders,
)
from unlossy.train.views import ViewsOfEach, view  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def place(tmp_path):
    return placed(tmp_path)


@pytest.mark.parametrize("sampling", [(2, 2), (2, 1), (1, 1)])
@pytest.mark.parametrize("quality", [10, 50, 90])
def test_the_guards_that_training_looks_through_are_those_that_run(sampling, quality):
    rng = np.random.default_rng(quality)
    luma, chroma = (np.array(table, np.uint16).reshape(8, 8) for table in libjpeg_tables(quality))
    decoded = rng.random((3, 32, 48)).astype(np.float32)
    answer = (decoded + rng.normal(0, 0.05, decoded.shape)).astype(np.float32)
    hints = CompressionHints(luma, chroma, sampling)
    wanted = decoded + np.float32(strength(hints)) * (projected(answer, decoded, hints) - decoded)
    tables = torch.from_numpy(np.stack([luma, chroma]).astype(np.float32))[None]
    told = (torch.from_numpy(decoded)[None], tables, torch.ones(1), torch.tensor([sampling], dtype=torch.float32))
    found = guarded(torch.from_numpy(answer)[None], *told)[0].numpy()
    assert np.abs(found - wanted).max() < 1e-5
    untold = guarded(torch.from_numpy(answer)[None], *told[:2], torch.zeros(1), told[3])[0].numpy()
    assert np.array_equal(untold, answer)


def test_pictures_of_several_samplings_in_a_batch_are_each_held_by_their_own():
    torch.manual_seed(0)
    decoded, noise = torch.rand(3, 3, 32, 32), 0.05 * torch.randn(3, 3, 32, 32)
    tables = torch.tensor(libjpeg_tables(30), dtype=torch.float32).reshape(1, 2, 8, 8).expand(3, -1, -1, -1)
    sampling = torch.tensor([[2.0, 2.0], [1.0, 1.0], [2.0, 1.0]])
    together = guarded(decoded + noise, decoded, tables, torch.ones(3), sampling)
    for i in range(3):
        one = slice(i, i + 1)
        alone = guarded((decoded + noise)[one], decoded[one], tables[one], torch.ones(1), sampling[one])
        assert torch.allclose(together[one], alone, atol=1e-6)


def test_losses_are_zero_for_equal_answers_and_known_for_others():
    a, b = {"logits": torch.tensor([[0.0, 1.0]])}, {"logits": torch.tensor([[2.0, 0.0]])}
    for loss in (*OUTPUT_LOSSES.values(), features_cosine, features_l1):
        assert float(loss(a, a)) == pytest.approx(0.0, abs=1e-6)
    assert float(OUTPUT_LOSSES["prediction-l1"](b, a)) == pytest.approx(1.5)
    p, q = 1 / (1 + np.exp(1.0)), 1 / (1 + np.exp(-2.0))
    assert float(OUTPUT_LOSSES["soft-mse"](b, a)) == pytest.approx(2 * (p - q) ** 2, rel=1e-5)
    divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    assert float(OUTPUT_LOSSES["distillation"](b, a)) == pytest.approx(divergence, rel=1e-5)
    assert float(features_cosine(b, a)) == pytest.approx(1.0)
    assert float(features_l1(b, a)) == pytest.approx(3.0)


def test_a_batch_is_learnt_by_heart_through_the_frozen_network(place):
    pictures = [np.asarray(photo(seed, 128, 128)) for seed in range(4)]
    (batch,) = batches(Pairs(pictures, (64, 64), 3, view, MIX), 0, 1, 4, workers=0)
    torch.manual_seed(0)
    network, frozen = UNet(TINY), task(size=64)
    before = [parameter.clone() for parameter in frozen.network.parameters()]
    state = State(network, LoopSettings(Schedule(60, warmup_steps=5), lr=1e-2, ema_decay=0.9))
    chosen, watched = settings(place, fidelity_weight=0.0), Watched(frozen)
    losses = [float(state.advance([lambda: aimed_loss(network, watched, batch, chosen)])) for _ in range(60)]
    assert float(aimed_loss(state.average, watched, batch, chosen)) < 0.3 * losses[0]
    assert all(torch.equal(a, b) for a, b in zip(before, frozen.network.parameters(), strict=True))


def test_the_task_network_judges_in_single_precision_where_the_corrector_does_not(place):
    pictures = [np.asarray(photo(seed, 128, 128)) for seed in range(4)]
    (batch,) = batches(Pairs(pictures, (64, 64), 3, view, MIX), 0, 1, 2, workers=0)
    network, frozen, seen = UNet(TINY), task(size=64), {"corrector": set(), "task": set()}
    for name, module in (("corrector", network), ("task", frozen.network)):
        for layer in module.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.register_forward_hook(lambda _l, _x, out, kinds=seen[name]: kinds.add(out.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        aimed_loss(network, Watched(frozen), batch, settings(place)).backward()
    assert torch.bfloat16 in seen["corrector"]
    assert seen["task"] == {torch.float32}


def test_the_weights_of_a_run_work_as_a_corrector_that_says_what_it_was_aimed_at(place):
    run = place / "run"
    train_ttac(settings(place, steps=6), [task()], run)
    corrector = open_corrector(str(run / "weights.safetensors"))
    facts = load_weights(run / "weights.safetensors")[1]
    assert json.loads(facts["aimed_at"]) == [{"model": "tiny", "digest": "d0"}]
    pixels = np.asarray(photo(1, 64, 64))
    fine, coarse = (
        CompressionHints(*(np.array(t, np.uint16).reshape(8, 8) for t in libjpeg_tables(q)), (2, 2)) for q in (97, 10)
    )
    assert corrector.touches(Decoded(pixels, coarse))
    assert not corrector.touches(Decoded(pixels, fine))
    assert np.array_equal(corrector.correct([Decoded(pixels, fine)])[0], pixels)


def test_a_resumed_run_ends_with_the_weights_of_an_undisturbed_one(place):
    whole = train_ttac(settings(place, steps=12), [task(0), task(1, spec="other")], place / "whole")
    train_ttac(settings(place, steps=12, loop={"minutes": 0.0}), [task(0), task(1)], place / "two")
    for _ in range(3):
        cut = settings(place, steps=12, loop={"minutes": 0.002})
        train_ttac(cut, [task(0), task(1)], place / "two")
    parts = train_ttac(settings(place, steps=12), [task(0), task(1)], place / "two")
    assert parts.step == whole.step == 12
    for ours, theirs in zip(whole.average.parameters(), parts.average.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_best_average_is_kept_and_patience_ends_the_run(place, monkeypatch):
    scores = iter([0.1, 0.5, 0.3, 0.2, 0.1, 0.0])
    monkeypatch.setattr("unlossy.train.ttac.score_of", lambda _measures: next(scores))
    state = train_ttac(settings(place, steps=30, loop={"evaluate_every": 2, "patience": 2}), [task()], place / "run")
    assert (state.step, state.best_step) == (8, 4)
    assert load_weights(place / "run" / "weights.safetensors")[1]["step"] == "4"
    assert score_of({"distance_q10": 0.5, "distance_q20": 0.7, "gain_q10_db": 9.0}) == pytest.approx(0.4)


def test_a_loss_that_is_not_finite_stops_with_the_weights_of_before(place, monkeypatch):
    run = place / "run"
    train_ttac(settings(place, steps=4), [task()], run)
    before = (run / "weights.safetensors").read_bytes()
    blind = task()
    blind.network[0].weight.data.fill_(float("nan"))
    with pytest.raises(RunError, match="lower the rate"):
        train_ttac(settings(place, steps=8), [blind], run)
    assert (run / "weights.safetensors").read_bytes() == before
    assert not list(run.glob("*.part"))


def test_a_step_that_does_not_fit_the_memory_is_taken_in_parts(place, monkeypatch, capsys):
    plain, sizes = loops.Job, []

    def tight(*parts, **named):
        job = plain(*parts, **named)

        def loss_of(network, aimed):
            sizes.append(len(aimed.batch.clean))
            if len(aimed.batch.clean) > 2:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
            return job.loss_of(network, aimed)

        return plain(job.batches, loss_of, job.evaluate, job.keep, job.score, job.split)

    whole = train_ttac(settings(place, steps=3), [task()], place / "whole")
    monkeypatch.setattr("unlossy.train.ttac.Job", tight)
    parts = train_ttac(settings(place, steps=3), [task()], place / "parts")
    assert (sizes[0], max(sizes[1:])) == (4, 2)
    assert "out of memory: each step is taken in 2 parts" in capsys.readouterr().err
    for ours, theirs in zip(whole.network.parameters(), parts.network.parameters(), strict=True):
        assert float((ours - theirs).detach().abs().mean()) < 5e-4  # single gradients near zero may change their sign
    monkeypatch.setattr("unlossy.train.ttac.Job", plain)
    monkeypatch.setattr(State, "advance", lambda *_: (_ for _ in ()).throw(RuntimeError("another error")))
    with pytest.raises(RuntimeError, match="another error"):
        train_ttac(settings(place, steps=3), [task()], place / "other")


def test_features_are_watched_at_named_layers_or_the_last_map(place):
    assert default_layer(task(), torch.rand(1, 3, 32, 32)) == "4"
    watched = Watched(task(), ("2",))
    assert watched(torch.rand(2, 3, 32, 32))["2"].shape == (2, 8, 8, 8)
    with pytest.raises(UsageError, match="no layer 'nowhere'"):
        Watched(task(), ("nowhere",))
    train_ttac(settings(place, steps=2, loss="features"), [task()], place / "run")
    assert load_network(place / "run" / "weights.safetensors").shape == TINY


def test_views_and_validation_are_of_the_qualities_that_were_asked_for(place, monkeypatch):
    mixes = []
    monkeypatch.setattr("unlossy.train.ttac.ViewsOfEach", lambda *given: mixes.append(given[5]) or ViewsOfEach(*given))
    train_ttac(settings(place, steps=2, qualities="shares:30-31=1,70=2"), [task()], place / "run")
    drawn = [mixes[0].qualities.draw(np.random.default_rng(seed)) for seed in range(200)]
    assert {30, 31, 70} == set(drawn)
    assert 110 <= drawn.count(70) <= 155
    columns = (place / "run" / "validation.csv").read_text().splitlines()[0]
    assert [q for q in range(1, 101) if f"distance_q{q}" in columns.split(",")] == [30, 31, 70]
    weights = place / "run" / "weights.safetensors"
    assert "--qualities shares:30-31=1,70=2 -o RUN" in card("mine", weights)
    with pytest.raises(UsageError, match=r"qualities: .shares:30-31=1,70=2., now null"):
        train_ttac(settings(place, steps=4), [task()], place / "run")


def test_qualities_that_come_out_as_they_went_in_teach_nothing(place):
    with pytest.raises(UsageError, match="quality 95 and more come out as they went in"):
        train_ttac(settings(place, qualities="uniform:95-100"), [task()], place / "run")
    step = {q: np.mean(libjpeg_tables(q)[0]) for q in (HIGHEST, HIGHEST + 1)}
    assert step[HIGHEST] > BYPASS_STEP >= step[HIGHEST + 1]


def test_too_few_pictures_and_start_weights_of_others_are_refused(place):
    shutil.rmtree(place / "photos")
    (place / "photos").mkdir()
    Image.new("RGB", (128, 128)).save(place / "photos" / "one.png")
    with pytest.raises(UsageError, match="1 pictures are fewer than a batch of 4"):
        train_ttac(settings(place), [task()], place / "run")
    for seed in range(24):
        photo(seed, 128, 128).save(place / "photos" / f"{seed:02d}.png")
    (place / "start.safetensors").write_bytes(b"no weights")
    with pytest.raises(UsageError, match="safetensors"):
        train_ttac(settings(place), [task()], place / "run")


def test_without_pictures_to_hold_out_the_latest_average_is_kept(place):
    for path in sorted((place / "photos").glob("*.png"))[6:]:
        path.unlink()
    train_ttac(settings(place, steps=4, loop={"evaluate_every": 2}), [task()], place / "run")
    assert load_weights(place / "run" / "weights.safetensors")[1]["step"] == "4"


def test_weights_tell_a_local_model_by_its_name_alone(tmp_path):
    (tmp_path / "net").mkdir()
    assert without_folders(f"hf:{tmp_path / 'net'}") == "hf:net"
    assert without_folders(f"torchvision:resnet50@{tmp_path / 'net'}") == "torchvision:resnet50@net"
    assert without_folders("hf:google/mobilenet_v2_1.0_224") == "hf:google/mobilenet_v2_1.0_224"


def test_views_depend_on_the_draw_alone():
    pictures = [np.asarray(photo(seed, 90 + 40 * seed, 150)) for seed in range(3)]
    for seed in range(20):
        one, again = (view(np.random.default_rng(seed), pictures, (64, 80)) for _ in range(2))
        assert np.array_equal(one, again)
        assert (one.shape, one.dtype) == ((64, 80, 3), np.uint8)


def test_networks_take_turns_with_views_of_their_own_sizes():
    pictures = [np.asarray(photo(seed, 90 + 40 * seed, 150)) for seed in range(3)]
    sizes = [size_of(task(size=30)), size_of(task(size=60))]
    assert sizes == [(32, 32), (64, 64)]
    pairs = ViewsOfEach(pictures, sizes, 2, 3, view, MIX)
    seen = list(batches(pairs, 1, 5, 2, workers=0))
    assert [pairs.network_of(step) for step in range(1, 5)] == [1, 0, 1, 0]
    assert [tuple(batch.clean.shape) for batch in seen] == [(2, 3, 64, 64), (2, 3, 32, 32)] * 2
    (alone,) = batches(Pairs(pictures, (64, 64), 3, view, MIX), 3, 4, 2, workers=0)
    assert torch.equal(seen[2].degraded, alone.degraded)


def test_large_pictures_are_shown_at_more_than_the_networks_size():
    large, small = ([np.asarray(photo(seed, side, side)) for seed in range(9)] for side in (96, 50))
    pairs = ViewsOfEach([*large, *small], [(32, 32), (32, 32)], 8, 3, view, MIX, any_size=[False, True])
    seen = list(batches(pairs, 0, 10, 8, workers=0))
    assert [tuple(batch.clean.shape) for batch in seen[::2]] == [
        (8, 3, 32, 32),
        (4, 3, 48, 48),
        (8, 3, 32, 32),
        (2, 3, 64, 64),
        (8, 3, 32, 32),
    ]
    assert {tuple(batch.clean.shape) for batch in seen[1::2]} == {(8, 3, 32, 32)}, "it does not resize"
    again = list(batches(pairs, 2, 4, 8, workers=0))
    assert torch.equal(again[0].degraded, seen[2].degraded)
    few = ViewsOfEach([*large[:3], *small], [(32, 32)], 8, 3, view, MIX)
    assert [few.turn_of(step).n for step in range(4)] == [8] * 4


def test_pictures_are_read_no_larger_than_is_of_use_and_no_more_than_memory_holds(tmp_path, monkeypatch, capsys):
    for name, size in (("a.png", (90, 60)), ("b.png", (30, 41)), ("c.png", (20, 20))):
        photo(1, *size).save(tmp_path / name)
    monkeypatch.setattr("unlossy.train.data.LARGE_SIDE_PX", 20)
    images = read_images([tmp_path], 10)
    assert [image.shape[:2] for image in images.values()] == [(20, 30), (41, 30), (20, 20)]
    monkeypatch.setattr("unlossy.train.data.MOST_BYTES", 3000)
    assert len(read_images([tmp_path], 10)) == 2
    assert "2 pictures take 0.0 GiB of memory: the other 1 files, from " in capsys.readouterr().err
