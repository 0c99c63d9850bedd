"""Weight files in the safetensors format, read and written with the standard library and torch alone.

The format: eight bytes of header length (little endian), a JSON header that gives each tensor's type, shape and place,
then the tensors one after another. Reading it runs no code, and the training machine needs no package for it.
Source: the format's description in the safetensors repository.
"""

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from unlossy.core.errors import UsageError

_TYPES = {"F32": torch.float32, "F16": torch.float16}
_NAMES = {kind: name for name, kind in _TYPES.items()}
_MAX_HEADER_BYTES = 10_000_000


def save_weights(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Nothing; the file at `path` is replaced in one step, so that a reader sees the old or the new one whole."""
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    chunks, offset = [], 0
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        data = tensor.numpy().tobytes()
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(data)],
        }
        chunks.append(data)
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))
    partial.replace(path)


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors by name (on the CPU, float32) and the metadata.

    Raises:
        UsageError: no such file, or not a sound safetensors file of 16- or 32-bit floats.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot read the weights: {os.strerror(error.errno or 0)}") from error
    try:
        (size,) = struct.unpack_from("<Q", data)
        if not 2 <= size <= min(_MAX_HEADER_BYTES, len(data) - 8):
            raise ValueError("the header's length is not that of a safetensors file")
        header = json.loads(data[8 : 8 + size])
        metadata = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
        body = memoryview(data)[8 + size :]
        return {name: _tensor(body, entry) for name, entry in header.items()}, metadata
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, struct.error, RuntimeError) as error:
        raise UsageError(f"{path}: not a sound safetensors file: {error}. Pickled weights are never read") from error


def _tensor(body: memoryview, entry: Mapping[str, object]) -> Tensor:
    kind = _TYPES[str(entry["dtype"])]
    shape = [int(n) for n in entry["shape"]]  # type: ignore[attr-defined]
    start, end = (int(n) for n in entry["data_offsets"])  # type: ignore[attr-defined]
    n_values = 1
    for n in shape:
        n_values *= n
    if not 0 <= start <= end <= len(body) or end - start != n_values * kind.itemsize:
        raise ValueError("a tensor's place does not fit its shape or the file")
    if n_values == 0:
        return torch.zeros(shape)
    return torch.frombuffer(bytearray(body[start:end]), dtype=kind).reshape(shape).float()
