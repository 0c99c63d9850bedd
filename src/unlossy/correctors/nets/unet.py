"""A U-Net on pixels unshuffled by 2, modulated by what the file tells of its compression.

    ycc ─ unshuffle 2 ─ head ─ blocks ─┬───────────────────────────────+─ blocks ─ tail ─ shuffle 2 ─ * scale ─ + ycc
                                  down └─ blocks ─┬──────────+─ blocks ┘ up
              DCT of 8 x 8 blocks ─ + ─ down └─ blocks ─┘ up
    tables, sampling, known ─ Condition ─ embedding: a scale and a shift of every block; scale: of the residual

The coarsest level has one cell per 8 x 8 block, so a picture whose grid starts at (0, 0) shows every cell its block;
there the block's own coefficients enter, each in units of its natural deviation. Only plain convolutions and leaky
ReLU: cheap in every runtime. The residual starts at zero, so a new network is the identity.
"""

from dataclasses import dataclass

import torch.nn.functional as F  # noqa: N812 (torch's own name)
from torch import Tensor, nn

from unlossy.correctors.nets.condition import Condition
from unlossy.correctors.nets.dct import BlockDct

STRIDE = 8
"""Height and width must be multiples of it; `padding.correct_any_size` makes them so."""

SLOPE = 0.1
"""Of the leaky ReLU below zero."""


@dataclass(frozen=True, slots=True)
class UNetShape:
    """Channels and blocks per level, finest first; the last level is the bottom, the others are passed twice."""

    widths: tuple[int, int, int]
    blocks: tuple[int, int, int]
    embedding: int = 64


class Block(nn.Module):
    """Two convolutions around a modulated leaky ReLU, added to their input.

    Leaky, because plain ones died: shifts that learn fast took whole levels below zero, where nothing brings them back.
    """

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        nn.init.zeros_(self.second.weight)

    def forward(self, cells: Tensor, embedding: Tensor) -> Tensor:
        """The cells (b c h w), refined."""
        gain, shift = self.modulation(embedding)[:, :, None, None].chunk(2, dim=1)
        return cells + self.second(F.leaky_relu(self.first(cells) * (1.0 + gain) + shift, SLOPE))


class Level(nn.ModuleList):
    """Blocks in a row that share their embedding."""

    def __init__(self, n_blocks: int, width: int, embedding: int) -> None:
        super().__init__(Block(width, embedding) for _ in range(n_blocks))

    def forward(self, cells: Tensor, embedding: Tensor) -> Tensor:
        """The cells (b c h w) after every block."""
        for block in self:
            cells = block(cells, embedding)
        return cells


class UNet(nn.Module):
    """A corrector network: YCbCr and the compression's facts in, the corrected YCbCr out."""

    def __init__(self, shape: UNetShape) -> None:
        super().__init__()
        self.shape = shape
        fine, middle, coarse = shape.widths
        n_fine, n_middle, n_coarse = shape.blocks
        self.condition = Condition(shape.embedding)
        self.head = nn.Conv2d(12, fine, 3, padding=1)
        self.fine_in = Level(n_fine, fine, shape.embedding)
        self.down_fine = nn.Conv2d(fine, middle, 2, stride=2)
        self.middle_in = Level(n_middle, middle, shape.embedding)
        self.down_middle = nn.Conv2d(middle, coarse, 2, stride=2)
        self.dct = BlockDct()
        self.coefficients_head = nn.Conv2d(3 * 64, coarse, 1)
        self.bottom = Level(n_coarse, coarse, shape.embedding)
        self.up_middle = nn.Conv2d(coarse, 4 * middle, 1)
        self.middle_out = Level(n_middle, middle, shape.embedding)
        self.up_fine = nn.Conv2d(middle, 4 * fine, 1)
        self.fine_out = Level(n_fine, fine, shape.embedding)
        self.tail = nn.Conv2d(fine, 12, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def forward(self, ycc: Tensor, tables: Tensor, known: Tensor, sampling: Tensor) -> Tensor:
        """The corrected picture: Y, Cb, Cr as `ycc` (b 3 h w), not clipped.

        Args:
            ycc: the decoded picture, 0..1 with neutral chroma at 0.5, h and w multiples of 8; its 8 x 8 grid starts at
                the top left corner where `known` is 1, anywhere where it is 0.
            tables: luma and chroma quantization steps in natural order (b 2 8 8), 1..65535; a grey picture's chroma
                steps are 1. Not looked at where `known` is 0, but finite.
            known: 1.0 where tables and sampling are the file's own, else 0.0 (b).
            sampling: luma sampling factors, horizontal and vertical (b 2): (2, 2) is 4:2:0; 1 for grey.
        """
        embedding, scale = self.condition(tables, known, sampling)
        fine = self.fine_in(self.head(F.pixel_unshuffle(ycc - 0.5, 2)), embedding)
        middle = self.middle_in(self.down_fine(fine), embedding)
        coefficients = self.coefficients_head(self.dct(ycc - 0.5))
        coarse = self.bottom(self.down_middle(middle) + coefficients, embedding)
        middle = self.middle_out(middle + F.pixel_shuffle(self.up_middle(coarse), 2), embedding)
        fine = self.fine_out(fine + F.pixel_shuffle(self.up_fine(middle), 2), embedding)
        residual = F.pixel_shuffle(self.tail(fine), 2)
        return ycc + residual * scale[:, :, None, None]
