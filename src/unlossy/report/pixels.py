"""Pictures as the page embeds them: data URIs within a budget, enlarged regions, gradients."""

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from unlossy.core.pixels import as_rgb, from_pil, to_pil
from unlossy.runs.pictures import PICTURES, PictureCell, PictureItem

BUDGET_BYTES = 11_000_000
"""Of base64 text for all pictures of a report, which thus stays under 15 MB with its tables."""

BLOCK_PX = 8
MAX_FILE_BYTES = 4_000_000
"""A kept picture has at most 640 x 640 pixels; a larger file is none of ours."""


@dataclass(slots=True)
class Budget:
    """What may still be embedded."""

    left_bytes: int = BUDGET_BYTES
    refused: int = field(default=0, init=False)

    def take(self, uris: list[str]) -> bool:
        """Whether these fit, all or none; what fits is taken off."""
        size = sum(map(len, uris))
        if size > self.left_bytes:
            self.refused += 1
            return False
        self.left_bytes -= size
        return True


def read_cell(run: Path, cell: PictureCell) -> UInt8[np.ndarray, "h w 3"]:
    """The kept picture of a cell; raises OSError or ValueError where it is not there or no PNG."""
    return read_kept(run, cell.file)


def read_kept(run: Path, file: str) -> UInt8[np.ndarray, "h w 3"]:
    """A kept picture by its file's name; raises as `read_cell`."""
    path = run / PICTURES / file
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ValueError(f"{path} is too large for a kept picture")
    with Image.open(path, formats=["PNG"]) as image:
        return as_rgb(from_pil(image))


def data_uri(image_hwc: UInt8[np.ndarray, "h w c"]) -> str:
    """The picture as a PNG in a data URI; nothing of the file it came from but its pixels."""
    buffer = io.BytesIO()
    to_pil(image_hwc).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def zoomed(image_hwc: UInt8[np.ndarray, "h w 3"], item: PictureItem) -> UInt8[np.ndarray, "h2 w2 3"]:
    """The item's region of interest, at its own size."""
    x, y, width, height = item.zoom_xywh
    return image_hwc[y : y + height, x : x + width]


def gradients(image_hwc: UInt8[np.ndarray, "h w 3"]) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """The Sobel derivatives across and down of the luma (BT.601), in grey levels per pixel; edges repeat the border."""
    luma = image_hwc.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    padded = np.pad(luma, 1, mode="edge")
    smooth_down = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    smooth_across = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return (smooth_down[:, 2:] - smooth_down[:, :-2]) / 8, (smooth_across[2:] - smooth_across[:-2]) / 8


def edge_picture(image_hwc: UInt8[np.ndarray, "h w 3"], black_at: float) -> UInt8[np.ndarray, "h w 1"]:
    """The gradient's magnitude, white where there is none and black from `black_at` grey levels per pixel on."""
    strength = np.clip(np.hypot(*gradients(image_hwc)) / black_at, 0, 1)
    return (255 - np.round(255 * strength)).astype(np.uint8)[:, :, None]


def grid_gradient(image_hwc: UInt8[np.ndarray, "h w 3"]) -> float | None:
    """How many times stronger the gradient is across the borders of 8 x 8 blocks than inside them; about 1 where
    nothing has been blocked. None where the picture is too small or too flat to say."""
    height, width = image_hwc.shape[:2]
    if min(height, width) < 2 * BLOCK_PX:
        return None
    across, down = (np.abs(gradient) for gradient in gradients(image_hwc))
    on_x, on_y = (np.isin(np.arange(size) % BLOCK_PX, (0, BLOCK_PX - 1)) for size in (width, height))
    border = (across[:, on_x].mean() + down[on_y].mean()) / 2
    inside = (across[:, ~on_x].mean() + down[~on_y].mean()) / 2
    return float(border / inside) if inside > 0 else None
