"""A bound on the pixels that all threads hold together, so that memory does not grow with the number of cores."""

import threading
from typing import Final

CAPACITY_PX: Final = 64_000_000


class PixelGate:
    """At most `capacity_px` pixels at once; a picture larger than that goes when it is alone.

    A thread that holds pixels must not wait in `take`, or two could wait for each other: it uses `try_take`, and where
    that fails gives up what it holds first.
    """

    def __init__(self, capacity_px: int = CAPACITY_PX) -> None:
        self._capacity, self._free, self._changed = capacity_px, capacity_px, threading.Condition()

    def try_take(self, n_pixels: int) -> bool:
        """Whether the pixels were free and are taken now."""
        with self._changed:
            if min(n_pixels, self._capacity) > self._free:
                return False
            self._free -= min(n_pixels, self._capacity)
            return True

    def take(self, n_pixels: int) -> None:
        """Waits until the pixels are free, and takes them."""
        with self._changed:
            self._changed.wait_for(lambda: min(n_pixels, self._capacity) <= self._free)
            self._free -= min(n_pixels, self._capacity)

    def give(self, *n_pixels: int) -> None:
        """Gives back what was taken, each number as it was taken."""
        with self._changed:
            self._free += sum(min(n, self._capacity) for n in n_pixels)
            self._changed.notify_all()
