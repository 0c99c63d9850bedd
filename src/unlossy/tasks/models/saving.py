"""Classifiers that can be trained and saved back in their own format, so that a model SPEC opens them again.

hf            FOLDER/model/: save_pretrained, and the image processor's file as it was       hf:FOLDER/model
timm          FOLDER/model.safetensors                                                      timm:NAME@FILE
torchvision   FOLDER/model.safetensors, and its JSON with input and labels                  torchvision:NAME@FILE

A new head keeps every tensor whose shape does not depend on the number of classes; the rest starts at random, as the
library starts it. Weights are replaced in one move, so there is never half a file.
"""

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.tasks.models import hf_parts, torchvision
from unlossy.tasks.models.base import Classifier
from unlossy.tasks.models.facts import stated_file
from unlossy.tasks.models.hub import hub_folder
from unlossy.tasks.models.registry import load_classifier
from unlossy.tasks.models.safetensors_file import split_name

WEIGHTS = "model.safetensors"

REFUSED = {
    "onnx": "an ONNX graph is made for answering, and nothing writes it back after training. Fine-tune the network "
    "that it was exported from (hf:, timm: or torchvision:) and export again",
    "py": "only its author knows how a callable is saved. Give the network inside it as hf:, timm: or torchvision:",
}


@dataclass(frozen=True, slots=True, eq=False)
class SavableModel:
    """A classifier whose network may be trained.

    Attributes:
        classifier: as `--model` opens it; its preprocessing is the trained model's too.
        network: on the CPU, every parameter wants its gradient; a new head is in it.
        pick: takes the logits (b k) out of what the network returns in evaluation.
        labels: class names in the order of the outputs, None when unknown.
        save: writes a network of that kind into a folder, its weights in one move.
        saved_as: the SPEC that opens what `save` wrote into a folder.
    """

    classifier: Classifier
    network: nn.Module
    pick: Callable[[Any], Tensor]
    n_classes: int
    labels: tuple[str, ...] | None
    save: Callable[[nn.Module, Path], None]
    saved_as: Callable[[Path], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One library: a network with another head, how it is saved, and the SPEC of what was saved.

    `with_head` takes a network, the SPEC's NAME and labels; `save` a network, labels, NAME and folder; `saved_as` NAME
    and folder.
    """

    with_head: Callable[[nn.Module, str, Sequence[str]], nn.Module]
    save: Callable[[nn.Module, tuple[str, ...] | None, str, Path], None]
    saved_as: Callable[[str, Path], str]


def open_savable(spec: str, new_head: Sequence[str] | None = None) -> SavableModel:
    """The classifier of a model SPEC for training; `new_head` are the names of the classes of a new last layer.

    Raises:
        UsageError: gradients cannot go through it, or it cannot be saved in its own format.
        MissingDependency: what that kind of model needs is not installed.
    """
    prefix, _, name = spec.partition(":")
    if prefix in REFUSED:
        raise UsageError(f"{spec}: cannot be fine-tuned: {REFUSED[prefix]}")
    classifier = load_classifier(spec)
    trainable = getattr(classifier, "trainable", None)
    found = None if trainable is None else trainable()
    if found is None or prefix not in KINDS or classifier.n_classes is None:
        raise UsageError(f"{spec}: cannot be fine-tuned: gradients cannot go through it, or its format is not known")
    kind, network, labels = KINDS[prefix], found.network, classifier.labels
    if new_head is not None:
        network, labels = kind.with_head(network, name, new_head), tuple(new_head)
    return SavableModel(
        classifier=classifier,
        network=network.requires_grad_(requires_grad=True),
        pick=found.pick,
        n_classes=len(new_head) if new_head is not None else classifier.n_classes,
        labels=labels,
        save=lambda trained, folder: kind.save(trained, labels, name, folder),
        saved_as=lambda folder: kind.saved_as(name, folder),
    )


def _grafted(old: nn.Module, new: nn.Module) -> nn.Module:
    """The new network with every tensor of the old one that it has in the same shape."""
    wanted = new.state_dict()
    kept = {key: value for key, value in old.state_dict().items() if key in wanted and wanted[key].shape == value.shape}
    new.load_state_dict(kept, strict=False)
    return new


def _hf_with_head(network: nn.Module, _name: str, labels: Sequence[str]) -> nn.Module:
    config: Any = copy.deepcopy(network.config)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    build: Any = type(network)
    return _grafted(network, build(config))


def _timm_with_head(network: nn.Module, _name: str, labels: Sequence[str]) -> nn.Module:
    reset: Any = network.reset_classifier
    reset(len(labels))
    return network


def _torchvision_with_head(network: nn.Module, name: str, labels: Sequence[str]) -> nn.Module:
    models = require("torchvision.models", "torchvision", f"torchvision:{name}")
    model, _ = split_name(name)
    new: nn.Module = models.get_model(model, weights=None, num_classes=len(labels), **torchvision.options(model))
    return _grafted(network, new)


def _save_hf(network: nn.Module, _labels: tuple[str, ...] | None, name: str, folder: Path) -> None:
    source, target, partial = Path(name).expanduser(), folder / "model", folder / "model.part"
    if not source.is_dir():
        source = hub_folder(name, hf_parts.PATTERNS, "*.safetensors")
    target.mkdir(parents=True, exist_ok=True)
    for file in source.glob("*processor_config.json"):
        shutil.copyfile(file, target / file.name)
    shutil.rmtree(partial, ignore_errors=True)
    pretrained: Any = network
    with _without_bar():
        pretrained.save_pretrained(partial, state_dict=_tensors(network))
    for file in sorted(partial.iterdir()):
        _share(file)
        file.replace(target / file.name)
    partial.rmdir()


@contextmanager
def _without_bar() -> Iterator[None]:
    """Keeps transformers' bar of a single shard off the user's stderr, where ours stands."""
    logging = require("transformers", "hf", "saving a transformers model").utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _save_timm(network: nn.Module, _labels: tuple[str, ...] | None, _name: str, folder: Path) -> None:
    _save_weights(network, folder)


def _save_torchvision(network: nn.Module, labels: tuple[str, ...] | None, name: str, folder: Path) -> None:
    model, source = split_name(name)
    file = folder / WEIGHTS
    beside = None if source is None else source.with_suffix(".json")
    if source is not None and beside is not None and stated_file(beside) == source.name:
        facts = json.loads(beside.read_text("utf-8"))
    else:
        facts = _torchvision_facts(model)
    told = {"labels": list(labels)} if labels is not None else {}
    facts = {key: value for key, value in facts.items() if key != "labels"} | {"file": file.name} | told
    _save_weights(network, folder)
    file.with_suffix(".json").write_text(json.dumps(facts, indent=1), "utf-8")


def _torchvision_facts(model: str) -> dict[str, Any]:
    """The input of an architecture's default weights, in the format of `facts`."""
    models = require("torchvision.models", "torchvision", f"torchvision:{model}")
    preset = models.get_model_weights(model).DEFAULT.transforms()
    crop, edge = int(preset.crop_size[0]), int(preset.resize_size[0])
    resize = {"rule": "shortest_edge", "edge": edge, "filter": preset.interpolation.value, "then": "center_crop"}
    image = {"channels": "RGB", "scale": "0..1", "mean": list(preset.mean), "std": list(preset.std)}
    return {
        "task": "classification",
        "input": {**image, "size_hw": [crop, crop], "resize": resize},
        "outputs": [{"name": "logits", "kind": "logits"}],
    }


def _save_weights(network: nn.Module, folder: Path) -> None:
    save_file = require("safetensors.torch", "train", "saving weights").save_file
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / WEIGHTS
    partial = target.with_name(target.name + ".part")
    save_file(_tensors(network), str(partial), metadata={"format": "pt"})
    _share(partial)
    partial.replace(target)


def _share(file: Path) -> None:
    """Nothing; the file is open to whom the user's new files are: safetensors leaves it to its owner alone."""
    umask = os.umask(0)
    os.umask(umask)
    file.chmod(0o666 & ~umask)


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """The network's tensors, each with its own memory in the plain layout, as safetensors wants them."""
    plain = torch.contiguous_format
    return {
        key: value.detach().cpu().clone(memory_format=plain).contiguous() for key, value in network.state_dict().items()
    }


KINDS = {
    "hf": Kind(_hf_with_head, _save_hf, lambda _name, folder: f"hf:{folder / 'model'}"),
    "timm": Kind(_timm_with_head, _save_timm, lambda name, folder: f"timm:{split_name(name)[0]}@{folder / WEIGHTS}"),
    "torchvision": Kind(
        _torchvision_with_head,
        _save_torchvision,
        lambda name, folder: f"torchvision:{split_name(name)[0]}@{folder / WEIGHTS}",
    ),
}
