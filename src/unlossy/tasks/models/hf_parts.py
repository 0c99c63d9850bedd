"""What every transformers model needs here, whatever its task: its folder, its image processor in two halves, quiet.

The processor's geometry and its arithmetic are called apart: once with rescale and normalise off, once with the
geometry off. A probe at loading proves that the two halves give exactly the whole, else the processor is refused.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from unlossy.core.errors import MissingDependency, UsageError
from unlossy.core.tools import json_of, require
from unlossy.tasks.models.digests import model_digest
from unlossy.tasks.models.hub import hub_folder
from unlossy.tasks.models.preprocess import refuse_sliver
from unlossy.tasks.models.torchvision_compat import ensure_torchvision

PATTERNS = ["config.json", "preprocessor_config.json", "processor_config.json", "model*.safetensors*"]

ARITHMETIC = ("do_rescale", "do_normalize", "include_top", "do_flip_channel_order")
GEOMETRY = ("do_resize", "do_center_crop", "do_pad", "do_convert_rgb")

Resize = Callable[[UInt8[np.ndarray, "h w 3"]], UInt8[np.ndarray, "h2 w2 3"]]
Arithmetic = Callable[[UInt8[np.ndarray, "h w 3"]], Float32[np.ndarray, "3 h w"]]


def transformers_for(spec: str) -> ModuleType:
    """The package; raises MissingDependency where it, torch or safetensors is absent."""
    require("torch", "hf", f"the model {spec!r}")
    require("safetensors", "hf", f"the model {spec!r}")
    ensure_torchvision()
    return require("transformers", "hf", f"the model {spec!r}")


def model_folder(name: str) -> Path:
    """The folder written by save_pretrained, or that of a hub id; raises UsageError naming the file it lacks."""
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


def load_processor(transformers: ModuleType, folder: Path) -> Any:  # noqa: ANN401 (transformers is typed loosely)
    """The image processor in its Pillow form; raises UsageError where it has none."""
    # Without a backend the class depends on whether torchvision happens to be importable, and so do the pixels.
    processor = transformers.AutoImageProcessor.from_pretrained(
        str(folder), backend="pil", local_files_only=True, trust_remote_code=False
    )
    if getattr(processor, "backend", None) != "pil":
        raise UsageError(f"the image processor {type(processor).__name__} has no Pillow form")
    return processor


def load_weights(auto_class: Any, folder: Path, what: str) -> Any:  # noqa: ANN401
    """The network that transformers' `auto_class` makes of a folder; raises UsageError where weights are missing."""
    network, info = auto_class.from_pretrained(
        str(folder),
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        dtype="float32",
        output_loading_info=True,
    )
    absent = sorted(info["missing_keys"]) + sorted(map(str, info.get("mismatched_keys", ())))
    if absent:  # transformers would fill these with random numbers
        raise UsageError(f"the weights lack {', '.join(absent[:3])} ({len(absent)} in all): no trained {what}")
    return network


def halves(processor: Any) -> tuple[Resize, Arithmetic]:  # noqa: ANN401
    """The processor's geometry and its arithmetic; raises UsageError where the two do not give the whole."""
    no_arithmetic = {key: False for key in ARITHMETIC if hasattr(processor, key)}
    no_geometry = {key: False for key in GEOMETRY if hasattr(processor, key)}

    def resize(image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        refuse_sliver(image_hwc)
        pixels = _pixels(processor, image_hwc, **no_arithmetic)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0))

    def normalise(image_hwc: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "3 h w"]:
        return np.ascontiguousarray(_pixels(processor, image_hwc, **no_geometry), dtype=np.float32)

    _prove_split(processor, resize, normalise)
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


def folder_digest(folder: Path) -> str:
    """The digest of the weights and of every config in the folder; raises UsageError where one cannot be read."""
    settings = {file.name: _config(file) for file in sorted(folder.glob("*config.json"))}
    return model_digest(sorted(folder.glob("*.safetensors")), settings)


def _config(file: Path) -> Any:  # noqa: ANN401 (any JSON value)
    try:
        return json_of(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read as JSON ({error}); mend or remove it") from error


@contextmanager
def quiet(transformers: ModuleType) -> Iterator[None]:
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
def as_usage_error(spec: str, what: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes a UsageError that names the SPEC; `what` is "an image classifier", say."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{spec}: {error}") from None
    except MissingDependency:
        raise
    except Exception as error:
        finding = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(f"{spec}: transformers cannot load it as {what}: {finding}") from error
