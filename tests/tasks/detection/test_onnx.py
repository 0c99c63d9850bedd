"""onnx: batches fixed and free, what is refused, and NanoDet on real photographs."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tests.tasks.detection.small_detectors import facts_json, rectangle, rectangle_onnx
from unlossy.codecs import decode_source
from unlossy.core.errors import UsageError
from unlossy.datasets import open_dataset
from unlossy.datasets.base import categories_of
from unlossy.tasks.models.detection.registry import load_detector
from unlossy.tasks.registry import load_task

DATA = Path(__file__).parents[4] / "shared" / "data"
NANODET = DATA / "models" / "nanodet_m_coco.onnx"

needs_data = pytest.mark.skipif(not NANODET.is_file(), reason="needs ../shared/data (nanodet, coco)")


@pytest.fixture
def saved(tmp_path):
    def spec_of(batch="batch", size_hw=(120, 180), **overrides):
        rectangle_onnx(tmp_path / "m.onnx", size_hw, batch)
        (tmp_path / "m.json").write_text(json.dumps(facts_json(**overrides)))
        return f"onnx:{tmp_path / 'm.onnx'}"

    return spec_of


@pytest.mark.parametrize("batch", [1, 3, "batch"])
def test_any_number_of_pictures_goes_through_any_batch(saved, batch):
    detector = load_detector(saved(batch), threads=1)
    boxes = [(x, 10, x + 20, 40) for x in (5, 15, 25, 35)]
    found = detector.detect([detector.prepare(rectangle(box=box)) for box in boxes])
    np.testing.assert_allclose([one.boxes_xyxy[0] for one in found], boxes, atol=1.0)


def test_a_letterboxed_picture_is_found_where_it_was(saved):
    letterbox = {"rule": "letterbox", "filter": "nearest", "fill": 0}
    detector = load_detector(saved(resize=letterbox), threads=1)
    (found,) = detector.detect([detector.prepare(rectangle(60, 200, (150, 20, 190, 50)))])
    np.testing.assert_allclose(found.boxes_xyxy, [(150, 20, 190, 50)], atol=1.5)


@pytest.mark.parametrize(
    ("overrides", "finding"),
    [
        ({"outputs": [{"name": n, "kind": n} for n in ("boxes", "scores", "classes")]}, "'classes'.*outputs 'boxes'"),
        ({"size_hw": (64, 64)}, r"graph's input is \['batch', 3, 64, 64\], the JSON says NCHW, size_hw \(120, 180\)"),
        ({"decoder": {"name": "yolo"}}, r'm\.json: the decoder "yolo" needs one output of the kind "predictions"'),
        (
            {
                "outputs": [
                    *({"name": n, "kind": n} for n in ("boxes", "scores", "labels")),
                    {"name": "labels", "kind": "x"},
                ]
            },
            r"the kind of the output 'labels' is \"x\", not boxes or scores or labels",
        ),
        (
            {
                "outputs": [
                    {"name": n, "kind": k} for n, k in (("scores", "boxes"), ("boxes", "scores"), ("labels", "labels"))
                ]
            },
            r"m\.json: the model answered with shape",
        ),
    ],
)
def test_a_json_that_does_not_fit_the_graph_is_refused(saved, overrides, finding):
    with pytest.raises(UsageError, match=finding):
        load_detector(saved(**overrides))


def test_a_missing_json_shows_a_minimal_one(saved, tmp_path):
    spec = saved()
    (tmp_path / "m.json").unlink()
    with pytest.raises(UsageError, match=r"m\.json is missing beside it(.|\n)*\"decoder\""):
        load_detector(spec)


def test_the_minimal_json_is_one(saved, tmp_path):
    from unlossy.tasks.models.detection.facts import MINIMAL

    spec = saved(size_hw=(640, 640))
    (tmp_path / "m.json").write_text(MINIMAL)
    detector = load_detector(spec, threads=1)
    (found,) = detector.detect([detector.prepare(rectangle(320, 320, (100, 40, 200, 140)))])
    np.testing.assert_allclose(found.boxes_xyxy, [(100, 40, 200, 140)], atol=1.0)


def test_the_digest_is_of_weights_and_settings(saved):
    one, same = load_detector(saved()).digest, load_detector(saved()).digest
    other = load_detector(saved(decoder={"name": "detections", "score_threshold": 0.4})).digest
    assert one == same != other


@needs_data
@pytest.mark.data
def test_nanodet_reaches_its_reference():
    """All 48 pictures give the 0.260/0.495 of the data's README; these are pycocotools' figures for the first 12."""
    dataset = open_dataset(str(DATA / "coco" / "val"), targets="objects")
    task = load_task("detection", f"onnx:{NANODET}", categories=categories_of(dataset))
    scores = []
    for item in islice(dataset, 12):
        (answer,) = task.predict([task.prepare(decode_source(item.blob.all()))])
        scores.append(task.yardstick.score(answer, item.target))
    found = task.yardstick.summarise(scores)
    assert (found["ap"], found["ap50"], found["ap75"]) == pytest.approx((0.33563, 0.58388, 0.37371), abs=2e-3)


@needs_data
@pytest.mark.data
def test_nanodets_torch_network_has_its_six_heads():
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx2torch")
    detector = load_detector(f"onnx:{NANODET}", threads=1)
    picture = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    prepared = detector.prepare(picture).pixels
    found = detector.trainable()
    with torch.inference_mode():
        heads = found.pick(found.network(torch.from_numpy(np.stack([prepared, prepared[:, ::-1].copy()]))))
    expected = detector.answer.network.call(prepared[None])
    for name, values in zip(detector.answer.network.output_names, expected, strict=True):
        assert heads[name].shape == (2, *values.shape[1:])
        np.testing.assert_allclose(heads[name][:1].numpy(), values, atol=2e-3)
    assert {head.kind for head in found.heads.values()} == {"scores", "values"}
    assert found.heads["817"].weighted_by == "814"
