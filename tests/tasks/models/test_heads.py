"""What raw heads show, and networks that want their pictures another way."""

import pytest

torch = pytest.importorskip("torch", reason="gradients need torch")

from unlossy.tasks.models.fed import ChannelsLast, FixedBatch  # noqa: E402
from unlossy.tasks.models.heads import Head  # noqa: E402


def test_scores_agree_in_the_sure_pairs_of_place_and_class():
    clean = torch.tensor([[[0.9, 0.1], [0.0, 0.5]], [[0.1, 0.1], [0.2, 0.0]]])
    found = torch.tensor([[[0.8, 0.4], [0.0, 0.1]], [[0.2, 0.0], [0.1, 0.1]]])
    assert Head("scores", 2).agreement(found, clean).tolist() == pytest.approx([1 / 3, 1.0])
    assert Head("scores", 2).agreement(clean, clean).tolist() == [1.0, 1.0]


def test_logits_agree_in_the_likeliest_class_and_nothing_is_no_class_to_agree_in():
    clean = torch.tensor([[[0.0, 9.0], [9.0, 0.0], [9.0, 0.0], [0.0, 9.0]]])
    found = torch.tensor([[[0.0, 9.0], [9.0, 0.0], [0.0, 9.0], [0.0, 9.0]]])
    assert float(Head("logits", 2).agreement(found, clean)) == 0.75
    assert float(Head("logits", 2, nothing=-1).agreement(found, clean)) == 0.5
    assert float(Head("logits", 2, nothing=-1).agreement(found[:, :1], clean[:, :1])) == 1.0
    assert Head("values").agreement(found, clean) is None


def test_a_place_is_as_sure_as_its_classes_say():
    scores = torch.tensor([[[0.9, 0.1], [0.0, 0.5]]])
    assert Head("scores", 2).something(scores).tolist() == [[pytest.approx(0.9), 0.5]]
    logits = torch.tensor([[[0.0, 0.0], [0.0, 50.0]]])
    assert Head("logits", 2, nothing=-1).something(logits).tolist() == [[0.5, 0.0]]
    assert Head("logits", 2).something(logits).tolist() == [[1.0, 1.0]]
    assert Head("values").something(logits) is None


class Fixed(torch.nn.Module):
    """Answers two pictures at a time, in a list of a tensor and a mapping."""

    def forward(self, images):
        assert len(images) == 2
        return [images.mean(dim=(2, 3)), {"double": 2 * images}]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_fixed_batch_is_called_as_often_as_it_takes_and_gradients_go_through(n):
    images = torch.rand(n, 3, 4, 4, requires_grad=True)
    means, other = FixedBatch(Fixed(), 2)(images)
    assert torch.equal(means, images.mean(dim=(2, 3)))
    assert torch.equal(other["double"], 2 * images)
    other["double"].sum().backward()
    assert torch.equal(images.grad, torch.full_like(images, 2.0))


def test_channels_last_hands_over_the_same_pictures():
    images = torch.rand(2, 3, 4, 5)
    assert torch.equal(ChannelsLast(torch.nn.Identity())(images), images.permute(0, 2, 3, 1))
