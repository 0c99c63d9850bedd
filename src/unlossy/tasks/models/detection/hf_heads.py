"""A transformers detector with its raw heads, for task-targeted training; imports torch."""

from typing import Any

from torch import Tensor, nn

from unlossy.tasks.models.differentiable import Trainable
from unlossy.tasks.models.heads import Head

SOFTMAX = ("detr", "table-transformer", "yolos")
"""Model types whose classes share a softmax, the last one meaning "no object"; in the others each has its sigmoid."""


def trainable(network: nn.Module) -> Trainable:
    """The network; its heads are the classes and the boxes of each query."""
    config: Any = network.config
    softmax = config.model_type in SOFTMAX
    classes = Head("logits", class_dim=2, nothing=int(config.num_labels)) if softmax else Head("scores", class_dim=2)

    def pick(output: Any) -> dict[str, Tensor]:  # noqa: ANN401 (transformers' own)
        return {"classes": output.logits if softmax else output.logits.sigmoid(), "boxes": output.pred_boxes}

    return Trainable(network, pick, {"classes": classes, "boxes": Head("values", class_dim=2, weighted_by="classes")})
