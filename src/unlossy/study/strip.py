"""One picture that tells the whole story of an item: every version side by side, with the model's answer below each."""

import hashlib
import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from unlossy.core.pixels import to_pil
from unlossy.runs.pictures import PictureCell, PictureItem, class_text
from unlossy.runs.settings import spoken
from unlossy.store import CLEAN

PER_LINE = 5
TILE_PX, CAPTION_PX, GAP_PX, MARGIN_PX, HEAD_PX = 256, 84, 16, 24, 76

PAPER, INK, MUTED, TRACK = "#ffffff", "#1a1c20", "#5b616b", "#e4e1dc"
RIGHT, WRONG = "#15803d", "#b91c1c"


def strip_name(key: str) -> str:
    """The file name of an item's strip: readable, safe on any file system, different for different keys."""
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", key).strip("-")[:60] or "item"
    return f"show-{slug}-{hashlib.sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:6]}.png"


def draw_strip(
    item: PictureItem, versions: Mapping[str, UInt8[np.ndarray, "h w 3"]], labels: tuple[str, ...] | None
) -> Image.Image:
    """The strip, five tiles of 256 pixels a line: setting, picture, answer, probability as a bar, right or wrong."""
    columns = min(PER_LINE, len(item.cells))
    lines = -(-len(item.cells) // columns)
    line_px = TILE_PX + CAPTION_PX + 28 + GAP_PX
    width = 2 * MARGIN_PX + columns * TILE_PX + (columns - 1) * GAP_PX
    sheet = Image.new("RGB", (width, HEAD_PX + lines * line_px + MARGIN_PX - GAP_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    truth = class_text(item.true_class, labels, item.class_name)
    title = "No label: the clean answer is the reference" if truth is None else f"This is: {truth}"
    draw.text((MARGIN_PX, 20), _fitted(draw, title, width - 2 * MARGIN_PX, 28), INK, _font(28))
    for number, cell in enumerate(item.cells):
        x = MARGIN_PX + (number % columns) * (TILE_PX + GAP_PX)
        y = HEAD_PX + (number // columns) * line_px
        _tile(sheet, draw, (x, y), cell, versions[cell.codec], class_text(cell.answer, labels, None))
    return sheet


def _tile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    corner_xy: tuple[int, int],
    cell: PictureCell,
    image_hwc: UInt8[np.ndarray, "h w 3"],
    answer: str | None,
) -> None:
    x, y = corner_xy
    setting = "clean" if cell.codec == CLEAN else spoken(cell.codec)
    draw.text((x, y), _fitted(draw, setting, TILE_PX, 18), INK, _font(18))
    if cell.encoded_bytes is not None:
        size = f"{cell.encoded_bytes / 1000:.1f} kB"
        draw.text((x + TILE_PX, y + 2), size, MUTED, _font(15), anchor="ra")
    picture = _fit(image_hwc)
    sheet.paste(picture, (x + (TILE_PX - picture.width) // 2, y + 28 + (TILE_PX - picture.height) // 2))
    below, colour = y + 28 + TILE_PX + 10, RIGHT if cell.right else WRONG
    draw.text((x, below), _fitted(draw, answer or "", TILE_PX, 19), INK, _font(19))
    draw.rounded_rectangle((x, below + 31, x + TILE_PX - 1, below + 40), 4, TRACK)
    draw.rounded_rectangle((x, below + 31, x + max(8, round((TILE_PX - 1) * cell.probability)), below + 40), 4, colour)
    draw.text((x, below + 47), "right" if cell.right else "wrong", colour, _font(16))
    draw.text((x + TILE_PX, below + 47), f"{100 * cell.probability:.0f} %", MUTED, _font(16), anchor="ra")


def _fit(image_hwc: UInt8[np.ndarray, "h w 3"]) -> Image.Image:
    """The picture in a tile: a small one enlarged by a whole factor, so that pixels stay pixels, a large one shrunk."""
    picture = to_pil(image_hwc)
    factor = TILE_PX // max(picture.size)
    if factor >= 1:
        return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    picture.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
    return picture


def _fitted(draw: ImageDraw.ImageDraw, text: str, width_px: int, size: int) -> str:
    """The text, cut with dots where it is too long for the width."""
    if draw.textlength(text, _font(size)) <= width_px:
        return text
    while text and draw.textlength(text + "...", _font(size)) > width_px:
        text = text[:-1]
    return text + "..."


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
