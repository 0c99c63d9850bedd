"""What a study is asked to do: one frozen dataclass, written to `plan.toml` with its hash.

The hash covers all that decides the rows and nothing else; the RUN folder is not in it, so a RUN can be moved.
"""

import json
import os
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from unlossy.codecs import Codec, parse_codecs
from unlossy.core.errors import UsageError
from unlossy.core.tools import digest_of, printable
from unlossy.runs.mitigations import in_order

COMPRESS_AT = ("source", "input")
LISTS = ("codecs", "mitigations")
NUMBERS = ("limit", "seed", "batch")


@dataclass(frozen=True, slots=True, init=False)
class StudyPlan:
    """A model, images, codec settings, and how they are brought together.

    `codecs` are SPECs and become their canonical settings; `mitigations` are texts as in `mitigations.py`, none first;
    `limit` takes the first N items in key order; `compress_at` compresses at the size of the `source` image, or of the
    model's `input` (after its own resizing and cropping); `seed` draws the intervals; `batch` is the number of images
    the model sees at once.
    """

    model: str
    data: str
    task: str
    codecs: tuple[str, ...]
    mitigations: tuple[str, ...]
    limit: int | None
    seed: int
    batch: int
    compress_at: str

    def __init__(
        self,
        model: str,
        data: str | os.PathLike[str],
        task: str = "classification",
        codecs: str | Sequence[str] = ("jpeg",),
        mitigations: str | Sequence[str] = ("none",),
        limit: int | None = None,
        seed: int = 0,
        batch: int = 32,
        compress_at: str = "source",
    ) -> None:
        """A path becomes its text, a single text a tuple of it; raises UsageError."""
        values = {
            "model": model,
            "data": os.fspath(data),
            "task": task,
            "codecs": tuple(codec.setting for codec in _parsed(_together(codecs))),
            "mitigations": in_order(_together(mitigations)),
            "limit": limit,
            "seed": seed,
            "batch": batch,
            "compress_at": compress_at,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._refuse_misfits()

    def _refuse_misfits(self) -> None:
        if not self.codecs:
            raise UsageError("a study needs a codec, for example jpeg:10..90:10")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit must be 1 or more, not {self.limit}")
        if self.batch < 1:
            raise UsageError(f"batch must be 1 or more, not {self.batch}")
        if self.seed < 0:
            raise UsageError(f"seed must be 0 or more, not {self.seed}")
        if self.compress_at not in COMPRESS_AT:
            raise UsageError(f"compress_at is one of {', '.join(COMPRESS_AT)}, not {self.compress_at!r}")
        if self.compress_at == "input" and self.task != "classification":
            raise UsageError(
                f"compress_at input is for classification; {self.task} answers in the source's own coordinates"
            )
        for text in (self.model, self.data, *self.mitigations):
            _refuse_undecodable(text)

    @property
    def made_codecs(self) -> tuple[Codec, ...]:
        """The codecs themselves, in the order of `codecs`."""
        return _parsed(self.codecs)

    @property
    def hash(self) -> str:
        """SHA-256 of every field, in hex."""
        return digest_of(asdict(self))

    def to_toml(self) -> str:
        """The plan as TOML, its hash in the first line's comment and in `hash`."""
        lines = [f"{name} = {_toml(value)}" for name, value in asdict(self).items() if value is not None]
        return "\n".join([f'hash = "{self.hash}"', "", "[plan]", *lines, ""])

    @classmethod
    def from_toml(cls, text: str) -> "StudyPlan":
        """The plan that `to_toml` wrote, or a person; raises UsageError on unknown fields and wrong types."""
        try:
            table = tomllib.loads(text).get("plan", {})
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"the plan is not TOML: {error}") from error
        known = {field.name for field in fields(cls)}
        if unknown := set(table) - known:
            raise UsageError(
                f"the plan has unknown fields: {', '.join(sorted(unknown))}; there are: {', '.join(sorted(known))}"
            )
        if missing := {"model", "data"} - set(table):
            raise UsageError(f"the plan lacks {' and '.join(sorted(missing))}")
        return cls(**{name: _checked(name, value) for name, value in table.items()})

    def limited_to(self, limit: int | None) -> "StudyPlan":
        """The same plan over the first `limit` items."""
        return replace(self, limit=limit)


def _parsed(specs: tuple[str, ...]) -> tuple[Codec, ...]:
    codecs = [codec for spec in specs for codec in parse_codecs(spec)]
    return tuple({codec.setting: codec for codec in codecs}.values())


def _toml(value: str | int | tuple[str, ...]) -> str:
    """A TOML value; JSON's strings, numbers and lists of them are TOML too.

    But for two things: TOML has no surrogate pairs, so characters stand as they are, and it wants DEL escaped.
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _refuse_undecodable(text: str) -> None:
    """Raises UsageError on a lone surrogate: a path's byte that is not UTF-8, which TOML has no way to write."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"'{printable(text)}' is not UTF-8, as a plan must be; rename what it names") from error


def _together(texts: str | Iterable[str]) -> tuple[str, ...]:
    """The texts, or the only one."""
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _checked(name: str, value: Any) -> Any:  # noqa: ANN401 (whatever TOML held)
    if name in LISTS:
        if not isinstance(value, list) or not all(isinstance(element, str) for element in value):
            raise UsageError(f"the plan's {name} must be a list of texts, not {value!r}")
        return tuple(value)
    wanted = int if name in NUMBERS else str
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise UsageError(f"the plan's {name} must be of type {wanted.__name__}, not {value!r}")
    return value
