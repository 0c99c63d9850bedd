"""`onnx:FILE`: a recogniser of text lines with a CTC head for ONNX Runtime; a JSON beside it says how to feed it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.core.errors import ModelError, UsageError
from unlossy.core.pixels import as_rgb
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.onnx_session import OnnxNetwork, description_of, open_network, weight_files
from unlossy.tasks.models.text.base import Reading
from unlossy.tasks.models.text.ctc import greedy
from unlossy.tasks.models.text.facts import MINIMAL, TextFacts, read_text_facts


@dataclass(frozen=True, slots=True)
class OnnxReader:
    """A Reader (see `base`) over an ONNX graph; strips of one width go through it together."""

    spec: str
    digest: str
    facts: TextFacts
    network: OnnxNetwork
    path: Path
    libraries: tuple[str, ...] = ("onnxruntime", "Pillow")

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture as a strip, RGB."""
        return self.facts.strip.resize(as_rgb(image_hwc))

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "c h w"]:
        """The strip in the numbers that the network takes."""
        return self.facts.strip.normalise(image_hwc)

    def read(self, batch: Sequence[Float32[np.ndarray, "_ _ _"]]) -> list[Reading | ModelError]:
        """One reading per strip; raises ModelError where the answer has another shape than the JSON says."""
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for place, strip in enumerate(batch):
            by_shape.setdefault(strip.shape, []).append(place)
        read: dict[int, Reading | ModelError] = {}
        for places in by_shape.values():
            steps = self._steps(np.stack([batch[place] for place in places]))
            for place, one in zip(places, steps, strict=True):
                read[place] = greedy(one, self.facts.symbols, self.facts.blank, self.facts.output_kind)
        return [read[place] for place in range(len(batch))]

    def trainable(self) -> Any:  # noqa: ANN401 (a differentiable.Trainable)
        """The graph as a torch network whose answer is (b k t); raises UsageError where it cannot be converted."""
        if self.facts.strip.rule != "stretch" or self.facts.output_kind != "logits":
            raise UsageError(
                f'{self.spec}: gradients can go only through the rule "stretch" and outputs that are logits'
            )
        module = import_module("unlossy.tasks.models.onnx_torch").converted(self.path, self.spec)
        differentiable, heads = (import_module(f"unlossy.tasks.models.{name}") for name in ("differentiable", "heads"))
        fed = import_module("unlossy.tasks.models.fed")
        order = (1, 2, 0) if self.facts.steps_first else (0, 2, 1)
        return differentiable.Trainable(
            fed.ChannelsLast(module) if self.network.channels_last else module,
            lambda answer: {"logits": answer.permute(*order)},
            {"logits": heads.Head("logits", nothing=self.facts.blank)},
        )

    def _steps(self, strips: Float32[np.ndarray, "b c h w"]) -> Iterator[Float32[np.ndarray, "t k"]]:
        size = self.network.fixed_batch or len(strips)
        for number, (answer, *_) in enumerate(self.network.calls(strips)):
            if answer.ndim != 3 or answer.shape[2] != len(self.facts.symbols):
                told = "steps, pictures" if self.facts.steps_first else "pictures, steps"
                raise ModelError(
                    f"the model answered with shape {answer.shape}; ({told}, {len(self.facts.symbols)}) was expected"
                )
            pictures = answer.transpose(1, 0, 2) if self.facts.steps_first else answer
            if len(pictures) != size:
                raise ModelError(f"the model gave {len(pictures)} answers to {size} pictures: are the axes right?")
            yield from pictures[: len(strips) - number * size].astype(np.float32)


def load(name: str, *, spec: str, threads: int | None) -> OnnxReader:
    """The reader in an ONNX file; raises UsageError where the file, its JSON or their agreement is wanting."""
    path = Path(name).expanduser()
    beside = description_of(path, MINIMAL)
    facts = read_text_facts(beside)
    strip = facts.strip
    network = open_network(
        path,
        input_name=facts.input_name,
        output_names=[facts.output_name],
        layout=facts.layout,
        size_hw=(strip.height, strip.width),
        channels=len(strip.mean),
        threads=threads,
    )
    n_classes = network.output_axes[0][-1] if network.output_axes[0] else None
    if isinstance(n_classes, int) and n_classes != len(facts.symbols):
        raise UsageError(
            f"{path}: the graph has {n_classes} classes, its JSON {len(facts.symbols) - 1} characters and the blank"
        )
    return OnnxReader(
        spec=spec,
        digest=model_digest(weight_files(path), json.loads(beside.read_text("utf-8"))),
        facts=facts,
        network=network,
        path=path,
    )
