"""ONNX recognisers: CTC by hand, layouts, fixed batches, and a JSON that does not fit."""

import json

import numpy as np
import pytest

from tests.tasks.text.small_readers import ALPHABET, HEIGHT, column_reader, facts_json, picture_of
from unlossy.core.errors import ModelError, TooLargeError, UsageError
from unlossy.tasks.models.text.ctc import greedy
from unlossy.tasks.models.text.registry import load_reader


@pytest.fixture
def reader(tmp_path):
    def load(graph=(), **overrides):
        file = tmp_path / "small.onnx"
        column_reader(file, **dict(graph))
        file.with_suffix(".json").write_text(json.dumps(facts_json(**overrides)))
        return load_reader(f"onnx:{file}", threads=1)

    return load


def read(reader, pictures):
    return reader.read([reader.normalise(reader.resize(picture)) for picture in pictures])


def test_ctc_merges_repeats_drops_blanks_and_tells_how_sure_it_is():
    likely = np.array([[9, 0, 0], [0, 8, 0], [0, 4, 0], [9, 0, 0], [0, 8, 0], [0, 0, 2]], np.float32)
    reading = greedy(likely, ("", "x", "yz"), blank=0, kind="logits")
    assert reading.text == "xxyz"
    sure = [np.exp(n) / (np.exp(n) + 2) for n in (8, 8, 2)]
    assert reading.confidence == pytest.approx(np.mean(sure), rel=1e-6)
    assert greedy(likely[:1], ("", "x", "yz"), blank=0, kind="logits").confidence is None
    sure_of_last = np.array([[0.1, 0.9, 0], [0.6, 0.2, 0.2]], np.float32)
    found = greedy(sure_of_last, ("a", "", "b"), blank=1, kind="probabilities")
    assert (found.text, found.confidence) == ("a", pytest.approx(0.6))


def test_without_a_gap_equal_characters_merge(reader):
    assert read(reader(), [picture_of("AAB", gap=0)])[0].text == "AB"


@pytest.mark.parametrize("graph", [{"steps_first": False}, {"batch": 1}, {"batch": 4}])
def test_axes_and_fixed_batches(reader, graph):
    axes = "tbk" if graph.get("steps_first", True) else "btk"
    found = reader(graph, outputs=[{"name": "logits", "kind": "logits", "axes": axes}])
    texts = ["CAB", "BAC", "ABC", "GAG", "FAD", "A"]
    assert [one.text for one in read(found, map(picture_of, texts))] == texts


def test_a_blank_at_the_end(reader):
    # the classes' greys stay: the first is what was the blank, the last what was G
    found = reader(alphabet="-ABCDEF", decoder={"name": "ctc", "blank": -1})
    assert read(found, [picture_of("AGGB")])[0].text == "-A---B-"


def test_the_height_is_the_networks_and_the_width_follows(reader):
    found = reader()
    assert found.resize(picture_of("ABC", height=2 * HEIGHT)).shape == (HEIGHT, round(17 / 2), 3)
    wide = reader({"width": 40}, size_hw=[HEIGHT, 40])
    assert wide.resize(picture_of("ABC")).shape == (HEIGHT, 40, 3)
    assert (wide.resize(picture_of("ABC"))[:, 17:] == 127).all()
    assert wide.resize(picture_of("ABCDEFGABC")).shape == (HEIGHT, 40, 3)
    with pytest.raises(TooLargeError, match="sliver"):
        found.resize(np.zeros((1, 3000, 3), np.uint8))


def test_normalised_numbers_are_those_of_the_json(reader):
    colour = np.array([[[255, 0, 51]]], np.uint8)
    grey = reader(scale="0..1", mean=[0.5], std=[0.25]).normalise(colour)
    np.testing.assert_allclose(grey, [[[(0.299 + 0.114 * 0.2 - 0.5) / 0.25]]], rtol=1e-6)


@pytest.mark.parametrize(
    ("overrides", "finding"),
    [
        ({"alphabet": ""}, '"alphabet"'),
        ({"alphabet": ["A", 1]}, '"alphabet"'),
        ({"alphabet": "ABC"}, "8 classes, its JSON 3 characters"),
        ({"decoder": {"name": "ctc", "blank": 9}}, '"blank" is 9'),
        ({"decoder": {"name": "ctc"}}, '"blank"'),
        ({"decoder": {"name": "attention", "blank": 0}}, '"name"'),
        ({"outputs": [{"kind": "logits"}]}, '"axes"'),
        ({"task": "classification"}, '"task"'),
        ({"channels": "RGB"}, "the graph's input"),
        ({"size_hw": [16, None]}, "the graph's input"),
        ({"size_hw": [None, 8]}, '"size_hw"'),
        ({"resize": {"rule": "letterbox"}}, '"rule"'),
        ({"std": [0.0]}, '"std"'),
    ],
)
def test_a_json_that_does_not_fit_is_refused(reader, overrides, finding):
    with pytest.raises(UsageError) as caught:
        reader(**overrides)
    assert finding in str(caught.value)
    assert "small." in str(caught.value)


def test_axes_stated_the_wrong_way_round_are_found_out(reader):
    found = reader(outputs=[{"kind": "logits", "axes": "btk"}])
    with pytest.raises(ModelError, match="are the axes right"):
        read(found, [picture_of("ABC"), picture_of("BCA")])


def test_other_forms_are_listed():
    for spec in ("onnx:", "hf:trocr", "tesseract", ""):
        with pytest.raises(UsageError, match="py:MODULE:CALLABLE"):
            load_reader(spec)
    with pytest.raises(UsageError, match="at least 1"):
        load_reader("py:a:b", threads=0)


def test_gradients_go_through_a_stretched_graph(reader):
    torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
    pytest.importorskip("onnx2torch", reason="the extra `onnx2torch` is not installed")
    found = reader({"width": 40}, size_hw=[HEIGHT, 40], resize={"rule": "stretch", "filter": "nearest"})
    trainable = found.trainable()
    strip = torch.full((2, 1, HEIGHT, 40), 31.0, requires_grad=True)
    logits = trainable.pick(trainable.network(strip))["logits"]
    assert logits.shape == (2, len(ALPHABET) + 1, 40)
    assert logits.argmax(dim=1).unique().tolist() == [1]
    logits[:, 1].sum().backward()
    # -(31 - 30)^2 / 100 over the mean of 8 rows: -2 * 1 / 100 / 8 for each pixel
    torch.testing.assert_close(strip.grad, torch.full_like(strip, -0.02 / HEIGHT))


def test_gradients_through_strips_of_free_width_are_refused(reader):
    with pytest.raises(UsageError, match="stretch"):
        reader().trainable()
