"""A batch put to a model so that a failure stays with the picture that caused it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from unlossy.core.errors import ModelError

P = TypeVar("P")
A = TypeVar("A")


def asked(answer: Callable[[Sequence[P]], Sequence[A | ModelError]], batch: Sequence[P]) -> list[A | ModelError]:
    """One answer per picture, in order; a ModelError in the place of one that failed.

    Where the model refuses a whole batch, its pictures are tried one by one, so that only the guilty ones fail.
    """
    if not batch:
        return []
    try:
        answers = list(answer(batch))
        if len(answers) != len(batch):
            raise ModelError(f"the model gave {len(answers)} answers to {len(batch)} pictures")
    except (Exception, SystemExit) as error:  # noqa: BLE001 (a model may raise anything; it becomes the item's row)
        if len(batch) > 1:
            return [asked(answer, [picture])[0] for picture in batch]
        return [error if isinstance(error, ModelError) else model_error(error)]
    return answers


def model_error(error: BaseException) -> ModelError:
    """What a model raised, as the error of an item: its kind and first line."""
    text = str(error).strip().splitlines()
    result = ModelError(f"the model failed: {type(error).__name__}{': ' + text[0][:300] if text else ''}")
    result.__cause__ = error
    return result
