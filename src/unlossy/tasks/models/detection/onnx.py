"""`onnx:FILE`: a detector for ONNX Runtime on the CPU; the JSON beside it names the decoder of its outputs.

`onnx:demo` is the small detector of synthetic scenes that ships with the program.
"""

import importlib.resources
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from unlossy.core.errors import ModelError, UsageError
from unlossy.tasks.detections import Detections
from unlossy.tasks.models.detection.base import AssembledDetector, Sized
from unlossy.tasks.models.detection.boxes import detections, in_source
from unlossy.tasks.models.detection.decoders import DECODERS, KINDS, Decoder
from unlossy.tasks.models.detection.facts import MINIMAL, DetectorFacts, read_detector_facts
from unlossy.tasks.models.detection.torch_batches import of_one_shape
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.onnx_session import OnnxNetwork, description_of, open_network, weight_files
from unlossy.tasks.models.tabulated import tabulated

DEMO = "demo_detector.onnx"


def load(name: str, *, spec: str, threads: int | None) -> AssembledDetector:
    """The detector in an ONNX file; raises UsageError where the file, its JSON or their agreement is wanting."""
    with ExitStack() as stack:
        path = _demo(stack) if name == "demo" else Path(name).expanduser()
        facts = read_detector_facts(description_of(path, MINIMAL), DECODERS)
        network = open_network(
            path,
            input_name=facts.input_name,
            output_names=[output.name for output in facts.outputs],
            layout=facts.layout,
            size_hw=facts.preprocess.size_hw,
            threads=threads,
        )
        digest = model_digest(weight_files(path), json.loads(path.with_suffix(".json").read_text("utf-8")))
    return AssembledDetector(
        spec=spec,
        digest=digest,
        labels=facts.labels,
        category_ids=facts.category_ids,
        libraries=("onnxruntime", "Pillow"),
        resize_rgb=facts.preprocess.resize,
        normalise_rgb=tabulated(facts.preprocess.normalise),
        answer=_Answer(facts, network, _decoder(path, facts, network)),
        trainable=lambda: _trainable(path, facts, network, spec),
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the graph finds in prepared pictures."""

    facts: DetectorFacts
    network: OnnxNetwork
    decode: Decoder

    def __call__(self, batch: Sequence[Sized]) -> list[Detections | ModelError]:
        """The detections of each picture, in order."""
        answers: list[Detections | ModelError] = [ModelError("not asked")] * len(batch)
        for places in of_one_shape(batch):
            outputs = self._outputs(np.stack([batch[place].pixels for place in places]))
            for place, output in zip(places, outputs, strict=True):
                answers[place] = self._found(output, batch[place].source_hw)
        return answers

    def _outputs(self, images: np.ndarray) -> Iterator[list[np.ndarray]]:
        """Each picture's outputs."""
        fixed = self.network.fixed_batch
        for number, outputs in enumerate(self.network.calls(images)):
            if fixed == 1:
                yield outputs
                continue
            size = fixed or len(images)
            wrong = [output.shape for output in outputs if output.ndim < 1 or output.shape[0] != size]
            if wrong:
                raise ModelError(f"the model answered with shape {wrong[0]} to {size} pictures")
            for place in range(min(size, len(images) - number * size)):
                yield [output[place : place + 1] for output in outputs]

    def _found(self, outputs: Sequence[np.ndarray], source_hw: tuple[int, int]) -> Detections | ModelError:
        facts = self.facts
        bad = sum(int(np.count_nonzero(~np.isfinite(output))) for output in outputs if output.dtype.kind == "f")
        if bad:
            return ModelError(f"the model answered with {bad} NaN or infinite values")
        try:
            raw = self.decode(outputs)
            # suppression looks at boxes as the network gave them, before the picture's borders cut them
            kept = detections(
                raw.boxes_xyxy,
                raw.scores,
                raw.class_ids,
                min_score=facts.min_score,
                per_class=facts.per_class,
                iou_threshold=facts.nms_iou,
            )
        except ModelError as error:
            return error
        boxes = in_source(kept.boxes_xyxy, facts.preprocess, source_hw)
        return Detections(boxes, kept.scores, kept.class_ids)


def _decoder(path: Path, facts: DetectorFacts, network: OnnxNetwork) -> Decoder:
    """The decoder, tried on an empty picture, so that a JSON that does not fit the graph is refused before any work."""
    try:
        decode = DECODERS[facts.decoder](facts)
        if unread := [output for output in facts.outputs if output.kind not in KINDS[facts.decoder]]:
            wanted = " or ".join(KINDS[facts.decoder])
            raise UsageError(f'the kind of the output {unread[0].name!r} is "{unread[0].kind}", not {wanted}')
        if facts.preprocess.size_hw is not None:
            empty = np.zeros((1, 3, *facts.preprocess.size_hw), np.float32)
            decode([output if network.fixed_batch == 1 else output[:1] for output in network.call(empty)])
    except (UsageError, ModelError) as error:
        raise UsageError(f"{path.with_suffix('.json')}: {error}") from None
    return decode


def _demo(stack: ExitStack) -> Path:
    folder = stack.enter_context(
        importlib.resources.as_file(importlib.resources.files("unlossy.tasks.models") / "weights")
    )
    return folder / DEMO


def _trainable(path: Path, facts: DetectorFacts, network: OnnxNetwork, spec: str) -> Any:  # noqa: ANN401 (a Trainable)
    """The graph as a torch network with its raw heads; None where its outputs are boxes that suppression has passed."""
    order = [node.name for node in network.session.get_outputs()]
    return import_module("unlossy.tasks.models.detection.onnx_heads").trainable(
        path, facts, order, spec, channels_last=network.channels_last
    )
