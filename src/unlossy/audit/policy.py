"""Policies: what a dataset's compression must be like, in a TOML file or as one number.

    name = "Training set"

    [[limit]]
    field = "ijg_quality_luma"      # a column of the rows, or compression_ratio
    min = 60                        # and max, allowed = [...], forbidden = [...], present = true or false
    missing = "pass"                # images without a quality (a PNG) are passed over and counted; or "fail"
    allowed_share = 0.01            # so many may fail, of all or, with group = "class", of each class
    where = { format = ["jpeg"] }   # only these rows

What is misspelt, of the wrong type or on an unknown column is refused before any work, by its place in the file; a kind
of groups that no image has breaks its limit, unless datasets usually tell it (a class): then all images are one group.
A limit that no image is held to holds and says so, since one policy may serve folders with and without WebP.
"""

import difflib
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from unlossy.audit.closed import values_of
from unlossy.audit.gate import Checker, LimitResult, Policy, PolicyResult, check
from unlossy.audit.limits import KINDS, Limit, Value
from unlossy.audit.options import ScanOptions
from unlossy.core.errors import UsageError

__all__ = [
    "Checker",
    "Limit",
    "LimitResult",
    "Policy",
    "PolicyResult",
    "check",
    "check_measured",
    "fail_under",
    "load_policy",
]

MAX_BYTES: Final = 1_000_000
_KEYS: Final = ("field", "min", "max", "allowed", "forbidden", "present", "missing", "allowed_share", "group", "where")
_VALUES_TOLD: Final = 12
_TYPE_NAMES: Final = {float: "a number", str: "text", bool: "true or false", list: "a list", dict: "a table"}
_OPTION_OF: Final = {
    "pixels": ("blockiness", "clipped_share"),
    "deep": ("scans", "trailing_bytes"),
    "sha256": ("sha256",),
}


def fail_under(ijg_quality: float | int) -> Policy:
    """The policy that no JPEG's luma quality lies under this one; raises UsageError outside 1..100.

    Images without an IJG quality (other formats, tables that are like none of IJG's) are passed over and counted.
    """
    if not 1 <= ijg_quality <= 100:
        raise UsageError(f"no IJG quality is {ijg_quality:g}; --fail-under takes 1 to 100")
    return Policy(f"fail under {ijg_quality:g}", (Limit("ijg_quality_luma", minimum=ijg_quality),))


def load_policy(path: Path | str) -> Policy:
    """The policy of a TOML file; raises UsageError, naming the place, for anything that is not understood."""
    where = f"the policy {str(path)!r}"
    try:
        with Path(path).open("rb") as file:
            told = tomllib.loads(file.read(MAX_BYTES).decode("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {where}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{where} is not TOML: {error}") from error
    _refuse_unknown(told, ("name", "description", "limit"), where)
    limits = _typed(told, "limit", list, where, [])
    if not limits:
        raise UsageError(f"{where} has no limit; add a [[limit]] with a field and a rule")
    return Policy(
        name=_typed(told, "name", str, where, Path(path).stem),
        limits=tuple(_limit(limit, f"{where}, limit {number}") for number, limit in enumerate(limits, start=1)),
        description=_typed(told, "description", str, where, ""),
    )


def check_measured(policy: Policy, options: ScanOptions) -> None:
    """Raises UsageError where the policy has a limit on what this audit will not look at; called before any work."""
    for option, columns in _OPTION_OF.items():
        if (asked := sorted(policy.columns.intersection(columns))) and not getattr(options, option):
            raise UsageError(f"the policy {policy.name!r} has a limit on {asked[0]!r}; add --{option} to measure it")


def _limit(told: Any, where: str) -> Limit:  # noqa: ANN401 (whatever the TOML holds)
    if not isinstance(told, dict):
        raise UsageError(f"{where} is no table; write [[limit]]")
    _refuse_unknown(told, _KEYS, where)
    name = _typed(told, "field", str, where, None)
    if name is None:
        raise UsageError(f"{where} names no field; add field = one of {', '.join(sorted(KINDS))}")
    where = f"{where} ({name})"
    kind = _kind(name, where)
    limit = Limit(
        field=name,
        minimum=_number(told, "min", kind, where),
        maximum=_number(told, "max", kind, where),
        allowed=_values(told, "allowed", name, where),
        forbidden=_values(told, "forbidden", name, where),
        present=_typed(told, "present", bool, where, None),
        missing_fails=_missing_fails(told, where),
        allowed_share=_typed(told, "allowed_share", float, where, 0.0),
        group=_typed(told, "group", str, where, None),
        where=_conditions(told, where),
    )
    _refuse_nonsense(limit, where)
    return limit


def _refuse_unknown(told: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    if unknown := sorted(set(told) - set(known)):
        raise UsageError(f"{where} has an unknown key {unknown[0]!r}; known are {', '.join(known)}")


def _refuse_nonsense(limit: Limit, where: str) -> None:
    """Raises UsageError for a limit that says nothing, or that nothing or everything can meet."""
    rules = (limit.minimum, limit.maximum, limit.allowed, limit.forbidden, limit.present)
    if all(rule is None for rule in rules):
        raise UsageError(f"{where} has no rule; add min, max, allowed, forbidden or present")
    if limit.minimum is not None and limit.maximum is not None and limit.minimum > limit.maximum:
        raise UsageError(f"{where}: min {limit.minimum:g} is above max {limit.maximum:g}")
    if not 0 <= limit.allowed_share < 1:
        raise UsageError(f"{where}: allowed_share {limit.allowed_share:g} is no share from 0 to below 1 (0.05 is 5 %)")
    if limit.present is False and any(rule is not None for rule in rules[:-1]):
        raise UsageError(f"{where}: what must not be given cannot have other rules")


def _kind(field: str, where: str) -> type:
    if field not in KINDS:
        raise UsageError(f"{where}: no column {field!r} to limit; there are {', '.join(sorted(KINDS))}")
    return KINDS[field]


def _missing_fails(told: Mapping[str, Any], where: str) -> bool:
    missing = _typed(told, "missing", str, where, "pass")
    if missing not in ("pass", "fail"):
        raise UsageError(f'{where}: missing is {missing!r}; it takes "pass" or "fail"')
    return bool(missing == "fail")


def _number(told: Mapping[str, Any], key: str, kind: type, where: str) -> float | None:
    value = _typed(told, key, float, where, None)
    if value is not None and kind is not float:
        raise UsageError(f"{where}: {key} is for numbers, and this column holds {_TYPE_NAMES[kind]}")
    return value


def _values(told: Mapping[str, Any], key: str, column: str, where: str) -> tuple[Value, ...] | None:
    """The values of a column that a key lists; raises UsageError for one that the column never has."""
    values = _typed(told, key, list, where, None)
    if values is None:
        return None
    if not values:
        raise UsageError(f"{where}: {key} is an empty list")
    known = values_of(column)
    for value in values:
        if known is not None and isinstance(value, str) and value not in known:
            near = difflib.get_close_matches(value.lower(), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}" if near else f"there are {', '.join(known[:_VALUES_TOLD])}"
            raise UsageError(f"{where}: {key} has {value!r}, which {column} never is; {hint}")
    return tuple(_checked(value, KINDS[column], f"{where}: {key}") for value in values)


def _conditions(told: Mapping[str, Any], where: str) -> dict[str, tuple[Value, ...]]:
    conditions = _typed(told, "where", dict, where, {})
    found = {}
    for name in conditions:
        _kind(name, f"{where}: where")
        found[name] = _values(conditions, name, name, f"{where}: where") or ()
    return found


def _typed(told: Mapping[str, Any], key: str, kind: type, where: str, default: Any) -> Any:  # noqa: ANN401
    """The value under a key, of the type that it must have; `default` where it is not there."""
    return _checked(told[key], kind, f"{where}: {key}") if key in told else default


def _checked(value: Any, kind: type, place: str) -> Any:  # noqa: ANN401 (whatever the TOML holds)
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"{place} is {value!r}; it takes {_TYPE_NAMES[kind]}")
    if kind is float and not math.isfinite(value):
        raise UsageError(f"{place} is {value}, which nothing can be compared with; give a number")
    return float(value) if kind is float else value
