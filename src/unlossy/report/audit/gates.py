"""What the policies say: which limits hold, and the first images that break one."""

from collections.abc import Sequence

from unlossy.audit.gate import LimitResult, PolicyResult
from unlossy.report.document import bound
from unlossy.report.markup import Html, tag

MAX_KEYS = 12


def gates_section(results: Sequence[PolicyResult]) -> Html:
    """Each policy with its limits and the keys that break them."""
    return tag("div", *map(_article, results))


def broken(results: Sequence[PolicyResult]) -> str | None:
    """The sentence on what does not pass; None where everything does."""
    failed = [f"{result.policy.name}{_count(result)}" for result in results if not result.passed]
    return f"Policy broken: {', '.join(failed)}." if failed else None


def _count(result: PolicyResult) -> str:
    return f" ({len(result.offending):,} images)" if result.offending else ""


def _article(result: PolicyResult) -> Html:
    tone, mark = ("right", "\N{CHECK MARK} passed") if result.passed else ("wrong", "\N{MULTIPLICATION X} broken")
    return tag(
        "article",
        tag("h3", result.policy.name, " ", tag("span", mark, class_=f"judged {tone}")),
        tag("p", result.policy.description) if result.policy.description else None,
        *map(_limit, result.limits),
        class_="item error",
    )


def _limit(result: LimitResult) -> Html:
    keys = () if result.passed else result.failing[:MAX_KEYS]
    left = len(result.failing) - len(keys)
    listed = [tag("li", key) for key in keys]
    more = tag("li", f"and {left:,} more") if keys and left else None
    told = tag("p", bound(result.sentence), class_="message")
    return tag("div", told, tag("ul", *listed, more, class_="keys") if keys else None)
