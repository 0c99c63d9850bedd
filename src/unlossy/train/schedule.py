"""Learning rates over a run, as factors of the highest."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """A warm-up, then half a cosine to zero (`decay_steps` None) or a plateau and a fall to zero over `decay_steps`.

    With a plateau the factor of a step does not depend on the run's length until the fall, so that a run can be made
    longer when it is resumed, and brought to its end at any moment.
    """

    steps: int
    warmup_steps: int = 200
    decay_steps: int | None = None

    def factor(self, step: int) -> float:
        """The factor of a step (counted from 0), 0..1."""
        rise = min(1.0, (step + 1) / max(1, self.warmup_steps))
        if self.decay_steps is None:
            return rise * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / self.steps)))
        return rise * min(1.0, max(0.0, (self.steps - step) / max(1, self.decay_steps)))
