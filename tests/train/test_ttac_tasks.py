"""Task-targeted training aimed at networks with several raw heads, and at several tasks at once."""

import json
import math

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training needs the extra train")

from tests.repair.conftest import photo  # noqa: E402
from tests.train import aimed_sets  # noqa: E402
from tests.train.aimed_sets import TINY, placed  # noqa: E402
from unlossy.cli.train_ttac import aims  # noqa: E402
from unlossy.core.errors import UsageError  # noqa: E402
from unlossy.correctors.nets.colour import ycc_from_rgb  # noqa: E402
from unlossy.correctors.nets.unet import UNet  # noqa: E402
from unlossy.correctors.nets.weights_file import load_weights  # noqa: E402
from unlossy.tasks.models.differentiable import TorchNetwork, Trainable, open_differentiable  # noqa: E402
from unlossy.tasks.models.fed import FixedBatch  # noqa: E402
from unlossy.tasks.models.heads import Head  # noqa: E402
from unlossy.train.aim_validation import AimValidation  # noqa: E402
from unlossy.train.data import batches  # noqa: E402
from unlossy.train.task_losses import Watched, distillation, prediction_l1, soft_mse, units_of  # noqa: E402
from unlossy.train.ttac import MIX, aimed_loss, train_ttac  # noqa: E402
from unlossy.train.views import ViewsOfEach, view  # noqa: E402

HEADS = {"scores": Head("scores", 2), "sides": Head("values", 2, weighted_by="scores")}


class Detector(torch.nn.Module):
    """Cells of 8 px, each with three scores and four sides; what an exported one-stage detector answers."""

    def __init__(self):
        super().__init__()
        self.body, self.head = torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Conv2d(8, 7, 8, stride=8)

    def forward(self, images):
        cells = self.head(self.body(images).relu()).flatten(2).transpose(1, 2)
        return [(cells[..., :3]).sigmoid(), cells[..., 3:]]


def network(module, heads=HEADS, size=32, task="detection"):
    module.eval().requires_grad_(False)
    pick = (lambda answer: dict(zip(heads, answer, strict=True))) if len(heads) > 1 else (lambda answer: answer)
    return TorchNetwork(task, "d", (size, size), module, pick, 4 * torch.eye(3), -2 * torch.ones(3), heads, task)


def detector(seed=0, size=32, one_by_one=False):
    torch.manual_seed(seed)
    return network(FixedBatch(Detector(), 1) if one_by_one else Detector(), size=size)


def segmenter():
    torch.manual_seed(5)
    return network(torch.nn.Conv2d(3, 4, 4, stride=4), {"logits": Head()}, 48, "semantic_segmentation")


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def place(tmp_path):
    return placed(tmp_path, 12, 96)


def settings(place, **changes):
    loop = {"evaluate_every": 4, **changes.pop("loop", {})}
    return aimed_sets.settings(place, **{"steps": 4, "batch_size": 2, **changes}, loop=loop)


def one_batch(size=32, n=2):
    pictures = [np.asarray(photo(seed, 96, 96)) for seed in range(3)]
    pairs = ViewsOfEach(pictures, [(size, size)], n, 3, view, MIX)
    return next(iter(batches(pairs, 0, 1, n, workers=0))), pairs.clean_of(0, 4)


@pytest.mark.parametrize("name", ["scores", "sides"])
@pytest.mark.parametrize("one_by_one", [False, True])
def test_gradients_reach_the_corrector_through_every_head_and_the_detector_stays(place, name, one_by_one):
    batch, clean = one_batch()
    task = detector(one_by_one=one_by_one)
    before = [parameter.clone() for parameter in task.network.parameters()]
    units = units_of(task, clean)
    alone = {head: unit if head == name else 1e12 for head, unit in units.items()}
    corrector = UNet(TINY)
    aimed_loss(corrector, Watched(task, units=alone), batch, settings(place, fidelity_weight=0.0)).backward()
    assert max(float(p.grad.abs().max()) for p in corrector.parameters() if p.grad is not None) > 1e-6
    assert all(torch.equal(a, b) and b.grad is None for a, b in zip(before, task.network.parameters(), strict=True))


def test_heads_count_alike_whatever_their_scale_and_number_of_cells():
    clean = {"scores": torch.rand(2, 9, 3), "sides": torch.randn(2, 9, 4)}
    found = {name: answer + 0.1 * torch.randn_like(answer) for name, answer in clean.items()}
    plain = float(prediction_l1(found, clean, HEADS, {"scores": 0.2, "sides": 0.5}))

    def larger(answers):
        return {"scores": answers["scores"].repeat(1, 5, 1), "sides": 100 * answers["sides"].repeat(1, 5, 1)}

    many = prediction_l1(larger(found), larger(clean), HEADS, {"scores": 0.2, "sides": 50.0})
    assert float(many) == pytest.approx(plain, rel=1e-5)
    by_hand = (found["scores"] - clean["scores"]).abs().mean() / 0.2
    sides = (found["sides"] - clean["sides"]).abs() * clean["scores"].amax(dim=2, keepdim=True)
    assert plain == pytest.approx(float(by_hand + sides.mean() / 0.5) / 2, rel=1e-5)


def test_a_head_is_measured_in_its_spread_over_pictures():
    task, (_, clean) = detector(), one_batch(n=2)
    answers, units = task.outputs(clean), units_of(task, clean)
    away = {name: (answer - answer.mean(dim=0)).abs() for name, answer in answers.items()}
    assert units["scores"] == pytest.approx(float(away["scores"].mean()), rel=1e-4)
    sure = answers["scores"].amax(dim=2, keepdim=True)
    assert units["sides"] == pytest.approx(float((sure * away["sides"]).mean()), rel=1e-4)
    assert units_of(segmenter(), torch.rand(2, 3, 48, 48)) == {}  # one head of logits: their own unit, as in the paper
    task.network.head.weight.data.zero_()
    with pytest.raises(UsageError, match="spread of its output 'scores'"):
        units_of(task, clean)


def test_boxes_of_places_that_hold_nothing_do_not_count():
    clean = {"scores": torch.zeros(1, 4, 3), "sides": torch.randn(1, 4, 4)}
    clean["scores"][0, 0, 1] = 0.8
    wild = clean | {"sides": clean["sides"] + torch.tensor([0.0, 9.0, 9.0, 9.0])[None, :, None]}
    assert float(prediction_l1(wild, clean, HEADS, {})) == 0.0
    moved = clean | {"sides": clean["sides"] + torch.tensor([1.0, 0.0, 0.0, 0.0])[None, :, None]}
    assert float(prediction_l1(moved, clean, HEADS, {})) == pytest.approx(0.8 * 4 / 16 / 2)


def test_losses_of_classes_look_at_classes_and_at_nothing_else(place):
    clean = {"scores": torch.rand(1, 4, 3), "sides": torch.randn(1, 4, 4)}
    found = clean | {"sides": clean["sides"] + 5.0}
    assert float(soft_mse(found, clean, HEADS, {})) == 0.0
    found = clean | {"scores": clean["scores"] - 0.5}
    assert float(soft_mse(found, clean, HEADS, {"scores": 0.1})) == pytest.approx(2.5)
    assert float(distillation(clean | {"sides": clean["sides"] + 5.0}, clean, HEADS, {})) == 0.0
    sure, unsure = torch.full((1, 4, 3), 0.9), torch.full((1, 4, 3), 0.5)
    nats = 0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)
    assert float(distillation({"scores": unsure}, {"scores": sure}, {"scores": HEADS["scores"]}, {})) == pytest.approx(
        nats
    )
    boxes = network(torch.nn.Conv2d(3, 4, 8, stride=8), {"boxes": Head("values")})
    with pytest.raises(UsageError, match="no output that is a distribution over classes"):
        train_ttac(settings(place, loss="soft-mse"), [boxes], place / "run")


def test_layers_of_a_graph_with_a_fixed_batch_are_watched_for_all_pictures():
    images = torch.rand(3, 3, 32, 32)
    together, one_by_one = Watched(detector(), ("body",)), Watched(detector(one_by_one=True), ("network.body",))
    wanted = together(images)["body"]
    assert wanted.shape == (3, 8, 32, 32)
    assert torch.allclose(one_by_one(images)["network.body"], wanted, atol=1e-6)


def test_validation_tells_a_corrector_that_does_nothing_from_one_that_knows_all(monkeypatch):
    pictures, tasks = [np.asarray(photo(s, 96, 96)) for s in range(2)], [detector(), segmenter()]
    watched = [Watched(task, units=units_of(task, torch.rand(4, 3, *task.input_hw))) for task in tasks]
    monkeypatch.setattr("unlossy.train.aim_validation.guarded", lambda answer, *_: answer)
    validation = AimValidation(pictures, watched, [(32, 32), (48, 48)])

    class Idle(torch.nn.Module):
        def forward(self, ycc, *_):
            return ycc

    class Knowing(torch.nn.Module):
        def forward(self, ycc, *_):
            known = [ycc_from_rgb(picture) for picture in validation.clean[tuple(ycc.shape[-2:])]]
            return min(known, key=lambda picture: float((picture - ycc).abs().mean()))

    idle, best = validation.measures(Idle()), validation.measures(Knowing())
    for quality in (10, 20, 40, 80):
        assert idle[f"distance_q{quality}"] == pytest.approx(1.0, abs=1e-4)
        assert idle[f"agreement_q{quality}"] == idle[f"agreement_jpeg_q{quality}"] < 1.0
        assert idle[f"gain_q{quality}_db"] == pytest.approx(0.0, abs=1e-3)
        assert (best[f"distance_q{quality}"], best[f"agreement_q{quality}"]) == (0.0, 1.0)
    assert idle["agreement_jpeg_q10"] < idle["agreement_jpeg_q80"]


def test_validation_looks_at_every_folder_and_at_pictures_as_they_are(monkeypatch):
    monkeypatch.setattr("unlossy.train.aim_validation.MOST_PIXELS", 4 * 32 * 32)
    sides = [16] * 4 + [64] * 4 + [160] * 4  # as three folders, in the order of their names
    pictures = [np.asarray(photo(seed, side, side)) for seed, side in enumerate(sides)]
    seen = AimValidation(pictures, [Watched(detector())], [(32, 32)]).clean[32, 32]
    assert len(seen) == 4
    as_they_are = [(255 * picture[0]).round().byte().permute(1, 2, 0).numpy() for picture in seen]
    assert np.array_equal(as_they_are[2], pictures[6][16:48, 16:48])
    for found, n in zip(as_they_are, (0, 3, 6, 9), strict=True):
        resized = np.asarray(Image.fromarray(pictures[n]).resize((32, 32), Image.Resampling.BICUBIC))
        assert np.array_equal(found, resized) == (n != 6)


def test_two_tasks_in_one_run_resume_exactly_and_the_weights_name_both(place):
    def killed(done, _total):
        if done == 3:
            raise KeyboardInterrupt

    tasks = [detector(), segmenter()]
    whole = train_ttac(settings(place), tasks, place / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_ttac(settings(place, loop={"evaluate_every": 1}), tasks, place / "two", killed)
    steps = []
    resumed = [detector(), segmenter()]
    parts = train_ttac(settings(place), resumed, place / "two", lambda done, _total: steps.append(done))
    assert steps[0] in (2, 3)
    assert parts.step == whole.step == 4
    for ours, theirs in zip(whole.average.parameters(), parts.average.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    aimed = json.loads(load_weights(place / "two" / "weights.safetensors")[1]["aimed_at"])
    assert [aim["task"] for aim in aimed] == ["detection", "semantic_segmentation"]


class Model:
    """What `open_differentiable` asks of a task."""

    model_spec, model_digest = "made", "digest"

    def __init__(self, trainable):
        self.trainable = trainable

    def resize(self, image_hwc):
        return np.zeros((40, 56, 3), np.uint8)

    def normalise(self, image_hwc):
        return Pixels(image_hwc[:, :, ::-1].transpose(2, 0, 1).astype(np.float32) - 7.0)


class Pixels:
    def __init__(self, pixels):
        self.pixels = pixels


def test_a_tasks_network_is_opened_with_its_heads_and_its_arithmetic(monkeypatch):
    found = Trainable(Detector(), lambda answer: dict(zip(HEADS, answer, strict=True)), HEADS)
    monkeypatch.setattr("unlossy.tasks.models.differentiable.load_task", lambda *_, **__: Model(lambda: found))
    frozen = open_differentiable("made", "detection")
    assert (frozen.input_hw, frozen.task, frozen.digest) == ((40, 56), "detection", "digest")
    image = torch.rand(2, 3, 40, 56)
    wanted = found.network(255.0 * image.flip(1) - 7.0)
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(frozen.outputs(image).values(), wanted, strict=True))
    assert not any(parameter.requires_grad for parameter in frozen.network.parameters())


def test_a_callable_that_takes_pictures_as_they_are_is_shown_rgb_in_0_to_1(monkeypatch):
    found = Trainable(Detector(), lambda answer: dict(zip(HEADS, answer, strict=True)), HEADS)
    own = Model(lambda: found)
    monkeypatch.setattr(own, "resize", lambda image: image)
    monkeypatch.setattr(own, "normalise", lambda image: image)
    monkeypatch.setattr("unlossy.tasks.models.differentiable.load_task", lambda *_, **__: own)
    frozen, image = open_differentiable("py:made", "detection"), torch.rand(1, 3, 16, 24)
    assert frozen.input_hw is None
    assert torch.equal(frozen.outputs(image)["sides"], found.network(image)[1])


@pytest.mark.parametrize("trainable", [None, lambda: None])
def test_a_model_without_gradients_is_refused_with_a_remedy(monkeypatch, trainable):
    monkeypatch.setattr("unlossy.tasks.models.differentiable.load_task", lambda *_, **__: Model(trainable))
    with pytest.raises(UsageError, match=r"gradients cannot go through this model\. .* wants a torch network"):
        open_differentiable("made", "detection")


def test_a_task_may_stand_before_a_spec():
    models = ["hf:a", "detection=onnx:d=1.onnx", "onnx:x=y.onnx", "hf:a"]
    assert aims(models, "classification") == [
        ("classification", "hf:a"),
        ("detection", "onnx:d=1.onnx"),
        ("classification", "onnx:x=y.onnx"),
    ]
    assert aims(["detection=py:m:f"], "text") == [("detection", "py:m:f")]
