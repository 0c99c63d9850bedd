"""Text recognition: what stands written in a picture, a word or a page. Normalisation: see metrics.text."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from unlossy.core.tools import require
from unlossy.core.types import Target, TargetKind, TextTarget
from unlossy.metrics.text import edits_of, error_rates, normalised, rule_of, unpacked
from unlossy.tasks.asking import asked
from unlossy.tasks.base import Prepared, Score, Yardstick
from unlossy.tasks.means import means_of
from unlossy.tasks.models.text.base import Reader, Reading


class TextYardstick:
    """Error rates over the set (sums of edits over sums of lengths), accuracy per picture, agreement; all in 0..1.

    `char_accuracy` is 1 - `cer`; `item_accuracy` the mean over pictures of the same, short and long ones alike;
    `word_accuracy` the share of pictures whose whole text is right.
    """

    task: str = "text"
    targets: TargetKind = "text"
    metrics: tuple[str, ...] = ("char_accuracy", "word_accuracy", "item_accuracy", "cer", "wer", "agreement")
    set_metrics: tuple[str, ...] = ("char_accuracy", "cer", "wer")
    main_metric: str = "char_accuracy"
    item_metric: str = "item_accuracy"
    lower_is_better: frozenset[str] = frozenset({"cer", "wer"})
    spoken: Mapping[str, str] = MappingProxyType(
        {
            "char_accuracy": "character accuracy",
            "word_accuracy": "texts right",
            "item_accuracy": "accuracy per text",
            "cer": "CER",
            "wer": "WER",
            "agreement": "agreement",
        }
    )

    def as_target(self, prediction: Reading) -> TextTarget:
        """The text read as if it stood there."""
        return TextTarget(prediction.text)

    def score(self, prediction: Reading, target: Target | None) -> Score:
        """The score against the true text; `agreement` is None here, as are all without a truth."""
        values: dict[str, float | None] = dict.fromkeys(self._item_metrics)
        if not isinstance(target, TextTarget):
            return Score(values)
        rule, edits = rule_of(target.text), edits_of(prediction.text, target.text)
        values["word_accuracy"] = float(normalised(prediction.text, rule) == normalised(target.text, rule))
        values["item_accuracy"] = edits.char_accuracy
        return Score(values, edits.packed())

    def agreement(self, prediction: Reading, clean: Reading) -> float:
        """The character accuracy against what the model reads in the clean picture; 1 where both are empty."""
        return edits_of(prediction.text, clean.text).char_accuracy

    def as_json(self, prediction: Reading) -> dict[str, Any]:
        """The text read and the model's confidence."""
        return {"text": prediction.text, "confidence": prediction.confidence}

    def target_as_json(self, target: Target) -> dict[str, Any]:
        """The true text."""
        return {"text": target.text} if isinstance(target, TextTarget) else {}

    def summarise(
        self, scores: Sequence[Score], weights: Float[np.ndarray, " n"] | None = None
    ) -> dict[str, float | None]:
        """Each metric over all items; None where no item has it, or all that do weigh nothing."""
        counts = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
        means = means_of(scores, self._item_metrics, weights)
        rates = {m: None if np.isnan(v[0]) else float(v[0]) for m, v in _rates(scores, counts[None]).items()}
        return {metric: (means | rates)[metric] for metric in self.metrics}

    def resample(self, scores: Sequence[Score], draws: Float[np.ndarray, "d n"]) -> dict[str, Float[np.ndarray, " d"]]:
        """CER, WER and character accuracy in each draw, NaN where no character was drawn; nothing without truths."""
        return _rates(scores, draws) if any(score.evidence for score in scores) else {}

    @property
    def _item_metrics(self) -> tuple[str, ...]:
        return tuple(metric for metric in self.metrics if metric not in self.set_metrics)


def _rates(scores: Sequence[Score], draws: Float[np.ndarray, "d n"]) -> dict[str, Float[np.ndarray, " d"]]:
    cer, wer = error_rates(unpacked([score.evidence for score in scores]), draws)
    return {"char_accuracy": 1.0 - cer, "cer": cer, "wer": wer}


class TextTask:
    """A Reader and the yardstick for it."""

    remarks: tuple[str, ...] = ()

    def __init__(self, reader: Reader) -> None:
        """Wrap a reader; it is used as it is, from several threads. Raises MissingDependency without rapidfuzz."""
        require("rapidfuzz", "text", "comparing texts")
        self.reader = reader
        self.yardstick: Yardstick = TextYardstick()
        self.classes: Mapping[int, str] | None = None
        self.model_spec = reader.spec
        self.model_digest = reader.digest
        self.libraries = (*reader.libraries, "rapidfuzz")

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture in the geometry the model sees, RGB; thread-safe."""
        return self.reader.resize(image_hwc)

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Prepared:
        """A resized picture as the model takes it; thread-safe."""
        return self.reader.normalise(image_hwc)

    def prepare(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> Prepared:
        """What the model wants of a source picture; thread-safe."""
        return self.normalise(self.resize(image_hwc))

    def predict(self, batch: Sequence[Prepared]) -> list[Reading | Exception]:
        """One reading per prepared picture, in order; a ModelError in the place of one that failed.

        Where the model refuses a whole batch, its pictures are tried one by one, so that only the guilty ones fail.
        """
        return list(asked(self.reader.read, batch))

    def check_target(self, target: Target | None) -> None:
        """Nothing: any text can be read."""

    def trainable(self) -> Any:  # noqa: ANN401 (a differentiable.Trainable)
        """The network behind the reader for task-targeted training, None where gradients cannot go through it."""
        found = getattr(self.reader, "trainable", None)
        return None if found is None else found()
