"""One scene from one seed: place, clutter, subjects, light, camera; and the labels that are exact because we drew it.

Objects are painted from far to near into a canvas of linear light. Beside it an owner map tells, for each pixel, the
nearest object that covers at least half of it; instance masks and boxes are read off that map.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Int16, Int64, UInt8

from unlossy.datasets.scenes.noise import Draws, hash_lattice, mix
from unlossy.datasets.scenes.places import Canvas, Place, light_field, paint_place, soft_step
from unlossy.datasets.scenes.shapes import REACH
from unlossy.datasets.scenes.things import CLASS_NAMES, Room, Thing, draw_clutter, draw_occluder, draw_subject, surface

_SHADOW = 0.22
"""How far, in radii, a shadow falls beside its thing; its soft rim reaches 1.4 times as far again."""
_PERMUTATION_STREAM, _SCENE_STREAM = 1, 2


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture and the truth about it.

    `class_index` is the first subject's. Masks hold the visible pixels of each subject, boxes are the tight boxes of
    the masks in pixels (x0, y0, x1, y1, ends excluded); a subject hidden altogether is not listed.
    """

    image_hwc: UInt8[np.ndarray, "h w 3"]
    class_index: int
    instance_masks: Bool[np.ndarray, "n h w"]
    boxes_xyxy: Float32[np.ndarray, "n 4"]
    instance_classes: Int64[np.ndarray, " n"]


def class_of(seed: int, index: int) -> int:
    """The class of scene `index`: each run of as many scenes as there are classes holds every class once."""
    block, place = divmod(index, len(CLASS_NAMES))
    return Draws(_PERMUTATION_STREAM, seed, block).permutation(len(CLASS_NAMES))[place]


def render_scene(
    seed: int, index: int, *, width: int = 224, height: int = 224, subjects: tuple[int, int] = (1, 1)
) -> Scene:
    """Scene `index` of the endless series `seed`: a pure function, to the byte, on every machine.

    `subjects` is the least and the greatest number of class-bearing objects. Periods of textures are in pixels
    whatever the size of the picture; everything else scales with its shorter side.
    """
    draws = Draws(_SCENE_STREAM, seed, index)
    place = paint_place(draws, width, height)
    light_from = draws.direction()
    classes = [class_of(seed, index)]
    classes += [draws.integer(0, len(CLASS_NAMES) - 1) for _ in range(draws.integer(*subjects) - 1)]
    room = Room(width, height, place.sky_rows, len(classes))
    things: list[Thing] = []
    for class_index in classes:
        things.append(draw_subject(draws, class_index, replace(room, taken=tuple(t.outline for t in things))))
    behind = [draw_clutter(draws, width, height, place.sky_rows) for _ in range(draws.integer(2, 5))]
    before = [draw_occluder(draws, things[0].outline) for _ in range(draws.integer(0, 2))]
    owner = np.full((height, width), -1, dtype=np.int16)
    # The first subject is painted after the others: it is the one that names the scene.
    numbered = [(-1, t) for t in behind] + list(enumerate(things))[::-1] + [(-1, t) for t in before]
    for number, thing in numbered:
        _paint(place, owner, thing, number, light_from)
    lit = place.canvas * light_field(draws, width, height, leaves=place.sky_rows == 0)[None]
    return _labelled(_develop(lit, draws), owner, classes)


def _paint(
    place: Place, owner: Int16[np.ndarray, "h w"], thing: Thing, number: int, light_from: tuple[float, float]
) -> None:
    """The thing and its shadow, laid over the place; `owner` gets its number where it covers half a pixel."""
    outline, canvas = thing.outline, place.canvas
    rows = _window(outline.center_y, outline.radius, canvas.shape[1])
    cols = _window(outline.center_x, outline.radius, canvas.shape[2])
    ys, xs = np.arange(rows.start, rows.stop) + 0.5, np.arange(cols.start, cols.stop) + 0.5
    if not len(ys) or not len(xs):
        return
    view = canvas[:, rows, cols]
    reach = _SHADOW * outline.radius
    shadow = outline.distance(ys + light_from[1] * reach, xs + light_from[0] * reach)
    dark = 0.6 * soft_step(0.62 - shadow / (2.2 * reach))
    dark[: max(0, place.sky_rows - rows.start)] = 0.0  # the sky takes no shadow
    view *= (1.0 - dark)[None]
    distance = outline.distance(ys, xs)
    cover = np.clip(0.5 - distance, 0.0, 1.0)
    view += (surface(thing, ys, xs, distance, light_from) - view) * cover[None]
    owner[rows, cols][distance <= 0.0] = number


def _window(center: float, radius: float, size: int) -> slice:
    """The pixels that the thing or its shadow can reach along one axis."""
    reach = (REACH + 2.4 * _SHADOW) * radius + 2.0
    return slice(max(0, int(np.floor(center - reach))), max(0, min(size, int(np.floor(center + reach)) + 1)))


def _develop(canvas: Canvas, draws: Draws) -> UInt8[np.ndarray, "h w 3"]:
    """The camera: exposure, white balance, a tone curve (square root), grain, eight bits."""
    height, width = canvas.shape[1:]
    exposure, warmth = draws.uniform(0.8, 1.35), draws.uniform(-0.07, 0.07)
    grain = draws.uniform(0.8, 2.2)
    bits = hash_lattice(mix(draws.word()), np.arange(height), np.arange(width))
    noise = [((bits >> np.uint64(16 * k)) & np.uint64(0xFFFF)).astype(np.float64) / 32768.0 - 1.0 for k in range(4)]
    shared = (noise[0] + noise[1]) * grain
    image = np.empty((height, width, 3), dtype=np.uint8)
    for channel, balance in enumerate((1.0 + warmth, 1.0, 1.0 - warmth)):
        tone = np.sqrt(np.maximum(canvas[channel] * (exposure * balance), 0.0)) * 255.0
        tone += shared + noise[(2, 1, 3)[channel]] * grain
        image[:, :, channel] = np.floor(np.clip(tone + 0.5, 0.0, 255.0)).astype(np.uint8)
    return image


def _labelled(image: UInt8[np.ndarray, "h w 3"], owner: Int16[np.ndarray, "h w"], classes: list[int]) -> Scene:
    masks = [owner == number for number in range(len(classes))]
    seen = [number for number, mask in enumerate(masks) if mask.any()]
    boxes = [_tight_box(masks[number]) for number in seen]
    return Scene(
        image,
        classes[0],
        np.array([masks[number] for number in seen], dtype=np.bool_).reshape(len(seen), *owner.shape),
        np.array(boxes, dtype=np.float32).reshape(len(seen), 4),
        np.array([classes[number] for number in seen], dtype=np.int64),
    )


def _tight_box(mask: Bool[np.ndarray, "h w"]) -> tuple[int, int, int, int]:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1
