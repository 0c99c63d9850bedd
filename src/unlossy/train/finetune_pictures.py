"""What a fine-tuning reads: the model, its labelled pictures, and those held out; refused here what does not fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unlossy.codecs import Codec
from unlossy.core.errors import UsageError
from unlossy.core.tools import digest_of
from unlossy.core.types import Item
from unlossy.datasets import open_dataset
from unlossy.tasks.models.saving import SavableModel, open_savable
from unlossy.train.finetune_corrections import Corrections
from unlossy.train.finetune_data import Sight, class_of, labelled, sound
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
    items = list(open_dataset(sources.data))
    others = None if sources.validation is None else list(open_dataset(sources.validation))
    names = _class_names(items)
    model = open_savable(sources.model, names if sources.new_head else None)
    labelled(items, model.n_classes, sources.data)
    if not sources.new_head:
        _refuse_other_classes(sources, items, model)
    if others is not None:
        labelled(others, model.n_classes, str(sources.validation))
        _refuse_other_names(sources, names, _class_names(others))
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


def _class_names(items: Sequence[Item]) -> list[str]:
    """The class folder's name by class index, or "class 3" where there is none or several."""
    found: dict[int, set[str]] = {}
    for item in items:
        if item.class_index is not None:
            found.setdefault(item.class_index, set()).add(item.groups.get("class", ""))
    names = []
    for index in range(max(found, default=-1) + 1):
        given = found.get(index, set()) - {""}
        names.append(given.pop() if len(given) == 1 else f"class {index}")
    return names if len(set(names)) == len(names) else [f"class {index}" for index in range(len(names))]


def _refuse_other_classes(sources: Sources, items: Sequence[Item], model: SavableModel) -> None:
    """Raises UsageError where folders are numbered 0, 1, 2, ... and are not as many as the model's classes."""
    folder = Path(sources.data)
    n_folders = len({class_of(item) for item in items})
    if folder.is_dir() and not (folder / "labels.csv").is_file() and n_folders != model.n_classes:
        raise UsageError(
            f"{sources.data} has {n_folders} class folders, the model {model.n_classes} classes: which is which? Give "
            "--new-head for a last layer of your own classes, or a labels.csv (file,class_index) with its indices"
        )


def _refuse_other_names(sources: Sources, ours: list[str], theirs: list[str]) -> None:
    differing = [(a, b) for a, b in zip(ours, theirs, strict=False) if a != b]
    if differing:
        raise UsageError(
            f"class folders differ: {differing[0][0]!r} in {sources.data} has the number of {differing[0][1]!r} in "
            f"{sources.validation}. Give both the same folders, or a labels.csv each"
        )
