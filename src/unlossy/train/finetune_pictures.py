"""What a fine-tuning reads: the model, its labelled pictures, and those held out; refused here what does not fit."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from unlossy.codecs import Codec
from unlossy.core.errors import UsageError
from unlossy.core.tools import digest_of
from unlossy.core.types import Item
from unlossy.tasks.models.saving import SavableModel, open_savable
from unlossy.train.finetune_corrections import Corrections
from unlossy.train.finetune_data import Sight, class_of, labelled, sound
from unlossy.train.finetune_place import read_place, refuse_other_count, refuse_other_names
from unlossy.train.finetune_validation import held_out


@dataclass(frozen=True, slots=True)
class Sources:
    """Where model and pictures come from; see `FinetuneSettings`."""

    model: str
    data: str
    validation: str | None = None
    held_out: float = 0.1
    new_head: bool = False
    batch_size: int = 32


@dataclass(frozen=True, slots=True)
class Pictures:
    """A model, and pictures with classes it has, all of which can be read."""

    model: SavableModel
    sight: Sight
    training: list[Item]
    validating: list[Item]
    n_left_out: int

    @property
    def digest(self) -> str:
        """SHA-256 of what was read: the model, keys and classes."""
        keys = [[(item.key, class_of(item)) for item in items] for items in (self.training, self.validating)]
        return digest_of([self.model.classifier.digest, self.model.labels, keys])


def read_pictures(sources: Sources, corrections: Corrections | None, codecs: Sequence[Codec] = ()) -> Pictures:
    """The model and the pictures; those that cannot be read, or that a codec refuses, are named on stderr.

    Raises:
        UsageError: no such model or folder, a model that cannot be saved, labels that do not fit, too few pictures.
    """
    place = read_place(sources.data)
    other = None if sources.validation is None else read_place(sources.validation)
    model = open_savable(sources.model, place.names if sources.new_head else None)
    place = place if sources.new_head else place.in_classes_of(model)
    labelled(place.items, model.n_classes, place.where)
    if not sources.new_head:
        refuse_other_count(place, model)
    if other is not None:
        other = other if sources.new_head else other.in_classes_of(model)
        labelled(other.items, model.n_classes, other.where)
        refuse_other_names(place, other)
    for remark in [one.remark for one in (place, other) if one is not None and one.remark]:
        print(remark, file=sys.stderr)
    items, others = place.items, None if other is None else other.items
    sight = Sight(model.classifier, corrections)
    whole = sound([*items, *(others or [])], sight, codecs)
    there = set(map(id, whole))
    kept = [item for item in items if id(item) in there]
    validating = None if others is None else [item for item in others if id(item) in there]
    training, out = held_out(kept, sources.held_out) if validating is None else (kept, validating)
    if not out:
        raise UsageError(f"{sources.validation}: no picture there can be read; validation wants some")
    if len(training) < sources.batch_size:
        raise UsageError(
            f"{len(training)} pictures to train on are fewer than a batch of {sources.batch_size}: give more, or lower "
            "--batch"
        )
    return Pictures(model, sight, training, out, len(items) + len(others or []) - len(whole))
