"""Mitigations as people say them: what is done between the compressed picture and the answer.

none                        nothing: the model as it is
correct=NAME_OR_FILE        a corrector repairs the picture first
model=SPEC                  another model of the same classes answers, a fine-tuned one, say
correct=...+model=SPEC      both: the other model sees the repaired picture
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from unlossy.core.errors import UsageError
from unlossy.correctors.flipped import PREFIX
from unlossy.correctors.registry import CORRECTORS
from unlossy.store import NONE

CORRECT: Final = "correct="
MODEL: Final = "model="
_HEAD: Final = re.compile(r"^(?:[a-z]+:)?(?:[^/@]*@)?")
"""What stands before the path in a SPEC: "hf:", "torchvision:resnet50@", "dncnn3@"."""
_OF_EVERY_RUN: Final = {"weights", "model"}
"""What trainings call their results."""
FORMS: Final = "none, correct=NAME_OR_FILE, model=SPEC, and correct=NAME_OR_FILE+model=SPEC"


@dataclass(frozen=True, slots=True)
class Parts:
    """The corrector and the model that a mitigation names, each empty where it names none."""

    corrector: str = ""
    model: str = ""


def parts_of(mitigation: str) -> Parts:
    """The parts of a mitigation; raises UsageError on an unknown text."""
    if mitigation == NONE:
        return Parts()
    first, plus, rest = mitigation.partition(f"+{MODEL}")
    parts = Parts(_after(CORRECT, first), rest if plus else _after(MODEL, first))
    if not (parts.corrector or (parts.model and not plus)) or (plus and not parts.model):
        raise UsageError(
            f"the mitigation {mitigation!r} is not known to this version; there are: {FORMS} "
            "(correct=small, correct=runs/mine/weights.safetensors, model=hf:my-finetuned-model)"
        )
    if f"+{CORRECT}" in parts.model:
        model, _, corrector = parts.model.partition(f"+{CORRECT}")
        raise UsageError(f"the corrector comes first: write {CORRECT}{corrector}+{MODEL}{model}")
    return parts


def in_order(mitigations: Iterable[str]) -> tuple[str, ...]:
    """Each mitigation once, `none` first where it is one, the others as given; raises UsageError on an unknown text."""
    texts = tuple(dict.fromkeys(mitigations))
    for text in texts:
        parts_of(text)
    if not texts:
        raise UsageError("a study needs a mitigation, if only none")
    return tuple(sorted(texts, key=lambda text: text != NONE))


def short_names(mitigations: Sequence[str]) -> dict[str, str]:
    """Each mitigation as a table shows it: files by their last names, as many folders before them as tell them apart.

    What a training writes has its run's name: "correct=runs/a/weights.safetensors" becomes "correct=a", beside another
    run of that name "correct=runs/a". No file is called as a corrector that ships: a run of the name small stays
    "correct=runs/small", for "correct=small" is another one.
    """
    names = dict(zip(mitigations, mitigations, strict=True))
    for n_parts in (3, 2, 1):
        shorter = {text: _short(text, n_parts) for text in mitigations}
        counts = Counter(shorter.values())
        names |= {text: name for text, name in shorter.items() if counts[name] == 1}
    return names


def _short(mitigation: str, n_parts: int) -> str:
    parts = parts_of(mitigation)
    named = (
        (CORRECT, parts.corrector and _own(parts.corrector, n_parts)),
        (MODEL, parts.model and _last(parts.model, n_parts)),
    )
    return "+".join(f"{prefix}{name}" for prefix, name in named if name) or NONE


def _own(spec: str, n_parts: int) -> str:
    """A corrector's last name with as many folders more as keep it from being a registered corrector's."""
    names = (_last(spec, n) for n in (n_parts, n_parts + 1))
    return next((name for name in names if name == spec or name.removeprefix(PREFIX) not in CORRECTORS), spec)


def _last(spec: str, n_parts: int) -> str:
    """A SPEC with no more than the last parts of its path, without its ending: "hf:../runs/mine" becomes "hf:mine"."""
    head = "".join(_HEAD.findall(spec)[:1])
    path = spec.removeprefix(head).rstrip("/").removesuffix(".safetensors").removesuffix(".onnx").split("/")
    if path[-1] in _OF_EVERY_RUN and len(path) > 1:
        path.pop()
    return head + "/".join(path[-n_parts:])


def _after(prefix: str, text: str) -> str:
    return text.removeprefix(prefix) if text.startswith(prefix) else ""
