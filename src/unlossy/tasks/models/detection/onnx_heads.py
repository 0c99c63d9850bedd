"""An ONNX detector's graph as a torch network with its raw heads, for task-targeted training; imports torch.

nanodet     each class output (scores), each distribution of sides (values, weighted by the scores of its stride)
yolo        the one output in two: scores, and boxes weighted by them
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from unlossy.tasks.models.detection.facts import DetectorFacts
from unlossy.tasks.models.differentiable import Trainable
from unlossy.tasks.models.fed import ChannelsLast
from unlossy.tasks.models.heads import Head
from unlossy.tasks.models.onnx_torch import converted

Pick = Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]


def trainable(
    path: Path, facts: DetectorFacts, order: Sequence[str], spec: str, *, channels_last: bool
) -> Trainable | None:
    """The network and its heads; `order` names the graph's outputs. None where the decoder's outputs are final boxes.

    Raises:
        MissingDependency: onnx2torch is not installed.
        UsageError: it cannot convert the graph.
    """
    if facts.decoder not in HEADS:
        return None
    pick, heads = HEADS[facts.decoder](facts)
    module = converted(path, spec)

    def named(answer: Any) -> Mapping[str, Tensor]:  # noqa: ANN401 (a tensor or a list of them)
        parts = [answer] if isinstance(answer, Tensor) else list(answer)
        return pick(dict(zip(order, parts, strict=True)))

    return Trainable(ChannelsLast(module) if channels_last else module, named, heads)


def _nanodet(facts: DetectorFacts) -> tuple[Pick, Mapping[str, Head]]:
    classes = {facts.outputs[place].stride: facts.outputs[place].name for place in facts.places("class_scores")}
    heads = {name: Head("scores", class_dim=2) for name in classes.values()}
    for place in facts.places("box_distribution"):
        output = facts.outputs[place]
        heads[output.name] = Head("values", class_dim=2, weighted_by=classes[output.stride])
    return lambda answers: {name: answers[name] for name in heads}, heads


def _yolo(facts: DetectorFacts) -> tuple[Pick, Mapping[str, Head]]:
    (place,) = facts.places("predictions")
    name, n_classes = facts.outputs[place].name, len(facts.labels or facts.category_ids or ())

    def pick(answers: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        values = answers[name]
        places = values if values.shape[2] == 4 + n_classes else values.transpose(1, 2)
        return {"scores": places[:, :, 4:], "boxes": places[:, :, :4]}

    return pick, {"scores": Head("scores", class_dim=2), "boxes": Head("values", class_dim=2, weighted_by="scores")}


HEADS: Mapping[str, Callable[[DetectorFacts], tuple[Pick, Mapping[str, Head]]]] = {"nanodet": _nanodet, "yolo": _yolo}
