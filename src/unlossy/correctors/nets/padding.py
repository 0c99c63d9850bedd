"""Pictures of any size through a network that wants multiples of 8."""

import torch.nn.functional as F  # noqa: N812 (torch's own name)
from torch import Tensor, nn

from unlossy.correctors.nets.unet import STRIDE


def correct_any_size(network: nn.Module, ycc: Tensor, tables: Tensor, known: Tensor, sampling: Tensor) -> Tensor:
    """The corrected picture in the size of `ycc` (b 3 h w, h and w at least 1); see UNet.forward for the arguments.

    The right and bottom edges are repeated up to the next multiple of 8, as encoders fill their last blocks.
    """
    height, width = ycc.shape[-2:]
    padded = F.pad(ycc, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
    corrected: Tensor = network(padded, tables, known, sampling)
    return corrected[..., :height, :width]
