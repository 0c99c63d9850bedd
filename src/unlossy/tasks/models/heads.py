"""What the raw answers of a task network are, so that losses on them need to know nothing else of the network.

A head is one tensor that a network answers with, batch first, before any decoding:

    logits     softmax over `class_dim` gives classes       a classifier, each place of a segmenter, each query of DETR
    scores     0..1, each class for itself (a sigmoid's)    the cells of a one-stage detector
    values     anything else                                boxes, distributions of a box's sides
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

SURE = 0.3
"""Scores from here on are what a detector shows; below lie hundreds of cells that hold nothing."""


@dataclass(frozen=True, slots=True)
class Head:
    """One raw answer of a network.

    Attributes:
        class_dim: The dimension of the classes; of no meaning for values.
        nothing: The number of the class that means "no object", None where there is none.
        weighted_by: For values: the head of classes with the same places in dimension 1. A place counts as much as the
            clean answer is sure that something is there; boxes of empty cells mean nothing.
    """

    kind: Literal["logits", "scores", "values"] = "logits"
    class_dim: int = 1
    nothing: int | None = None
    weighted_by: str | None = None

    def probabilities(self, answer: Tensor) -> Tensor | None:
        """The class probabilities, shaped as the answer; None for values."""
        if self.kind == "values":
            return None
        return answer.softmax(dim=self.class_dim) if self.kind == "logits" else answer

    def something(self, answer: Tensor) -> Tensor | None:
        """How sure each place is that something is there, 0..1: the answer's shape without its classes."""
        found = self.probabilities(answer)
        if found is None:
            return None
        if self.nothing is not None:
            return 1.0 - found.select(self.class_dim, self.nothing)
        return found.amax(dim=self.class_dim) if self.kind == "scores" else torch.ones_like(found).mean(self.class_dim)

    def agreement(self, answer: Tensor, clean: Tensor) -> Tensor | None:
        """How far the answer shows what the clean one shows, 0..1 per picture; None for values.

        Of logits: the share of places with the same likeliest class, without places where both say "nothing". Of
        scores: pairs of place and class that both are sure of, among those that either is. 1 where nothing is left.
        """
        if self.kind == "values":
            return None
        if self.kind == "scores":
            ours, theirs = answer.flatten(1) >= SURE, clean.flatten(1) >= SURE
            return _share(ours & theirs, ours | theirs)
        ours, theirs = (t.argmax(dim=self.class_dim).reshape(len(t), -1) for t in (answer, clean))
        counted = torch.ones_like(ours, dtype=torch.bool)
        if self.nothing is not None:
            nothing = self.nothing % answer.shape[self.class_dim]
            counted = (ours != nothing) | (theirs != nothing)
        return _share((ours == theirs) & counted, counted)


LOGITS: Mapping[str, Head] = {"logits": Head()}
"""The heads of a classifier."""


def _share(of: Tensor, among: Tensor) -> Tensor:
    """Per row the share of marks, 1 in a row without any to choose among."""
    n = among.sum(dim=1)
    return torch.where(n == 0, 1.0, of.sum(dim=1) / n.clamp(min=1))
