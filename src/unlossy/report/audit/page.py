"""The page of an audit: the verdict in words, what it rests on as drawings, the images, the rows.

    render_audit(rows, verdict, pictures, meta)     the HTML, the same for the same input

Everything is drawn from counts; of the rows themselves the page holds at most a few thousand (see `chosen`).
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from unlossy.audit.gate import PolicyResult
from unlossy.audit.schema import SCHEMA_VERSION
from unlossy.audit.verdict import Verdict
from unlossy.report.audit.chosen import Choice, choose
from unlossy.report.audit.errors import errors_section
from unlossy.report.audit.facts import Facts, facts_of
from unlossy.report.audit.gallery import Gallery
from unlossy.report.audit.gates import broken, gates_section
from unlossy.report.audit.histogram import histogram_section, images
from unlossy.report.audit.standing import bands_section, block_rows, standing_section
from unlossy.report.audit.strips import strip_sections
from unlossy.report.audit.table import table_section
from unlossy.report.audit.thumbnails import Shown
from unlossy.report.document import SCRIPT, STYLE, Section, bound, document
from unlossy.report.markup import Html, tag
from unlossy.report.pixels import Budget

FOOTER = "Made by unlossy from the bytes of the files. This file is complete: it loads nothing."
BUDGET_BYTES = 9_000_000
"""Of base64 text for all pictures, which leaves three more for the rows and the drawings."""


@dataclass(frozen=True, slots=True)
class AuditMeta:
    """What the rows themselves do not tell: where they come from, where they are, and how they were made.

    Attributes:
        sources: the texts that were opened; empty where items were given.
        rows_file: the Parquet file with all rows, if one was written.
        options: what was asked for beside the sources, as on a command line.
        others: files without a row, counted by suffix.
        versions: of the programs that matter.
    """

    sources: tuple[str, ...] = ()
    rows_file: str | None = None
    options: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def render_audit(
    rows: pa.Table,
    verdict: Verdict,
    pictures: Mapping[str, Shown | str],
    meta: AuditMeta,
    policies: Sequence[PolicyResult] = (),
) -> str:
    """The whole document.

    Args:
        rows: as `docs/audit-schema.md` lists them; `quantization_tables` may be missing.
        verdict: of these rows.
        pictures: by key, or why one could not be had, as `load_pictures` gives them.
        meta: what the rows do not tell.
        policies: what policies said of these rows.
    """
    facts = facts_of(rows)
    choice = choose(facts, block_rows(verdict))
    title = f"What compression has done to {_named(meta.sources)}"
    sections = _sections(facts, verdict, choice, Gallery(facts, pictures, Budget(BUDGET_BYTES)), meta)
    if policies:
        sections.insert(0, Section("policies", "Policies", gates_section(policies)))
    told = _told(facts, verdict, broken(policies), meta)
    return document(title, told, sections, footer=FOOTER, styles=(STYLE, "audit.css"), scripts=(SCRIPT, "audit.js"))


def _sections(facts: Facts, verdict: Verdict, choice: Choice, gallery: Gallery, meta: AuditMeta) -> list[Section]:
    found = [Section("quality", "How quality is spread", histogram_section(facts))]
    found.append(Section("bands", "How strong the compression is", bands_section(verdict)))
    found.append(Section("standing", "What stands out", standing_section(verdict, choice, gallery)))
    found += strip_sections(facts)
    if len(choice.worst):
        found.append(Section("worst", "The worst images", _worst(facts, choice, gallery)))
    if (errors := errors_section(facts)) is not None:
        found.append(Section("errors", "What failed", errors))
    found.append(Section("images", "The images", table_section(facts, choice.table, meta.rows_file)))
    return [*found, Section("made", "How this was made", _made(facts, meta))]


def _told(facts: Facts, verdict: Verdict, gate: str | None, meta: AuditMeta) -> list[Html]:
    first, *rest = verdict.sentences or ("There is no image in this data.",)
    told = [tag("p", bound(first), class_="verdict")]
    told += [tag("ul", *[tag("li", bound(sentence)) for sentence in rest], class_="sentences")] if rest else []
    told += [tag("p", gate, class_="alert", role="note")] if gate else []
    formats = sorted(zip(-facts.formats.counts(), facts.formats.names, strict=True))
    listed = ", ".join(f"{name} {-n:,}" for n, name in formats[:8])
    return [*told, tag("p", f"{images(facts.n_rows)} from {_named(meta.sources)}: {listed}", class_="facts")]


def _worst(facts: Facts, choice: Choice, gallery: Gallery) -> Html:
    n = int((facts.has_quality & ~facts.failed).sum())
    told = (
        f"The {len(choice.worst)} of {images(n)} with the lowest quality of luma, among equals those with the fewest "
        "bits per pixel. Below each picture its framed region, pixel by pixel: traces of compression vanish when a "
        "picture is scaled down."
    )
    return tag("div", tag("p", told), gallery.show(choice.worst))


def _made(facts: Facts, meta: AuditMeta) -> Html:
    told = [
        ("images", f"{facts.n_rows:,}"),
        ("files without a row", ", ".join(f"{name or '(no suffix)'} {n:,}" for name, n in sorted(meta.others.items()))),
        ("rows", meta.rows_file or ""),
        ("schema of the rows", f"version {SCHEMA_VERSION}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(meta.versions.items()))),
    ]
    rows = [part for name, value in told if value for part in (tag("dt", name), tag("dd", value))]
    return tag(
        "div",
        tag(
            "p",
            "Of each file the headers were read: markers, quantization tables and their like. A quality is the IJG "
            "(libjpeg) quality whose table equals the file's, or the nearest one where it says so; where no table is "
            "near, there is none. The pictures of this page were decoded for it, and encoded anew.",
        ),
        _command(meta),
        tag("dl", *rows),
        class_="made",
    )


def _command(meta: AuditMeta) -> Html | None:
    if not meta.sources:
        return None
    words = shlex.join(["unlossy", "audit", *meta.sources, *meta.options])
    return tag("pre", tag("code", words), tabindex=0, role="region", aria_label="Command")


def _named(sources: tuple[str, ...]) -> str:
    """The sources as a heading names them."""
    if not sources:
        return "these images"
    return sources[0] if len(sources) == 1 else f"{len(sources)} sources"
