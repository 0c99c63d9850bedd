"""Numbers and settings of a study as its sentences have them."""

from collections.abc import Sequence

from unlossy.metrics import Interval
from unlossy.metrics.recovered import Share
from unlossy.metrics.stats import ROUNDING, unseen
from unlossy.report.tabular import signed
from unlossy.runs import StudyResult
from unlossy.runs.settings import families_of, spoken
from unlossy.store import CLEAN


def spans(result: StudyResult, settings: Sequence[str]) -> str:
    """Settings in words: neighbours of a family as "JPEG 40 down to JPEG 10", others one by one."""
    told = []
    for family in families_of(result.plan.made_codecs):
        run: list[str] = []
        for setting in (*family.settings, None):
            if setting is not None and setting in settings:
                run.append(setting)
            elif run:
                ends = (spoken(run[0]), spoken(run[-1]))
                told += [f"{ends[0]} down to {ends[1]}"] if len(run) > 2 else [spoken(name) for name in run]
                run = []
    told = [*(["clean images"] if CLEAN in settings else []), *told]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def share_told(share: Share, n_lost: int) -> str:
    """ "62 % (95 %: 55 to 70)"; an end that is not bounded is called so.

    A share without any width (all of the `n_lost` won back, say) is widened as a difference over those is.
    """
    low, high = share.low, share.high
    if low is not None and high is not None and high - low <= ROUNDING:
        low, high = low - unseen(n_lost), high + unseen(n_lost)
    ends = ["no bound" if end is None else f"{100 * end:.0f}".replace("-", "\N{MINUS SIGN}") for end in (low, high)]
    return f"{100 * share.mean:.0f} % (95 %: {ends[0]} to {ends[1]})"


def points_told(change: Interval) -> str:
    """ "+3.1 points (95 %: +0.4 to +5.9)"."""
    mean, low, high = (signed(100 * value) for value in (change.mean, change.low, change.high))
    return f"{mean} points (95 %: {low} to {high})"


def milliseconds(seconds: float) -> str:
    """A time in ms: "0.4 ms", "34 ms"."""
    return f"{1000 * seconds:.0f} ms" if seconds >= 0.01 else f"{1000 * seconds:.1f} ms"


def short_count(count: int) -> str:
    """A count for a table: "1.49 M", "212 k"."""
    return millions(count).replace(" million", " M").replace(" thousand", " k")


def millions(count: int) -> str:
    """A count: "1.49 million", "212 thousand"."""
    return f"{count / 1e6:.3g} million" if count >= 1e6 else f"{count / 1e3:.0f} thousand"
