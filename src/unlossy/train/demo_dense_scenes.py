"""Scenes with several subjects as training wants them: pictures, label maps and boxes in arrays, mirrored by chance."""

import multiprocessing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from unlossy.datasets.scenes.labels import SUBJECTS, label_map_of
from unlossy.datasets.scenes.render import render_scene

NO_OBJECT = -1
"""The class of a place in the table of boxes that holds none."""


@dataclass(frozen=True, slots=True)
class DenseScenes:
    """Rendered scenes and what is in them; label maps hold 0 for the background, else the class + 1."""

    images: UInt8[np.ndarray, "n h w 3"]
    label_maps: UInt8[np.ndarray, "n h w"]
    boxes_xyxy: Float32[np.ndarray, "n m 4"]
    classes: Int64[np.ndarray, "n m"]

    def draw(self, chance: np.random.Generator, n: int) -> "DenseScenes":
        """`n` scenes picked by chance, each mirrored or not."""
        picked = chance.integers(0, len(self.images), n)
        turned = chance.random(n) < 0.5
        images, label_maps, boxes = self.images[picked], self.label_maps[picked], self.boxes_xyxy[picked]
        images[turned], label_maps[turned] = images[turned, :, ::-1], label_maps[turned, :, ::-1]
        boxes[turned] = np.where([True, False, True, False], images.shape[2] - boxes[turned], boxes[turned])
        boxes[turned] = boxes[turned][..., [2, 1, 0, 3]]
        return DenseScenes(images, label_maps, boxes, self.classes[picked])


def render_dense_scenes(seed: int, n: int, size: int, processes: int) -> DenseScenes:
    """The first `n` scenes of a seed, rendered in so many processes."""
    jobs = [(seed, index, size) for index in range(n)]
    if processes == 1:
        rendered = [_render(job) for job in jobs]
    else:
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            rendered = pool.map(_render, jobs, chunksize=50)
    images, label_maps, boxes, classes = zip(*rendered, strict=True)
    return DenseScenes(np.stack(images), np.stack(label_maps), np.stack(boxes), np.stack(classes))


def _render(
    job: tuple[int, int, int],
) -> tuple[UInt8[np.ndarray, "h w 3"], UInt8[np.ndarray, "h w"], Float32[np.ndarray, "m 4"], Int64[np.ndarray, " m"]]:
    seed, index, size = job
    scene = render_scene(seed, index, width=size, height=size, subjects=SUBJECTS)
    n = len(scene.boxes_xyxy)
    boxes, classes = np.zeros((SUBJECTS[1], 4), np.float32), np.full(SUBJECTS[1], NO_OBJECT, np.int64)
    boxes[:n], classes[:n] = scene.boxes_xyxy, scene.instance_classes
    return scene.image_hwc, label_map_of(scene), boxes, classes
