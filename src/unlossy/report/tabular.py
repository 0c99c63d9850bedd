"""Tables as the page shows them: with a caption, scrolling sideways on their own where the screen is narrow."""

from collections.abc import Sequence

from unlossy.report.markup import Html, tag


def table(caption: str, head: Sequence[str], rows: Sequence[Html], texts: Sequence[int] = ()) -> Html:
    """The table under its caption; columns in `texts`, and the first, are aligned left."""
    cells = [
        tag("th", name, scope="col", class_="text" if column in (0, *texts) else None)
        if name
        else tag("td", "", aria_hidden="true")
        for column, name in enumerate(head)
    ]
    inner = tag("table", tag("caption", tag("span", caption)), tag("thead", tag("tr", *cells)), tag("tbody", *rows))
    return scrolling(inner, caption)


def scrolling(inner: Html, name: str) -> Html:
    """A region of its own around what may be wider than the screen; `name` is what a screen reader calls it."""
    return tag("div", inner, class_="scroll", tabindex=0, role="region", aria_label=name)


def percent(value: float | None) -> str:
    """A share as a table's cell: "43.3"; nothing for None."""
    return "" if value is None else f"{100 * value:.1f}"


def signed(points: float) -> str:
    """A difference in points with its sign, which zero has not: "+3.1"."""
    return f"{round(points, 1) + 0.0:+.1f}".replace("-", "\N{MINUS SIGN}").replace("+0.0", "0.0")


def row(name: str, values: Sequence[Html | str], texts: Sequence[int] = (), head: str = "text") -> Html:
    """A row with its name as the heading; `values` numbered in `texts`, from 1 on, are aligned left."""
    cells = [tag("td", value, class_="text" if n in texts else None) for n, value in enumerate(values, 1)]
    return tag("tr", tag("th", name, scope="row", class_=head), *cells)
