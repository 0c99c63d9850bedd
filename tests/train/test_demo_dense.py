import json
from importlib import resources

import numpy as np
import onnxruntime
import pytest
import torch

from unlossy.core.errors import MissingDependency
from unlossy.datasets.scenes.labels import OBJECT_CATEGORIES, PIXEL_CATEGORIES
from unlossy.datasets.synthetic import SyntheticDataset
from unlossy.tasks.registry import load_task
from unlossy.train import demo_dense
from unlossy.train.demo_dense_files import KINDS, REG_MAX, STRIDE, Settings
from unlossy.train.demo_dense_losses import detection_loss, fit, overlaps, responsible, segmentation_loss
from unlossy.train.demo_dense_network import DemoDetector, DemoSegmenter, boxes_of, centres, export
from unlossy.train.demo_dense_scenes import DenseScenes, render_dense_scenes
from unlossy.train.demo_network import normalise

WEIGHTS = resources.files("unlossy.tasks.models") / "weights"
NETWORKS = {"detection": DemoDetector, "segmentation": DemoSegmenter}
CATEGORIES = {"detection": OBJECT_CATEGORIES, "segmentation": PIXEL_CATEGORIES}


@pytest.fixture(scope="module")
def scenes():
    return render_dense_scenes(1, 8, 64, 1)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("kind", KINDS)
def test_two_steps_of_the_command_give_three_files_that_hold_their_promises(kind, tmp_path, capsys):
    options = ["--steps", "2", "--n-training", "4", "--n-evaluation", "2", "--size", "64", "-o", str(tmp_path / "made")]
    assert demo_dense.main([kind, *options]) == 0
    name = KINDS[kind].name
    told = json.loads(capsys.readouterr().out)
    assert set(told["figures"]) == {"clean", "jpeg:90", "jpeg:70", "jpeg:50", "jpeg:30", "jpeg:20", "jpeg:10"}
    assert set(told["figures"]["clean"]) == set(KINDS[kind].figures)
    assert {path.name for path in (tmp_path / "made").iterdir()} == {f"{name}.onnx", f"{name}.json", f"{name}.md"}
    document = json.loads((tmp_path / "made" / f"{name}.json").read_text())
    session = onnxruntime.InferenceSession(
        str(tmp_path / "made" / document["file"]), providers=["CPUExecutionProvider"]
    )
    (entry,) = session.get_inputs()
    assert (entry.name, entry.shape[1:]) == ("pixel_values", [3, *document["input"]["size_hw"]])
    pictures = np.zeros((3, 3, 64, 64), np.float32)
    for stated, found in zip(document["outputs"], session.run(None, {"pixel_values": pictures}), strict=True):
        assert list(found.shape) == [3, *stated["shape"][1:]]
    assert document["labels"] == list(CATEGORIES[kind].values())
    card = (tmp_path / "made" / f"{name}.md").read_text()
    for part in ("| clean |", "| JPEG 10 |", "Apache-2.0", f"demo_dense {kind} --seed 0 --steps 2"):
        assert part in card


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_answers_as_the_network_does(kind, scenes, tmp_path):
    torch.manual_seed(3)
    network = NETWORKS[kind](len(CATEGORIES[kind])).eval()
    export(network, 64, KINDS[kind].outputs, tmp_path / "x.onnx")
    images = normalise(scenes.images[:3])
    with torch.inference_mode():
        answer = network(torch.from_numpy(images))
    expected = answer if isinstance(answer, tuple) else (answer,)
    session = onnxruntime.InferenceSession(str(tmp_path / "x.onnx"), providers=["CPUExecutionProvider"])
    for found, wanted in zip(session.run(None, {"pixel_values": images}), expected, strict=True):
        assert np.abs(found - wanted.numpy()).max() <= 1e-4


def test_boxes_lie_around_their_cells_at_the_distances_told():
    sides = torch.full((1, 64, 4, REG_MAX + 1), -30.0)
    sides[..., 0, 1], sides[..., 1, 2], sides[..., 2, 3] = 0.0, 0.0, 0.0  # left 1, top 2, right 3 strides
    sides[..., 3, 4] = sides[..., 3, 5] = 0.0  # bottom: half and half 4 and 5
    found = boxes_of(sides.flatten(2), 64)[0]
    assert centres(64)[:2].tolist() == [[3.5, 3.5], [11.5, 3.5]]
    assert found[9].tolist() == pytest.approx([11.5 - 8, 11.5 - 16, 11.5 + 24, 11.5 + 36], abs=1e-3)


def test_overlaps_of_boxes_worked_out_by_hand():
    found = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    wanted = torch.tensor([[0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0], [2.0, 0.0, 3.0, 1.0]])
    iou, giou = overlaps(found, wanted)
    assert iou.tolist() == pytest.approx([1.0, 1 / 3, 0.0])
    assert giou.tolist() == pytest.approx([1.0, 1 / 3, -1 / 3])


def test_the_cells_around_a_centre_answer_and_the_smaller_object_wins():
    boxes = torch.tensor([[[8.0, 8.0, 56.0, 56.0], [24.0, 24.0, 40.0, 40.0], [0.0, 0.0, 0.0, 0.0]]])
    image, cell, which = responsible(boxes, torch.tensor([[5, 7, -1]]), 64)
    assert set(image.tolist()) == {0}
    at = centres(64)[cell]
    small = which == 1
    assert ((at[small] > 24) & (at[small] < 40)).all()
    assert small.sum() == 4  # centres 27.5 and 35.5 in either direction
    assert (which[~small] == 0).all()
    assert ((at - 32).abs() < 1.5 * STRIDE).all()


def test_a_perfect_answer_costs_next_to_nothing():
    picture = np.zeros((1, 64, 64, 3), np.uint8)
    box = np.array([[[19.5, 19.5, 43.5, 43.5]]], np.float32)  # whole strides from the cells around its middle
    scenes = DenseScenes(picture, np.zeros((1, 64, 64), np.uint8), box, np.array([[2]]))
    image, cell, _ = responsible(torch.from_numpy(box), torch.tensor([[2]]), 64)
    scores, sides = torch.full((1, 64, 16), -12.0), torch.full((1, 64, 4, REG_MAX + 1), -30.0)
    scores[image, cell, 2] = 12.0
    at = centres(64)[cell]
    distances = torch.cat((at - torch.tensor(box[0, 0, :2]), torch.tensor(box[0, 0, 2:]) - at), 1) / STRIDE
    for n, row in zip(cell, distances, strict=True):
        sides[0, n, range(4), row.round().long()] = 0.0
    perfect = detection_loss((scores, sides.flatten(2)), scenes)
    assert float(perfect) < 0.01
    wrong_class = scores.roll(1, 2)
    assert float(detection_loss((wrong_class, sides.flatten(2)), scenes)) > 5
    assert float(detection_loss((scores, sides.roll(1, 3).flatten(2)), scenes)) > float(perfect) + 1


def test_mirrored_scenes_keep_boxes_on_their_subjects(scenes):
    drawn = scenes.draw(np.random.default_rng(0), 24)
    turned = 0
    for image, label_map, boxes, classes in zip(
        drawn.images, drawn.label_maps, drawn.boxes_xyxy, drawn.classes, strict=True
    ):
        turned += not any(np.array_equal(image, original) for original in scenes.images)
        for box, class_index in zip(boxes[classes >= 0], classes[classes >= 0], strict=True):
            x0, y0, x1, y1 = map(int, box)
            ys, xs = np.nonzero(label_map[y0:y1, x0:x1] == class_index + 1)
            assert (ys.min(), xs.min()) == (0, 0)
            assert (ys.max(), xs.max()) == (y1 - y0 - 1, x1 - x0 - 1)
    assert 4 < turned < 20


@pytest.mark.parametrize("kind", KINDS)
def test_training_lowers_the_loss_and_the_seed_decides_it(kind, scenes):
    def trained(seed):
        torch.manual_seed(seed)
        losses = []
        network = NETWORKS[kind](len(CATEGORIES[kind]))
        loss_of = detection_loss if kind == "detection" else segmentation_loss
        fit(network, loss_of, scenes, steps=6, seed=seed, report=lambda step, loss: losses.append(loss))
        with torch.no_grad():
            answer = network.train()(torch.from_numpy(normalise(scenes.images)))
            return losses[0], float(loss_of(answer, scenes))

    mean, last = trained(0)
    assert last < mean
    assert trained(0) == (mean, last)


def test_without_torch_the_command_names_the_extra(monkeypatch, tmp_path, capsys):
    def absent(module, extra, needed_for):
        raise MissingDependency(module, extra, needed_for)

    monkeypatch.setattr(demo_dense, "require", absent)
    assert demo_dense.main(["detection", "-o", str(tmp_path)]) == 4
    assert "train" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "metric", "least"), [("detection", "ap50", 0.6), ("segmentation", "miou", 0.6)])
def test_the_shipped_file_does_on_unseen_scenes_what_its_card_says(kind, metric, least):
    settings = Settings(steps=0, n_evaluation=16)
    task, data = KINDS[kind].task, SyntheticDataset(1, targets="objects" if kind == "detection" else "label_map")
    with resources.as_file(WEIGHTS / f"{KINDS[kind].name}.onnx") as file:
        assert file.stat().st_size < 1_000_000
        curve = demo_dense.measured(KINDS[kind], file, settings, "jpeg:10")
    assert curve["clean"][metric] > least
    assert curve["jpeg:10"][metric] < 0.8 * curve["clean"][metric]
    assert load_task(task, "onnx:demo", categories=data.categories).model_spec == "onnx:demo"
