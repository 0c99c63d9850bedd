"""A frozen torch network on the device where it answers, and pictures taken there."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import UsageError
from unlossy.core.tools import require
from unlossy.core.torch_device import device_of


def placed(
    network: Any,  # noqa: ANN401 (a torch module; torch is not imported to be named)
    threads: int | None,
    device: str = "cpu",
) -> Callable[[Float32[np.ndarray, "b 3 h w"]], Any]:
    """A function from float32 pictures to a tensor where the network is, which is frozen and taken to `device`.

    `threads` sets torch's intra-op threads, which are one number for the whole process. On a GPU convolutions are done
    in single precision in the whole process, not in TF32: what is measured there is what a processor measures.

    Raises:
        UsageError: torch has no such device here, or the device has no memory for the network.
    """
    torch = require("torch", "hf", "a torch model")
    there = device_of(device, "hf")
    network.eval().requires_grad_(False)
    if threads is not None:
        torch.set_num_threads(threads)
    if there.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
    try:
        network.to(there)
    except RuntimeError as error:  # too large for what is free on a GPU
        raise UsageError(f"the model does not go to {device} ({error}); give cpu") from error
    return lambda pictures: torch.from_numpy(pictures).to(there)
