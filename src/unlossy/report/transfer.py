"""Correctors aimed at one model and used with another, from several runs: a heat map per setting, and a table."""

from collections import Counter
from collections.abc import Sequence
from math import isfinite

from unlossy.metrics.recovered import Share
from unlossy.report.document import bound
from unlossy.report.loaded import LoadedRun, short_name
from unlossy.report.markup import Html, join, tag
from unlossy.report.methods import share_text
from unlossy.report.tabular import row, table
from unlossy.runs.mitigations import short_names
from unlossy.runs.settings import at, families_of, spoken
from unlossy.runs.transfer import AimedCorrector, Transfer, transfer_of
from unlossy.tasks.registry import yardstick

CELL_WIDTH, CELL_HEIGHT, LEFT, TOP, LINE_HEIGHT = 140, 46, 176, 34, 16
NO_LOSS = "loss within noise"
DARKEST = 0.62
"""Opacity of a cell where all is won back; the text on it stays readable in light and dark."""


def transfer_section(runs: Sequence[LoadedRun]) -> Html | None:
    """Heat maps and the table; a reason where runs with correctors make no matrix; None where none has a corrector."""
    if len(runs) < 2 or not all(run.result.clean_mitigated for run in runs):
        return None
    found = transfer_of([run.result for run in runs])
    if isinstance(found, str):
        return tag("p", found, class_="note")
    looked_at = _looked_at(runs, found)
    maps = [_heat_map(runs, found, setting, f"transfer-{n}") for n, setting in enumerate(looked_at)]
    return join(
        [
            tag("p", bound(_about(runs, found))),
            tag("div", *maps, class_="charts"),
            *[_table(runs, found, setting) for setting in looked_at],
        ]
    )


def _about(runs: Sequence[LoadedRun], found: Transfer) -> str:
    told = (
        "Rows are correctors, by what they were aimed at or else by name; columns are the models they stand before. A "
        "number is the share of the loss that is won back there; the tables give the 95 % intervals."
    )
    direct = any(cell.direct for cell in found.cells.values())
    more = (
        " A framed cell is a corrector before the very model it was aimed at; of its gain the others' share is in the "
        "last columns."
    )
    several = (
        " Where several were aimed at one model, they are told apart by their files, and that share is of the first."
    )
    repeated = any(len(names) > 1 for names in _row_names(found).values())
    return told + (more if direct else "") + (several if repeated else "") + _about_tasks(runs)


def _about_tasks(runs: Sequence[LoadedRun]) -> str:
    """What each column's loss is one of, where the models do not all do the same."""
    if len({run.result.plan.task for run in runs}) == 1:
        return ""
    told = "; ".join(
        f"{run.name} loses {yardstick(run.result.plan.task).spoken.get(run.result.main_metric, run.result.main_metric)}"
        for run in runs
    )
    return f" The models do different things, each on pictures of its own: {told}."


def _looked_at(runs: Sequence[LoadedRun], found: Transfer) -> list[str]:
    """At most three of the settings that all runs have, near the qualities 10, 30 and 50."""
    codecs = [codec for codec in runs[0].result.plan.made_codecs if codec.setting in found.settings]
    return [setting for family in families_of(codecs) for setting in reversed(family.looked_at())][:3]


def _heat_map(runs: Sequence[LoadedRun], found: Transfer, setting: str, name: str) -> Html:
    width, height = LEFT + CELL_WIDTH * len(runs), TOP + CELL_HEIGHT * len(found.correctors)
    parts = [_label(_cut(run.name, 14), LEFT + CELL_WIDTH * (n + 0.5), TOP - 12) for n, run in enumerate(runs)]
    told, names = [], _row_names(found)
    for line, corrector in enumerate(found.correctors):
        lines = names[corrector.digest]
        first = TOP + CELL_HEIGHT * (line + 0.5) + 4 - LINE_HEIGHT * (len(lines) - 1) / 2
        parts += [_label(_cut(text), LEFT - 10, first + LINE_HEIGHT * n, "end") for n, text in enumerate(lines)]
        for number, run in enumerate(runs):
            cell = found.cells.get((setting, corrector.digest, number))
            share = None if cell is None or not cell.loses else cell.recovered
            text = f"{_told_name(corrector, lines)} before {run.name}: {share_text(share)} %"
            told += [text] if share is not None else []
            place = (LEFT + CELL_WIDTH * number, TOP + CELL_HEIGHT * line)
            empty = "" if cell is None or cell.loses else NO_LOSS
            parts.append(_cell(place, share, text, empty, framed=cell is not None and cell.direct))
    caption = f"Share of the loss won back {at(setting)}, %"
    drawing = tag(
        "svg",
        tag("title", caption, id=f"{name}-title"),
        tag("desc", "; ".join(told), id=f"{name}-desc"),
        *parts,
        viewBox=f"0 0 {width} {height + 4}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_="chart",
    )
    return tag("figure", tag("figcaption", caption), drawing)


def _cell(place_xy: tuple[int, int], share: Share | None, told: str, empty: str, *, framed: bool) -> Html:
    """A rectangle as dark as the share is large, with the number on it; `empty` stands where there is none."""
    x, y = place_xy
    inside = {"x": x + 2, "y": y + 2, "width": CELL_WIDTH - 4, "height": CELL_HEIGHT - 4, "rx": 4}
    frame = tag("rect", **inside, fill="none", class_="zero" if framed else "rule")
    if share is None or not isfinite(share.mean):
        return tag("g", frame, _label(empty, x + CELL_WIDTH / 2, y + CELL_HEIGHT / 2 + 4))
    strength = DARKEST * min(1.0, max(0.0, share.mean))
    filled = tag("rect", **inside, class_="mark s0", fill_opacity=strength, stroke_opacity=0)
    number = f"{100 * share.mean:.0f}".replace("-", "\N{MINUS SIGN}")
    return tag("g", tag("title", told), filled, frame, _label(number, x + CELL_WIDTH / 2, y + CELL_HEIGHT / 2 + 4))


def _label(text: str, x: int | float, y: int | float, anchor: str = "middle") -> Html:
    return tag("text", text, x=float(x), y=float(y), text_anchor=anchor, class_="axis")


def _cut(text: str, most: int = 19) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _table(runs: Sequence[LoadedRun], found: Transfer, setting: str) -> Html:
    """Shares with their intervals, and shares of what the (first) corrector aimed at each model wins there."""
    direct = Counter(n for (of, _, n), cell in found.cells.items() if cell.direct and of == setting)
    files = _files(found)
    head = ["corrector", "aimed at", *(f"before {run.name}, %" for run in runs)]
    head += [
        f"of the {'one' if direct[n] == 1 else 'first'} aimed at {run.name}, %"
        for n, run in enumerate(runs)
        if n in direct
    ]
    rows = []
    for corrector in found.correctors:
        cells = [found.cells.get((setting, corrector.digest, n)) for n in range(len(runs))]
        shares = ["" if cell is None else share_text(cell.recovered) if cell.loses else NO_LOSS for cell in cells]
        of_direct = [
            "" if cell is None else "itself" if cell.reference else share_text(cell.of_direct)
            for n, cell in enumerate(cells)
            if n in direct
        ]
        rows.append(row(files[corrector.digest], [aim_name(corrector), *shares, *of_direct], texts=(1,)))
    caption = f"{spoken(setting)}: share of the loss won back [95 %], paired by image."
    return table(bound(caption), [bound(text) for text in head], rows, texts=(1,))


def aim_name(corrector: AimedCorrector) -> str:
    """The models that a corrector was aimed at, or that it was trained for fidelity."""
    return " and ".join(short_name(aim.model) for aim in corrector.aimed_at) or "fidelity"


def _row_names(found: Transfer) -> dict[str, tuple[str, ...]]:
    """What stands beside a row of a map, by digest: the aim, else the corrector's own name; of a repeated aim both."""
    files = _files(found)
    counts = Counter(aim_name(corrector) for corrector in found.correctors if corrector.aimed_at)
    names: dict[str, tuple[str, ...]] = {}
    for corrector in found.correctors:
        aim, file = aim_name(corrector), files[corrector.digest]
        aimed = (aim, file) if counts[aim] > 1 else (aim,)
        names[corrector.digest] = aimed if corrector.aimed_at else (file,)
    return names


def _told_name(corrector: AimedCorrector, lines: Sequence[str]) -> str:
    """What a corrector is called in a map's text: "aimed at one", "aimed at one (b)", "small"."""
    if not corrector.aimed_at:
        return lines[0]
    return f"aimed at {lines[0]}" + "".join(f" ({file})" for file in lines[1:])


def _files(found: Transfer) -> dict[str, str]:
    """The correctors' own names, by digest."""
    names = short_names([corrector.mitigation for corrector in found.correctors])
    return {corrector.digest: names[corrector.mitigation].removeprefix("correct=") for corrector in found.correctors}
