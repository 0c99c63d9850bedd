"""What a fine-tuning is shown: the right compressions, at the source's size, each picture once an epoch, corrected."""

import io
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.tasks.small_models import BUILDERS
from tests.train.finetune_sets import colours
from unlossy.core.errors import UsageError
from unlossy.core.types import ClassTarget, Item
from unlossy.correctors.registry import open_corrector
from unlossy.datasets import open_dataset
from unlossy.tasks.models.registry import load_classifier
from unlossy.train import finetune_corrections
from unlossy.train.finetune_corrections import Corrections
from unlossy.train.finetune_data import Labelled, Sight, Views, batches, cropped, sound
from unlossy.train.finetune_draw import drawn_from, each_alike
from unlossy.train.finetune_pictures import Sources, read_pictures
from unlossy.train.finetune_validation import Validation, held_out, score_of


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("finetune_data")


@pytest.fixture(scope="module")
def data(place):
    return colours(place / "pictures", n=4)


@pytest.fixture(scope="module")
def model(place):
    return BUILDERS["hf"](place, 0)


@pytest.fixture(scope="module")
def sight(model):
    return Sight(load_classifier(model, threads=1))


def through_pillow(path, quality):
    buffer = io.BytesIO()
    Image.open(path).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue(), np.asarray(Image.open(buffer))


@pytest.mark.parametrize(
    ("drawn", "shares"),
    [
        (drawn_from("uniform:10-13"), {"clean": 0.1} | {f"jpeg:{q}": 0.225 for q in (10, 11, 12, 13)}),
        (drawn_from("shares:10=3,80=1", 0.0), {"clean": 0.0, "jpeg:10": 0.75, "jpeg:80": 0.25}),
        (drawn_from("shares:10-12=3,12=1,80=0", 0.0), {"clean": 0.0, "jpeg:10": 0.25, "jpeg:11": 0.25, "jpeg:12": 0.5}),
        (
            each_alike(["jpeg:10,20", "webp:30"]),
            {"clean": 0.0, **dict.fromkeys(("jpeg:10", "jpeg:20", "webp:30"), 1 / 3)},
        ),
        (each_alike(["jpeg:10"], 1.0), {"clean": 1.0, "jpeg:10": 0.0}),
    ],
)
def test_settings_are_drawn_in_their_shares(drawn, shares):
    assert drawn.facts == pytest.approx(shares, abs=1e-6)
    rng = np.random.default_rng(0)
    counts = Counter("clean" if (codec := drawn.draw(rng)) is None else codec.setting for _ in range(1500))
    assert {name: counts[name] / 1500 for name in shares} == pytest.approx(shares, abs=0.04)


def test_validation_looks_at_a_few_settings():
    def settings(drawn):
        return [codec.setting for codec in drawn.validated]

    assert settings(drawn_from("uniform:5-95")) == ["jpeg:10", "jpeg:20", "jpeg:40", "jpeg:80"]
    assert settings(drawn_from("uniform:5-35")) == ["jpeg:5", "jpeg:15", "jpeg:25", "jpeg:35"]
    assert settings(each_alike(["webp:30", "jpeg:10"])) == ["webp:30", "jpeg:10"]
    assert settings(each_alike(["jpeg:10"], 1.0)) == []


UNREADABLE = (
    *("uniform:90-10", "uniform:5", "uniform:0-200", "often:5-95"),
    *("shares:10", "shares:10=0", "shares:10=1.2.3", "shares:30-20=1", "shares:90-101=1"),
)


@pytest.mark.parametrize("text", UNREADABLE)
def test_qualities_that_cannot_be_read(text):
    with pytest.raises(UsageError, match=r"qualit|shares"):
        drawn_from(text)


def test_a_picture_is_compressed_at_its_own_size_before_the_model_resizes_it(data, sight):
    item = next(item for item in open_dataset(str(data)) if item.key == "green/01.png")
    codec = each_alike(["jpeg:20"]).codecs[0]
    _, wanted = through_pillow(data / item.key, 20)
    assert wanted.shape == (40, 48, 3), "not the model's 32 x 32"
    assert np.array_equal(sight.source(item, codec), wanted)
    assert np.array_equal(sight.whole(item, codec), sight.classifier.resize(wanted))
    assert np.array_equal(sight.source(item, None), np.asarray(Image.open(data / item.key)))


def test_each_epoch_shows_every_picture_once_and_no_view_comes_twice(data, sight):
    items = list(open_dataset(str(data)))
    views = Views(items, sight, drawn_from("uniform:10-90"), seed=3)
    labels = [views[index][1] for index in range(24)]
    assert Counter(labels[:12]) == Counter(labels[12:]) == {0: 4, 1: 4, 2: 4}
    assert labels[:12] != labels[12:]
    flat = [views[index][0].numpy().tobytes() for index in range(24)]
    assert len(set(flat)) == 24
    again = Views(items, sight, drawn_from("uniform:10-90"), seed=3)
    assert [again[index][0].numpy().tobytes() for index in range(24)] == flat
    other = Views(items, sight, drawn_from("uniform:10-90"), seed=4)
    assert other[0][0].numpy().tobytes() != flat[0]


def test_workers_make_the_batches_that_this_process_makes(data, sight):
    views = Views(list(open_dataset(str(data))), sight, each_alike(["jpeg:10"]), seed=0)
    ours, theirs = (list(batches(views, 2, 4, 5, workers)) for workers in (0, 1))
    assert len(ours) == len(theirs) == 2
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a.images, b.images)
        assert torch.equal(a.classes, b.classes)
    assert ours[0].classes.tolist() == [views[index][1] for index in range(10, 15)]


def test_a_batch_splits_into_parts_that_add_up():
    batch = Labelled(torch.rand(5, 3, 2, 2), torch.arange(5))
    parts = batch.split(2)
    assert torch.equal(torch.cat([part.images for part in parts]), batch.images)
    assert [len(part.classes) for part in batch.split(8)] == [1] * 5


def test_crops_show_half_the_picture_or_more():
    rng = np.random.default_rng(0)
    image = np.arange(60 * 80, dtype=np.int64).reshape(60, 80, 1) % 251 * np.ones((1, 1, 3), int)
    shapes = [cropped(rng, image.astype(np.uint8)).shape for _ in range(200)]
    areas = [height * width / 4800 for height, width, _ in shapes]
    assert 0.4 < min(areas) < 0.6 < 0.9 < max(areas) <= 1.0
    assert cropped(rng, np.zeros((1, 1, 3), np.uint8)).shape == (1, 1, 3)


@pytest.mark.parametrize("few", [True, False])
def test_corrections_are_the_correctors_own_and_kept(data, tmp_path, monkeypatch, few):
    bytes_of, pixels = through_pillow(data / "red" / "00.png", 15)
    corrections = Corrections("small", tmp_path / "kept" if few else None)
    found = corrections.of(bytes_of, pixels)
    from unlossy.codecs import decode_hinted

    assert np.array_equal(found, open_corrector("small").correct([decode_hinted(bytes_of)])[0])
    assert not np.array_equal(found, pixels)
    monkeypatch.setattr(Corrections, "_corrected", lambda *_: pixels)
    assert np.array_equal(corrections.of(bytes_of, pixels), found if few else pixels)
    assert len(list(tmp_path.rglob("*.png"))) == int(few)
    assert not list(tmp_path.rglob("*.part"))


def test_an_unknown_corrector_is_refused_at_once():
    with pytest.raises(UsageError, match="corrector"):
        Corrections("huge")
    assert finetune_corrections.Corrections is Corrections


def items_of(counts):
    return [Item(f"{c}/{i}", None_blob(), ClassTarget(c)) for c, n in enumerate(counts) for i in range(n)]


def None_blob():  # noqa: N802
    from unlossy.core.blobs import BytesBlob

    return BytesBlob(b"")


def test_what_is_held_out_is_spread_over_the_classes():
    items = items_of([40, 20, 10])
    training, validating = held_out(items, 0.1)
    assert sorted(i.key for i in [*training, *validating]) == sorted(i.key for i in items)
    assert Counter(i.target.class_index for i in validating) == {0: 4, 1: 2, 2: 1}
    for few, share in (([1], 0.1), ([5], 1.0), ([5], 0.0)):
        with pytest.raises(UsageError, match=r"held-out|holding out"):
            held_out(items_of(few), share)


def test_validation_counts_right_answers(data, sight, model):
    items = list(open_dataset(str(data)))

    class Colour(torch.nn.Module):
        """Right on a picture of these three colours: the strongest channel, blue first."""

        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))

        def forward(self, images):
            means = images.mean(dim=(2, 3)) * torch.tensor([0.2, 0.25, 0.3]) + torch.tensor([0.5, 0.4, 0.3])
            return self.scale * 50 * means.flip(1)

    validation = Validation(items, sight, each_alike(["jpeg:10"], 0.5), lambda answer: answer)
    found = validation.measures(Colour())
    assert found["top1_clean"] == found["top1_jpeg:10"] == found["score"] == 1.0
    wrong = Validation(items, sight, each_alike(["jpeg:10"], 0.5), lambda answer: answer.roll(1, dims=1))
    assert wrong.measures(Colour())["score"] == 0.0
    assert score_of({"score": 0.5, "cross_entropy": 1.0}) > score_of({"score": 0.5, "cross_entropy": 2.0})
    assert score_of({"score": 0.5, "cross_entropy": 9.0}) > score_of({"score": 0.499, "cross_entropy": 0.1})


def sources(model, data, **rest):
    return Sources(model, str(data), batch_size=2, **rest)


def test_labels_that_do_not_fit_are_refused(data, model, tmp_path):
    with pytest.raises(UsageError, match=r"3 class folders, the model 7 classes.*--new-head"):
        read_pictures(sources(model, data), None)
    (tmp_path / "flat").mkdir()
    Image.new("RGB", (40, 40)).save(tmp_path / "flat" / "a.png")
    with pytest.raises(UsageError, match=r"a.png: no class.*labels.csv"):
        read_pictures(sources(model, tmp_path / "flat", new_head=True), None)
    (tmp_path / "flat" / "labels.csv").write_text("file,class_index\na.png,7\n")
    with pytest.raises(UsageError, match=r"class 7 is outside the model's 7 classes"):
        read_pictures(sources(model, tmp_path / "flat"), None)
    with pytest.raises(UsageError, match="fewer than a batch"):
        read_pictures(Sources(model, str(data), new_head=True, batch_size=99), None)


def test_a_validation_folder_must_mean_the_same_classes(data, model, tmp_path):
    same = colours(tmp_path / "same", n=1)
    read = read_pictures(sources(model, data, new_head=True, validation=str(same)), None)
    assert (len(read.training), len(read.validating)) == (12, 3)
    other = colours(tmp_path / "other", n=1, colours={"blue": (0, 0, 9), "red": (9, 0, 0)})
    with pytest.raises(UsageError, match=r"'green' in .* has the number of 'red'"):
        read_pictures(sources(model, data, new_head=True, validation=str(other)), None)


def test_a_model_that_leaves_sizes_as_they_are_is_refused(data, tmp_path, sight):
    free = replace(sight.classifier, resize_rgb=lambda image: image)
    Image.new("RGB", (30, 60)).save(data.parent / "long.png")
    items = [*open_dataset(str(data)), *open_dataset(str(data.parent))]
    with pytest.raises(UsageError, match="different sizes"):
        sound(items, Sight(free))
