"""A rogue block: its images, where they are, what they share, and the sentence that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Int64

from unlossy.audit.evidence import FEATURES, NO_QUALITY, TABLES, Evidence
from unlossy.core.words import counted, plural

QUALITY: Final = "quality"
SHARED: Final = 0.9
ELSEWHERE: Final = 0.5
"""A fact is named where at least 90 % of the block share it and at most half of the other images do."""

UNKNOWN: Final = "unknown"
"""What the encoder's column says where nothing tells it."""

KEYS_IN_JSON: Final = 1000
NAMES_TOLD: Final = 6
_WORDS: Final = {
    QUALITY: "at quality {}",
    "encoder": "written by {}",
    "luma table": "with luma table {}",
    "chroma table": "with chroma table {}",
    "process": "coded {}",
    "sampling": "sampled {}",
    "format": "in {}",
    "tables": "with tables that are {}",
    "restart markers": "restart markers: {}",
    "precision": "of {} bits",
    "lossless": "lossless: {}",
}


@dataclass(frozen=True, slots=True, eq=False)
class RogueBlock:
    """A group of images whose compression differs from the rest.

    Attributes:
        dimension, groups: Where they are: the kind of groups, and their names, the one with the largest share first.
        traits: What at least 90 % of them share and at most half of the others do: `quality` as `12`, `<= 40` or
            `40 to 60`, `encoder`, `luma table` (digest) and so on.
        row_numbers, keys: Their positions in the audit's rows, and their keys.
        n_of_groups: All images of these groups of which the trait can be told.
        n_elsewhere, n_of_rest: Images with the main trait outside of them, out of so many.
        effect: Cohen's h of the trait's share in these groups against its share elsewhere; blocks are ranked by it.
        p_value: Of the gathering, corrected for everything that was tried.
        quality_median, rest_quality_median: IJG luma quality; None where no image has one.
    """

    dimension: str
    groups: tuple[str, ...]
    traits: Mapping[str, str]
    row_numbers: Int64[np.ndarray, " n"]
    keys: tuple[str, ...]
    n_of_groups: int
    n_elsewhere: int
    n_of_rest: int
    effect: float
    p_value: float
    quality_median: float | None
    rest_quality_median: float | None

    @property
    def n(self) -> int:
        """Images in the block."""
        return len(self.row_numbers)

    @property
    def name(self) -> str:
        """What and where: "30 images at quality 12, in classes a and b"."""
        told = [_WORDS[fact].format(value) for fact, value in _worth_naming(self.traits).items()]
        return f"{counted(self.n)} {', '.join(told)}, in {grouped(self.dimension, self.groups)}"

    @property
    def sentence(self) -> str:
        """The name with its figures."""
        share = "all" if self.n == self.n_of_groups else f"{100 * self.n / self.n_of_groups:.0f} %"
        there = f"{share} of the {self.n_of_groups} there, {self.n_elsewhere} of {self.n_of_rest} elsewhere"
        return f"{self.name}: {there} ({self._beside_rest()}{p_text(self.p_value)})."

    def as_json(self) -> dict[str, Any]:
        """The block as JSON holds it; of the keys the first thousand."""
        figures = ("n", "n_of_groups", "n_elsewhere", "n_of_rest", "effect", "p_value")
        medians = ("quality_median", "rest_quality_median")
        return {
            "name": self.name,
            "dimension": self.dimension,
            "groups": list(self.groups),
            "traits": dict(self.traits),
            **{name: getattr(self, name) for name in (*figures, *medians)},
            "keys": list(self.keys[:KEYS_IN_JSON]),
        }

    def _beside_rest(self) -> str:
        here, rest = self.quality_median, self.rest_quality_median
        if here is None or rest is None:
            return ""
        if here == rest:
            return f"the same median quality as the rest, {rest:g}; "
        return f"median quality {here:g} against {rest:g}; "


def _worth_naming(traits: Mapping[str, str]) -> dict[str, str]:
    """The facts that tell the most: tables only where neither a quality nor an encoder says them."""
    facts = dict(traits)
    if facts.get("encoder") == UNKNOWN:
        facts["encoder"] = "an unknown encoder"
    elif "encoder" in facts or (facts.get(QUALITY, "").isdigit() and "tables" not in facts):
        facts = {fact: value for fact, value in facts.items() if fact not in (*TABLES, "tables")}
    if "luma table" in facts:
        facts = {fact: value for fact, value in facts.items() if fact not in ("chroma table", "tables")}
    if "format" in facts:
        facts.pop("lossless", None)
    return facts or dict(traits)


def shared_traits(evidence: Evidence, inside: Bool[np.ndarray, " n"]) -> dict[str, str]:
    """What these rows have in common and the others have not, by feature, the quality first."""
    told: dict[str, str] = {}
    if quality := _shared_quality(evidence.luma[inside], evidence.luma[~inside]):
        told[QUALITY] = quality
    for feature in FEATURES:
        codes = evidence.features[feature].codes
        here = codes[inside]
        if here.max(initial=-1) < 0:
            continue
        common = int(np.bincount(here[here >= 0]).argmax())
        if float((here == common).mean()) >= SHARED and float((codes[~inside] == common).mean()) <= ELSEWHERE:
            told[feature] = evidence.features[feature].names[common]
    return told


def _shared_quality(here: Any, rest: Any) -> str | None:  # noqa: ANN401 (arrays of int16)
    low, high = (int(q) for q in np.quantile(here, (0.05, 0.95), method="inverted_cdf"))
    if low == NO_QUALITY or float(((rest >= low) & (rest <= high)).mean()) > ELSEWHERE:
        return None
    return str(low) if low == high else f"{low} to {high}"


def grouped(dimension: str, names: Sequence[str]) -> str:
    """Groups by kind and name: "class a", "classes a and b", "classes a, b, c, d, e, f and 3 more"."""
    told = [name or "(the top folder)" for name in names[:NAMES_TOLD]]
    rest = len(names) - len(told)
    if len(names) == 1:
        return f"{dimension} {told[0]}"
    listed = f"{', '.join(told)} and {rest} more" if rest else f"{', '.join(told[:-1])} and {told[-1]}"
    return f"{plural(dimension)} {listed}"


def p_text(p_value: float) -> str:
    """A p-value as people write it: "p = 0.002", "p < 0.000001"."""
    return f"p = {p_value:.2g}" if p_value >= 1e-6 else "p < 0.000001"
