"""The page of a study: sections in the order a reader asks for them, one file with everything in it."""

from collections.abc import Sequence
from pathlib import Path

from unlossy.core.errors import UsageError
from unlossy.core.words import counted
from unlossy.report.curves import curves_section
from unlossy.report.diagnoses.section import diagnosis_section
from unlossy.report.document import Section, bound, document, write_whole
from unlossy.report.exhibits import exhibits_section, fallen_table, vanished_section
from unlossy.report.foot import made_section, method_section
from unlossy.report.gallery import any_changed, changed_section, edges_section, shown_section
from unlossy.report.loaded import LoadedRun, load_runs
from unlossy.report.markup import Html, join, tag
from unlossy.report.methods import methods_section
from unlossy.report.pixels import Budget
from unlossy.report.recommendation import recommend
from unlossy.report.tables import cells_table, comparison_table, losers_table
from unlossy.report.training import methods_training_section
from unlossy.report.transfer import transfer_section
from unlossy.report.verdict import caveats, levels, verdict
from unlossy.runs import StudyResult

MAX_RUNS = 12
IN_FRONT = (
    "In Python, the first of the model's transforms, before any resizing (an opened JPEG brings its tables along):"
)


def write_report(runs: Sequence[Path | str | StudyResult], output: Path | None = None) -> Path:
    """The HTML file written: `output`, or report.html in the RUN, or comparison.html in the first of several.

    A run is its folder, or the result of having just summarised one, which saves doing so again.
    Raises UsageError where a folder is no RUN, RunError where the file cannot be written.
    """
    if not 1 <= len(runs) <= MAX_RUNS:
        raise UsageError(f"a report takes 1 to {MAX_RUNS} runs, not {len(runs)}")
    loaded = load_runs(runs)
    path = output or loaded[0].folder / ("report.html" if len(runs) == 1 else "comparison.html")
    return write_whole(report_html(loaded), path)


def report_html(runs: Sequence[LoadedRun]) -> str:
    """The whole document."""
    title = f"What compression costs {_listed([run.name for run in runs])}"
    footer = "Made by unlossy from the rows of a study. This file is complete: it loads nothing."
    return document(title, _told(runs), _sections(runs), footer=footer, several=len(runs) > 1)


def _sections(runs: Sequence[LoadedRun]) -> list[Section]:
    """Each section there is something for."""
    budget = Budget()
    several = len(runs) > 1
    tables = [*([comparison_table(runs)] if several else []), *map(cells_table, runs)]
    found = []
    methods = [methods_section(run, number) for number, run in enumerate(runs)]
    if any(methods):
        found.append(Section("methods", "The methods side by side", _each(runs, methods)))
    trained = [methods_training_section(run, number) for number, run in enumerate(runs)]
    if any(trained):
        found.append(Section("trained", "How the methods were trained", _each(runs, trained)))
    if transferred := transfer_section(runs):
        found.append(Section("transfer", "Aimed at one model, used with another", transferred))
    found.append(Section("curves", "How the loss grows", curves_section(runs)))
    found.append(Section("numbers", "The numbers", join([*tables, *map(_correlation, runs)])))
    found += _of_answers([run for run in runs if not run.is_of_classes], budget)
    return [*found, *_of_classes([run for run in runs if run.is_of_classes], budget), _made(runs)]


def _of_answers(runs: Sequence[LoadedRun], budget: Budget) -> list[Section]:
    """The sections of studies whose answers are boxes, maps or texts."""
    if not runs:
        return []
    causes = _each(runs, [diagnosis_section(run, number) for number, run in enumerate(runs)])
    found = [Section("causes", "Where the loss comes from", causes)] if causes else []
    found.append(Section("fallen", "Who loses most", _each(runs, [fallen_table(run) for run in runs])))
    gone = [vanished_section(run) for run in runs]
    if any(gone):
        found.append(
            Section("vanished", "What it no longer sees, and what it sees that is not there", _each(runs, gone))
        )
    exhibits = _each(runs, [exhibits_section(run, budget) for run in runs])
    return [*found, Section("exhibits", "The answers, drawn", join([_how_kept(), exhibits]))]


def _of_classes(runs: Sequence[LoadedRun], budget: Budget) -> list[Section]:
    """The sections of classifiers' studies."""
    if not runs:
        return []
    found = [Section("losers", "Who loses most", _each(runs, [losers_table(run) for run in runs]))]
    shown = [shown_section(run, budget) for run in runs]
    if any(shown):
        found.append(Section("shown", "One picture through all settings", _each(runs, shown)))
    changed = _each(runs, [changed_section(run, budget) for run in runs])
    found.append(Section("pictures", "Pictures that changed their answer", join([_how_chosen(runs), changed])))
    if any_changed(runs):
        edges = _each(runs, [edges_section(run, budget) for run in runs])
        found.append(Section("edges", "How blocking infects edges", join([_about_edges(), edges])))
    return found


def _made(runs: Sequence[LoadedRun]) -> Section:
    return Section("made", "How this was made", join([method_section(runs), *map(made_section, runs)]))


def _correlation(run: LoadedRun) -> Html | None:
    """Whether unlabeled pictures would have told the same."""
    found = run.result.correlation
    if found is None or (found.over_settings is None and found.over_items is None):
        return None
    told = [
        f"r = {r:.2f} over {n} {what}"
        for r, n, what in (
            (found.over_settings, found.n_settings, "settings"),
            (found.over_items, found.n_items, "images at them"),
        )
        if r is not None
    ]
    text = (
        f"{run.name}: agreement with the clean answer, which needs no labels, follows the labels by {', '.join(told)}."
    )
    return tag("p", f"{text} (Pearson; without mitigation.)", class_="note")


def _told(runs: Sequence[LoadedRun]) -> list[Html]:
    """What to do about each run's loss where methods were compared, the verdict on it, and what limits both."""
    told = []
    for run in runs:
        named = tag("b", run.name) if len(runs) > 1 else None
        advice = recommend(run.result)
        lead, *more = (verdict(run.result),) if advice is None else (*advice.sentences, verdict(run.result))
        told.append(tag("p", named, bound(lead), class_="verdict"))
        told += [
            tag("p", bound(sentence))
            for sentence in (more if len(runs) == 1 else dict.fromkeys((*more[:1], *more[-1:])))
        ]
        if advice is not None and advice.python is not None:
            told += [tag("p", IN_FRONT, class_="note"), tag("pre", tag("code", advice.python))]
        told += [tag("p", note, class_="alert", role="note") for note in caveats(run.result, run.losses.n_done)]
        told.append(tag("p", bound(levels(run.result) or ""), class_="levels"))
        plan, n_items = run.result.plan, counted(run.result.n_items)
        data = f"{n_items} from {plan.data}, {counted(len(plan.made_codecs), 'setting')}"
        told.append(tag("p", data, class_="facts"))
    return told


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


def _how_kept() -> Html:
    return tag(
        "p",
        "Chosen by rule, not by eye: the items whose score fell most at the worst quality looked at, and those asked "
        "for. They are the extremes; how common such changes are is what the curve says.",
    )


def _about_edges() -> Html:
    return tag(
        "p",
        "The gradient of the luma (Sobel): dark where the picture has an edge. As quality falls, the borders of the "
        "8 x 8 blocks become edges that the scene does not have, and true ones vanish. The number says how much "
        "stronger the gradient is on those borders than inside the blocks; about 1 means no blocking.",
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
