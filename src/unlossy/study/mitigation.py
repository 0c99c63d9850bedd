"""What stands between the compressed picture and the model: nothing, or a corrector."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from unlossy.core.errors import ItemError
from unlossy.core.types import Decoded
from unlossy.correctors.base import Corrector
from unlossy.correctors.each import correct_each
from unlossy.correctors.registry import Choices, open_corrector
from unlossy.runs.mitigations import corrector_spec
from unlossy.runs.plan import StudyPlan
from unlossy.store import NONE


@dataclass(frozen=True, slots=True)
class Mitigation:
    """A mitigation under the text that the plan gives it; `corrector` is None for `none`."""

    text: str = NONE
    corrector: Corrector | None = None

    def apply(self, pictures: Sequence[Decoded | ItemError]) -> list[Decoded | ItemError]:
        """The pictures as the model is to see them, in order; errors stay, and a failure is that picture's error.

        What comes back has no hints: they describe the picture as it was.
        """
        if self.corrector is None:
            return list(pictures)
        there = [picture for picture in pictures if isinstance(picture, Decoded)]
        outcomes = iter(correct_each(self.corrector, there))
        return [_decoded(next(outcomes)) if isinstance(picture, Decoded) else picture for picture in pictures]


def open_mitigations(plan: StudyPlan) -> tuple[Mitigation, ...]:
    """The plan's mitigations, ready to work; raises UsageError and MissingDependency as `open_corrector`.

    A corrector gets one thread, since it runs in the workers, of which there is one per core.
    """
    with _torch_threads_kept():
        return tuple(
            Mitigation(text, open_corrector(spec, Choices(threads=1)) if (spec := corrector_spec(text)) else None)
            for text in plan.mitigations
        )


def made_by(mitigations: Sequence[Mitigation]) -> dict[str, Any]:
    """Name and digest of each corrector by the mitigation's text, for the rows' provenance; empty without any."""
    return {
        mitigation.text: {"corrector": mitigation.corrector.name, "digest": mitigation.corrector.digest}
        for mitigation in mitigations
        if mitigation.corrector is not None
    }


def libraries_of(mitigations: Sequence[Mitigation]) -> tuple[str, ...]:
    """Distributions whose versions can change what the correctors answer."""
    named = [name for m in mitigations if m.corrector is not None for name in m.corrector.libraries]
    return tuple(dict.fromkeys(named))


def _decoded(outcome: Any) -> Decoded | ItemError:  # noqa: ANN401 (pixels or an error)
    return outcome if isinstance(outcome, ItemError) else Decoded(outcome)


@contextmanager
def _torch_threads_kept() -> Iterator[None]:
    """Keeps torch's number of threads: it is one for the whole process, and the model wants its own."""
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    yield
    if torch is not None and before is not None:
        torch.set_num_threads(before)
