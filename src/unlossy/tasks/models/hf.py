"""`hf:PATH_OR_ID`: image classifiers of transformers, with the image processor saved beside the weights.

Geometry and arithmetic both are the processor's own: once called with rescale and normalise off, once with the geometry
off. A probe at loading proves that the two halves give exactly the whole, else the processor is refused.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.tasks.models.assembled import AssembledClassifier
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.hub import hub_folder
from unlossy.tasks.models.preprocess import refuse_sliver
from unlossy.tasks.models.tabulated import tabulated
from unlossy.tasks.models.torch_answer import torch_answer, torch_trainable
from unlossy.tasks.models.torchvision_compat import ensure_torchvision

PATTERNS = ["config.json", "preprocessor_config.json", "processor_config.json", "model*.safetensors*"]

ARITHMETIC = ("do_rescale", "do_normalize", "include_top", "do_flip_channel_order")
GEOMETRY = ("do_resize", "do_center_crop", "do_pad", "do_convert_rgb")


def load(name: str, *, spec: str, threads: int | None) -> AssembledClassifier:
    """The classifier in a folder written by save_pretrained, or of a hub id; raises UsageError, MissingDependency."""
    folder = _folder(name)
    require("torch", "hf", f"the model {spec!r}")
    require("safetensors", "hf", f"the model {spec!r}")
    ensure_torchvision()
    transformers = require("transformers", "hf", f"the model {spec!r}")
    with _quiet(transformers), _as_usage_error(spec):
        processor = _processor(transformers, folder)
        network = _network(transformers, folder)
    resize, normalise = _halves(processor)
    _prove_split(processor, resize, normalise)
    return AssembledClassifier(
        spec=spec,
        digest=_digest(folder),
        labels=_labels(network.config),
        n_classes=int(network.config.num_labels),
        libraries=("transformers", "torch", "torchvision", "Pillow"),
        resize_rgb=resize,
        normalise_rgb=tabulated(normalise),
        answer=torch_answer(network, lambda output: output.logits, threads),
        trainable=torch_trainable(network, lambda output: output.logits),
    )


def _folder(name: str) -> Path:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if folder.exists():
            raise UsageError(
                f"{name}: a folder was expected, with config.json, preprocessor_config.json and *.safetensors"
            )
        if name.startswith((".", "/", "~")) or name.count("/") > 1:
            raise UsageError(f"{name}: no such folder")
        folder = hub_folder(name, PATTERNS, "*.safetensors")
    for pattern, remedy in (
        ("config.json", "write it with model.save_pretrained"),
        ("*.safetensors", "weights are only read from safetensors: save with safe_serialization"),
        ("*processor_config.json", "write it with image_processor.save_pretrained"),
    ):
        if not any(folder.glob(pattern)):
            raise UsageError(f"{name}: the folder has no {pattern}; {remedy}")
    return folder


def _processor(transformers: ModuleType, folder: Path) -> Any:  # noqa: ANN401 (transformers is typed loosely)
    # Without a backend the class depends on whether torchvision happens to be importable, and so do the pixels.
    processor = transformers.AutoImageProcessor.from_pretrained(
        str(folder), backend="pil", local_files_only=True, trust_remote_code=False
    )
    if getattr(processor, "backend", None) != "pil":
        raise UsageError(f"the image processor {type(processor).__name__} has no Pillow form")
    return processor


def _network(transformers: ModuleType, folder: Path) -> Any:  # noqa: ANN401
    network, info = transformers.AutoModelForImageClassification.from_pretrained(
        str(folder),
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        dtype="float32",
        output_loading_info=True,
    )
    absent = sorted(info["missing_keys"]) + sorted(map(str, info.get("mismatched_keys", ())))
    if absent:  # transformers would fill these with random numbers
        raise UsageError(f"the weights lack {', '.join(absent[:3])} ({len(absent)} in all): no trained classifier")
    return network


def _halves(
    processor: Any,  # noqa: ANN401
) -> tuple[
    Callable[[UInt8[np.ndarray, "h w 3"]], UInt8[np.ndarray, "h2 w2 3"]],
    Callable[[UInt8[np.ndarray, "h w 3"]], Float32[np.ndarray, "3 h w"]],
]:
    no_arithmetic = {key: False for key in ARITHMETIC if hasattr(processor, key)}
    no_geometry = {key: False for key in GEOMETRY if hasattr(processor, key)}

    def resize(image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        refuse_sliver(image_hwc)
        pixels = _pixels(processor, image_hwc, **no_arithmetic)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def normalise(image_hwc: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "3 h w"]:
        return np.ascontiguousarray(_pixels(processor, image_hwc, **no_geometry), dtype=np.float32)

    return resize, normalise


def _pixels(processor: Any, image_hwc: UInt8[np.ndarray, "h w 3"], **switches: bool) -> np.ndarray:  # noqa: ANN401
    # A Pillow image leaves no doubt which axis holds the channels, as an array of three rows would.
    answer = processor(images=Image.fromarray(np.ascontiguousarray(image_hwc)), return_tensors="np", **switches)
    return np.asarray(answer["pixel_values"][0])


def _prove_split(
    processor: Any,  # noqa: ANN401
    resize: Callable[[np.ndarray], np.ndarray],
    normalise: Callable[[np.ndarray], np.ndarray],
) -> None:
    finding = "its resizing and its arithmetic do not come apart"
    try:
        for height, width in ((37, 61), (301, 203)):
            image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
            resized = resize(image)
            if resized.dtype == np.uint8 and np.array_equal(normalise(resized), _pixels(processor, image)):
                continue
            raise UsageError(f"the image processor {type(processor).__name__} cannot be used: {finding}")
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise UsageError(
            f"the image processor {type(processor).__name__} cannot be used: {finding} ({error})"
        ) from error


def _labels(config: Any) -> tuple[str, ...] | None:  # noqa: ANN401
    names = [config.id2label.get(index) for index in range(config.num_labels)]
    if all(name in (None, f"LABEL_{index}") for index, name in enumerate(names)):
        return None
    return tuple(str(name) for name in names)


def _digest(folder: Path) -> str:
    settings = {file.name: json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*config.json"))}
    return model_digest(sorted(folder.glob("*.safetensors")), settings)


@contextmanager
def _quiet(transformers: ModuleType) -> Iterator[None]:
    """Keeps transformers' bars and notes off the user's stderr; what they would tell becomes an error above."""
    logging = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def _as_usage_error(spec: str) -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{spec}: {error}") from None
    except Exception as error:
        finding = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(f"{spec}: transformers cannot load it as an image classifier: {finding}") from error
