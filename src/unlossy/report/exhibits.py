"""The pictures of a study whose answers are boxes, maps or texts, and the lists of who loses there."""

from collections.abc import Mapping
from typing import Final

from unlossy.report.answers.base import Answered, Drawer, Shown, answers_of, clean_answer
from unlossy.report.answers.label_maps import draw_label_map
from unlossy.report.answers.objects import draw_objects
from unlossy.report.answers.texts import draw_text
from unlossy.report.loaded import LoadedRun
from unlossy.report.markup import Html, join, tag
from unlossy.report.pixels import Budget, data_uri, read_kept
from unlossy.report.tabular import row, table
from unlossy.runs.exhibits import Exhibit, Version
from unlossy.runs.folder import ROWS
from unlossy.runs.settings import at
from unlossy.runs.vanished import Changed, vanished
from unlossy.store import RowStore
from unlossy.tasks.registry import yardstick

DRAWERS: Final[dict[str, Drawer]] = {
    "objects": draw_objects,
    "label_map": draw_label_map,
    "text": draw_text,
}
"""By the kind of a task's targets."""


def exhibits_section(run: LoadedRun, budget: Budget) -> Html:
    """The items that were kept, each in its versions, with the answers drawn on them."""
    kept = run.exhibits
    if kept is None:
        return tag("p", "This run holds no pictures. Run the same study again to have them made.", class_="note")
    if not kept.items:
        return tag("p", "No item's score fell at the worst quality looked at.", class_="note")
    answers = answers_of(run.folder, {item.item_index for item in kept.items})
    missing = [tag("p", f"Not shown: {key} ({reason})", class_="note") for key, reason in kept.missing[:5]]
    return tag("div", *[_article(run, item, answers, budget) for item in kept.items], *missing)


def vanished_section(run: LoadedRun) -> Html | None:
    """Objects missed and hallucinated at the headline's setting; None where answers are no objects."""
    if yardstick(run.result.plan.task).targets != "objects" or run.losses.headline is None:
        return None
    with RowStore(run.folder / ROWS, read_only=True) as store:
        found = vanished(store.rows(), run.losses.headline)
    where = at(found.setting)
    lead = (
        f"Of {found.n_clean} objects that the model sees on the clean pictures it misses {found.n_missed} {where}, and "
        f"sees {found.n_new} that it does not see on the clean ones. (Same class, boxes that overlap by half.)"
    )
    tables = [
        _changes(run, f"Missed {where}, by the confidence lost.", ("clean", where), found.missed),
        _changes(run, f"Hallucinated {where}, by the confidence gained.", (where, "clean"), found.new),
    ]
    return join([tag("p", lead), *tables])


def fallen_table(run: LoadedRun) -> Html:
    """The kept items by how far their score fell."""
    items = [] if run.exhibits is None else [item for item in run.exhibits.items if item.lost is not None]
    if not items:
        return tag("p", "No item's score fell at the worst quality looked at.", class_="note")
    worst = items[0].versions[-1].codec
    measure = yardstick(run.result.plan.task)
    metric = measure.spoken.get(measure.item_metric, measure.item_metric)
    rows = [row(item.key, [f"{100 * (item.lost or 0):.1f}"], head="text long") for item in items]
    caption = f"{run.name}: the items whose {metric} fell most {at(worst)}, in points. The others stand in the rows."
    return table(caption, ["item", f"{metric} lost, points"], rows)


def _changes(run: LoadedRun, caption: str, heads: tuple[str, str], changes: tuple[Changed, ...]) -> Html | None:
    if not changes:
        return None
    name = run.class_of
    rows = [
        row(
            one.key,
            [name(one.found.class_id), *(f"{100 * p:.0f} %" for p in (one.found.score, one.left))],
            head="text long",
            texts=(1,),
        )
        for one in changes
    ]
    return table(f"{run.name}: {caption}", ["image", "object", *(f"p {head}" for head in heads)], rows, texts=(1,))


def _article(run: LoadedRun, item: Exhibit, answers: Mapping[tuple[int, str, str], Answered], budget: Budget) -> Html:
    clean = clean_answer(answers, item.item_index)
    versions = [v for v in item.versions if (item.item_index, v.codec, v.mitigation) in answers]
    if clean is None or not versions:
        return tag("p", f"{item.key}: its answers are not in the rows", class_="note")
    try:
        drawn = [_figure(run, item, version, answers, clean) for version in versions]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return tag("p", f"{item.key}: its pictures cannot be read ({error})", class_="note")
    if not budget.take([uri for uri, _ in drawn]):
        return tag("p", f"{item.key} is left out: this page has its fill of pictures.", class_="note")
    return tag(
        "article",
        tag("h3", item.key),
        tag("p", _facts(item), class_="facts"),
        tag("div", *[figure for _, figure in drawn], class_="versions answers"),
        class_="item answered",
    )


def _figure(
    run: LoadedRun,
    item: Exhibit,
    version: Version,
    answers: Mapping[tuple[int, str, str], Answered],
    clean: Answered,
) -> tuple[str, Html]:
    """The data URI, which counts against the budget, and the figure around it."""
    plan = run.result.plan
    answer = answers[item.item_index, version.codec, version.mitigation]
    assert run.exhibits is not None  # noqa: S101 (the section has looked)
    is_clean = version is item.versions[0]
    picture = read_kept(run.folder, version.file)
    drawing = DRAWERS[yardstick(plan.task).targets](Shown(item, run.exhibits, picture, answer, clean, is_clean))
    uri = data_uri(drawing.picture)
    named = run.cell_name(version.codec, version.mitigation)
    size = (
        None if version.encoded_bytes is None else tag("span", f"{version.encoded_bytes / 1000:.1f} kB", class_="size")
    )
    height, width = drawing.picture.shape[:2]
    whole = tag("img", src=uri, alt=f"{item.key}, {named}", width=width, height=height)
    return uri, tag(
        "figure",
        tag("p", tag("b", named), size, class_="setting"),
        tag("div", whole, drawing.overlay, class_="picture"),
        tag("figcaption", drawing.caption),
    )


def _facts(item: Exhibit) -> str:
    width, height = item.size_wh
    x, y, wide, high = item.crop_xywh
    parts = [f"{width} x {height} pixels"]
    if (wide, high) != (width, height):
        parts.append(f"shown: {wide} x {high} of them, from ({x}, {y}), where compression changed most")
    parts.append("asked for" if item.lost is None else f"score fell by {100 * item.lost:.0f} points")
    return "; ".join(parts)
