"""A dataset without files: procedurally generated, labelled scenes, each rendered when somebody asks for its bytes.

A scene is a pure function of seed, index and size, the same to the byte on every machine; `scenes/` draws it. The bytes
are binary PPM, whose one encoding needs no library, so that the dataset's digest can stand in a test.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from unlossy.core.errors import UsageError
from unlossy.core.types import Blob, ClassTarget, Item, Target, TargetKind
from unlossy.datasets.scenes.labels import (
    OBJECT_CATEGORIES,
    PIXEL_CATEGORIES,
    SUBJECTS,
    label_map_target,
    objects_target,
)
from unlossy.datasets.scenes.render import Scene, class_of, render_scene
from unlossy.datasets.scenes.things import CLASS_NAMES

__all__ = ["CLASS_NAMES", "Scene", "SceneBlob", "SyntheticDataset", "parse_synthetic", "render_scene"]

DEFAULT_SIZE_PX = 128
MAX_SIZE_PX = 8192
MAX_ITEMS = 1_000_000
_GRAMMAR = re.compile(r"synthetic:(?P<n>[0-9]{1,9})(?P<options>(?:,[a-z]+=[0-9]{1,19})*)")
_REMEDY = "Write synthetic:N[,size=S][,seed=K], for example synthetic:300,size=128,seed=0."


@dataclass(frozen=True, slots=True)
class SceneBlob(Blob):
    """The bytes of one square scene as a binary PPM; nothing is kept, so each read renders it anew."""

    seed: int
    index: int
    size: int
    subjects: tuple[int, int] = (1, 1)

    @property
    def size_bytes(self) -> int:
        """Size of the PPM; told without rendering."""
        return len(self._header()) + 3 * self.size * self.size

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on."""
        return self.all()[offset : offset + size]

    def all(self) -> bytes:
        """The PPM."""
        scene = render_scene(self.seed, self.index, width=self.size, height=self.size, subjects=self.subjects)
        return self._header() + scene.image_hwc.tobytes()

    def _header(self) -> bytes:
        return b"P6\n%d %d\n255\n" % (self.size, self.size)


@dataclass(frozen=True, slots=True)
class SyntheticDataset:
    """`n_items` square scenes of `size` pixels, balanced over the classes: any first N differ by at most one.

    With `targets` "class" each has one subject, whose class is the target; with "objects" or "label_map" up to four,
    of which the first is balanced. With "text" there is no target.
    """

    n_items: int
    size: int = DEFAULT_SIZE_PX
    seed: int = 0
    targets: TargetKind = "class"

    @property
    def spec(self) -> str:
        """The canonical text, every option written out; parse_synthetic gives an equal dataset."""
        return f"synthetic:{self.n_items},size={self.size},seed={self.seed}"

    @property
    def others(self) -> Mapping[str, int]:
        """Nothing: there are no files beside the scenes."""
        return {}

    @property
    def categories(self) -> Mapping[int, str]:
        """Names by the ids that objects and label maps have; none for classes, whose numbers are the model's."""
        return {"objects": OBJECT_CATEGORIES, "label_map": PIXEL_CATEGORIES}.get(self.targets, {})

    def __len__(self) -> int:
        return self.n_items

    def __iter__(self) -> Iterator[Item]:
        subjects = SUBJECTS if self.targets in ("objects", "label_map") else (1, 1)
        for index in range(self.n_items):
            yield Item(
                key=f"scene-{index:06d}.ppm",
                blob=SceneBlob(self.seed, index, self.size, subjects),
                target=self._target(index),
                groups={"class": CLASS_NAMES[class_of(self.seed, index)]},
            )

    def _target(self, index: int) -> Target | None:
        match self.targets:
            case "class":
                return ClassTarget(class_of(self.seed, index))
            case "objects":
                return objects_target(self.seed, index, self.size)
            case "label_map":
                return label_map_target(self.seed, index, self.size)
            case _:
                return None


def parse_synthetic(spec: str, targets: TargetKind = "class") -> SyntheticDataset:
    """The dataset that "synthetic:N[,size=S][,seed=K]" names, with such targets; raises UsageError."""
    match = _GRAMMAR.fullmatch(spec)
    if match is None:
        raise UsageError(f"{spec!r} is not a synthetic dataset. {_REMEDY}")
    options: dict[str, int] = {}
    for text in match["options"].split(",")[1:]:
        name, _, value = text.partition("=")
        if name not in ("size", "seed") or name in options:
            finding = "is given twice" if name in options else "is unknown"
            raise UsageError(f"{spec!r}: the option {name!r} {finding}. {_REMEDY}")
        options[name] = int(value)
    n_items, size = int(match["n"]), options.get("size", DEFAULT_SIZE_PX)
    if not 1 <= n_items <= MAX_ITEMS:
        raise UsageError(f"{spec!r}: {n_items} scenes; choose 1 to {MAX_ITEMS}. {_REMEDY}")
    if not 1 <= size <= MAX_SIZE_PX:
        raise UsageError(f"{spec!r}: scenes of {size} pixels; choose 1 to {MAX_SIZE_PX}. {_REMEDY}")
    return SyntheticDataset(n_items, size, options.get("seed", 0), targets)
