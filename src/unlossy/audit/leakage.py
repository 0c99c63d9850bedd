"""The leakage test: how well headers alone tell an image's class, or its split.

A ridge classifier sees what an encoder chose (quality, tables, sampling, process, encoder, format ...) and nothing of
the picture: no size in bytes, width, height, rate or colour. Its figure is the area under the ROC curve, one class
against the rest, averaged over classes and over the folds of a stratified cross-validation. Its p-value is exact: the
headers are dealt anew to the images and the whole cross-validation is repeated (Ojala and Garriga 2010, "Permutation
tests for studying classifier performance", JMLR 11). A class that its headers tell can be learned without a look at
the pictures.

Images with equal headers are one row with a count, so that a fit takes about a millisecond and no library.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Int64

from unlossy.audit.block import p_text
from unlossy.audit.evidence import Evidence
from unlossy.audit.headers import FEATURES_SEEN, Headers, header_vectors
from unlossy.audit.ridge import cross_validated_auc
from unlossy.core.words import counted, plural

LABELS: Final = ("class", "split")
LEVEL: Final = 0.01
"""For all labels together."""

MIN_AUC: Final = 0.55
SHUFFLES: Final = 199
STOP_AFTER: Final = 20
"""Shuffles that do as well as the truth, after which the test ends: there is no leak to be seen (Besag and Clifford
1991, "Sequential Monte Carlo p-values")."""

FOLDS: Final = 5
MIN_PER_CLASS: Final = 10
MAX_CLASSES: Final = 100
MAX_IMAGES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Leak:
    """What the headers tell of one label.

    Attributes:
        label: `class` or `split`.
        auc: Cross-validated area under the ROC curve, macro-averaged, 0..1; None where the test was not made.
        chance_low, chance_high: 2.5 % and 97.5 % points of the same figure over the shuffles; chance is 0.5.
        p_value: (1 + shuffles that do as well) / (1 + shuffles), at least 0.005.
        n, n_classes: Images and classes of the test; `left_out` says which are not in it.
        sure: The p-value is at most LEVEL over the number of labels: it is no chance.
        claimed: It is sure, and the area is at least MIN_AUC: it is worth a word.
        reason: Why there is no figure.
        features: What the classifier sees.
    """

    label: str
    auc: float | None = None
    chance_low: float | None = None
    chance_high: float | None = None
    p_value: float | None = None
    n: int = 0
    n_classes: int = 0
    sure: bool = False
    claimed: bool = False
    left_out: str | None = None
    reason: str | None = None
    features: tuple[str, ...] = FEATURES_SEEN

    @property
    def status(self) -> str:
        """`measured` or `not run`."""
        return "not run" if self.auc is None else "measured"

    @property
    def sentence(self) -> str:
        """What was found, with its figures."""
        if self.auc is None or self.p_value is None:
            return f"Whether headers tell the {self.label} was not tested: {self.reason}."
        figures = f"AUC {self.auc:.2f} (chance 0.50, {self.chance_low:.2f} to {self.chance_high:.2f} when shuffled; "
        figures += f"{p_text(self.p_value)}; {self.n} images, {counted(self.n_classes, self.label)})"
        if not self.sure:
            return f"No leak of the {self.label} found: a classifier that sees only file headers scores {figures}."
        head = "Leak" if self.claimed else "Faint leak"
        return f"{head}: a classifier that sees only file headers tells the {self.label} with {figures}."

    def as_json(self) -> dict[str, Any]:
        """All fields and the status."""
        return {"status": self.status} | asdict(self) | {"features": list(self.features)}


def measure_leakage(evidence: Evidence, seed: int = 0) -> tuple[Leak, ...]:
    """A Leak for each label that the images have; the same seed gives the same figures."""
    labels = [label for label in LABELS if label in evidence.dimensions]
    return tuple(_measured(evidence, label, LEVEL / len(labels), seed) for label in labels)


def _measured(evidence: Evidence, label: str, level: float, seed: int) -> Leak:
    generator = np.random.default_rng(seed)
    rows, note = _chosen(evidence, label, generator)
    classes, targets = np.unique(evidence.dimensions[label].codes[rows], return_inverse=True)
    if len(classes) < 2:
        return Leak(label, reason=f"fewer than two {plural(label)} have {MIN_PER_CLASS} images", left_out=note)
    headers = header_vectors(evidence, rows)
    if len(headers.vectors) < 2:
        return Leak(label, reason="the headers of all images say the same", left_out=note)
    folds = _stratified(targets, generator)
    auc = cross_validated_auc(headers, targets, folds, FOLDS)
    shuffled, as_good = _shuffles(headers, targets, folds, auc, generator)
    p_value = (1 + as_good) / (1 + len(shuffled))
    low, high = np.quantile(shuffled, (0.025, 0.975))
    sure = p_value <= level
    found = (auc, float(low), float(high), p_value, len(rows), len(classes))
    return Leak(label, *found, sure=sure, claimed=sure and auc >= MIN_AUC, left_out=note)


def _shuffles(
    headers: Headers,
    targets: Int64[np.ndarray, " n"],
    folds: Int64[np.ndarray, " n"],
    auc: float,
    generator: np.random.Generator,
) -> tuple[list[float], int]:
    """The figure with the headers dealt anew, many times, and how often it was as good as the true one."""
    figures: list[float] = []
    as_good = 0
    while len(figures) < SHUFFLES and as_good < STOP_AFTER:
        figures.append(cross_validated_auc(headers.shuffled(generator), targets, folds, FOLDS))
        as_good += figures[-1] >= auc - 1e-12
    return figures, as_good


def _chosen(
    evidence: Evidence, label: str, generator: np.random.Generator
) -> tuple[Int64[np.ndarray, " m"], str | None]:
    """The rows of the test, and in words what is left out: small classes, classes and images beyond the limits."""
    codes = evidence.dimensions[label].codes
    usable = np.flatnonzero((codes >= 0) & (evidence.features["format"].codes >= 0))
    sizes = np.bincount(codes[usable]) if len(usable) else np.zeros(1, np.int64)
    large = np.flatnonzero(sizes >= MIN_PER_CLASS)
    largest = large[np.argsort(-sizes[large], kind="stable")[:MAX_CLASSES]]
    rows = usable[np.isin(codes[usable], largest)]
    notes = []
    if small := int((sizes > 0).sum()) - len(large):
        notes.append(f"{counted(small, label)} of fewer than {MIN_PER_CLASS} images")
    if len(large) > MAX_CLASSES:
        notes.append(f"all but the {MAX_CLASSES} largest {plural(label)}")
    if len(rows) > MAX_IMAGES:
        notes.append(f"all but {MAX_IMAGES} images, drawn at random")
        rows = np.sort(generator.choice(rows, MAX_IMAGES, replace=False))
    return rows, "; ".join(notes) or None


def _stratified(targets: Int64[np.ndarray, " n"], generator: np.random.Generator) -> Int64[np.ndarray, " n"]:
    """A fold for each image, so that each class is spread evenly over the folds."""
    order = generator.permutation(len(targets))
    order = order[np.argsort(targets[order], kind="stable")]
    folds = np.empty(len(targets), np.int64)
    folds[order] = np.arange(len(targets)) % FOLDS
    return folds
