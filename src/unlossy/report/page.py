"""The page: sections in the order a reader asks for them, one file with everything in it.

Nothing is loaded from outside: a content security policy forbids it, and allows just the one script by its hash.
"""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from unlossy.core.errors import RunError, UsageError
from unlossy.report.curves import curves_section
from unlossy.report.foot import made_section, method_section
from unlossy.report.gallery import any_changed, changed_section, edges_section, shown_section
from unlossy.report.loaded import LoadedRun, load_runs
from unlossy.report.markup import Html, join, tag
from unlossy.report.pixels import Budget
from unlossy.report.tables import cells_table, comparison_table, losers_table
from unlossy.report.verdict import caveats, levels, verdict
from unlossy.runs import StudyResult

MAX_RUNS = 12


def write_report(runs: Sequence[Path | str | StudyResult], output: Path | None = None) -> Path:
    """The HTML file written: `output`, or report.html in the RUN, or comparison.html in the first of several.

    A run is its folder, or the result of having just summarised one, which saves doing so again.
    Raises UsageError where a folder is no RUN, RunError where the file cannot be written.
    """
    if not 1 <= len(runs) <= MAX_RUNS:
        raise UsageError(f"a report takes 1 to {MAX_RUNS} runs, not {len(runs)}")
    loaded = load_runs(runs)
    path = output or loaded[0].folder / ("report.html" if len(runs) == 1 else "comparison.html")
    text = report_html(loaded)
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError as error:
        raise RunError(f"cannot write the report to {str(path)!r}: {error.strerror}. Give another place") from error
    return path


def report_html(runs: Sequence[LoadedRun]) -> str:
    """The whole document."""
    title = f"What compression costs {_listed([run.name for run in runs])}"
    script = _asset("script.js")
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        f"script-src 'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} - unlossy"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(_asset("style.css"))),
    )
    sections = _sections(runs)
    body = tag(
        "body",
        tag("a", "To the content", href="#content", class_="skip"),
        _header(title, runs, sections),
        tag("main", *[_section(*section) for section in sections], id="content"),
        tag("footer", tag("p", "Made by unlossy from the rows of a study. This file is complete: it loads nothing.")),
        tag("script", Html(script)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _sections(runs: Sequence[LoadedRun]) -> list[tuple[str, str, Html]]:
    """Id, heading and content of each section there is something for."""
    budget = Budget()
    several = len(runs) > 1
    tables = [*([comparison_table(runs)] if several else []), *map(cells_table, runs)]
    found = [("curves", "How the loss grows", curves_section(runs)), ("numbers", "The numbers", join(tables))]
    found.append(("losers", "Who loses most", _each(runs, [losers_table(run) for run in runs])))
    shown = [shown_section(run, budget) for run in runs]
    if any(shown):
        found.append(("shown", "One picture through all settings", _each(runs, shown)))
    changed = _each(runs, [changed_section(run, budget) for run in runs])
    found.append(("pictures", "Pictures that changed their answer", join([_how_chosen(runs), changed])))
    if any_changed(runs):
        edges = _each(runs, [edges_section(run, budget) for run in runs])
        found.append(("edges", "How blocking infects edges", join([_about_edges(), edges])))
    made = join([method_section(), *map(made_section, runs)])
    return [*found, ("made", "How this was made", made)]


def _header(title: str, runs: Sequence[LoadedRun], sections: Sequence[tuple[str, str, Html]]) -> Html:
    several = len(runs) > 1
    told = []
    for run in runs:
        told.append(tag("p", tag("b", run.name) if several else None, _bound(verdict(run.result)), class_="verdict"))
        told += [tag("p", note, class_="alert", role="note") for note in caveats(run.result, run.losses.n_done)]
        told.append(tag("p", _bound(levels(run.result) or ""), class_="levels"))
        data = f"{run.result.n_items} images from {run.result.plan.data}, {len(run.result.cells)} settings"
        told.append(tag("p", data, class_="facts"))
    links = [tag("li", tag("a", heading, href=f"#{name}")) for name, heading, _ in sections]
    return tag(
        "header",
        tag("button", "Dark", type="button", id="theme", hidden=True),
        tag("p", "unlossy report", class_="overline"),
        tag("h1", title),
        tag("div", *told, class_="verdicts several" if several else "verdicts"),
        tag("nav", tag("ul", *links), aria_label="Sections"),
    )


def _bound(text: str) -> str:
    """The text with its percent signs bound to their numbers, so that no line begins with one."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _section(name: str, heading: str, content: Html) -> Html:
    return tag("section", tag("h2", heading, id=f"{name}-heading"), content, id=name, aria_labelledby=f"{name}-heading")


def _each(runs: Sequence[LoadedRun], contents: Sequence[Html | None]) -> Html:
    """The contents one after the other, under the runs' names where there are several."""
    named = [
        tag("div", tag("p", run.name, class_="run") if len(runs) > 1 else None, content)
        for run, content in zip(runs, contents, strict=True)
        if content is not None
    ]
    return join(named)


def _how_chosen(runs: Sequence[LoadedRun]) -> Html | None:
    if not any_changed(runs):
        return None
    return tag(
        "p",
        "Chosen by rule, not by eye: right on the clean image (without labels: any answer) and wrong from some quality "
        "on all the way down, the highest such quality first, one per class. They are the extremes; how common "
        "such changes are is what the curve says. The framed region is enlarged four times below each picture.",
        tag(
            "span", " Click a picture, or focus it and use the arrow keys, to enlarge another region.", class_="with-js"
        ),
    )


def _about_edges() -> Html:
    return tag(
        "p",
        "The gradient of the luma (Sobel): dark where the picture has an edge. As quality falls, the borders of the "
        "8 x 8 blocks become edges that the scene does not have, and true ones vanish. The number says how much "
        "stronger the gradient is on those borders than inside the blocks; about 1 means no blocking.",
    )


def _asset(name: str) -> str:
    return files("unlossy.report").joinpath(name).read_text("utf-8")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
