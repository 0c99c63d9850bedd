"""`audit_dataset`: an audit as an object, with its rows, its verdict and its page.

audit = unlossy.audit_dataset("photos/")
audit.rows                      pyarrow Table, one row per image: docs/audit-schema.md
audit.verdict.sentences         what a person should know, most important first
audit.to_html("report.html")    the page; pictures are decoded only here, and only those shown
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from unlossy.audit.bands import StudyCost
from unlossy.audit.columns import plain
from unlossy.audit.gate import Policy, PolicyResult, check
from unlossy.audit.options import ScanOptions
from unlossy.audit.policy import load_policy
from unlossy.audit.scan import scan_batches
from unlossy.audit.schema import SCHEMA_VERSION, schema
from unlossy.audit.sources import open_sources
from unlossy.audit.summary import Summary
from unlossy.audit.verdict import Verdict, judge
from unlossy.core.errors import UsageError
from unlossy.core.outputs import check_place
from unlossy.core.tools import printable, version_of
from unlossy.core.types import Item
from unlossy.datasets.containers.parquet import ROWS_KEY
from unlossy.report.audit.chosen import choose
from unlossy.report.audit.cost import study_cost
from unlossy.report.audit.facts import facts_of
from unlossy.report.audit.gallery import wanted
from unlossy.report.audit.page import AuditMeta, render_audit
from unlossy.report.audit.standing import block_rows
from unlossy.report.audit.thumbnails import Shown, load_pictures
from unlossy.report.document import write_whole
from unlossy.report.markup import tag

Data = str | Path | Sequence[str | Path] | Iterable[Item]
NOT_AGAIN = "its source can be read only once, so it is gone"
ROWS_ALONE = "this page was made from rows alone"


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What an audit found.

    Attributes:
        rows: one row per image, with the columns of `docs/audit-schema.md`.
        verdict: the summary, what stands out, the leakage test, the bands, and all of it in sentences.
        meta: where the rows come from.
        items: what the pictures of a page are read from; None where there is nothing to read again.
        pictureless: why there is nothing.
    """

    rows: pa.Table
    verdict: Verdict
    meta: AuditMeta = field(default_factory=AuditMeta)
    items: Iterable[Item] | None = None
    pictureless: str = NOT_AGAIN

    @property
    def summary(self) -> Summary:
        """The counts."""
        return self.verdict.summary

    def to_html(self, path: str | Path | None = None, *, policies: Sequence[PolicyResult] = ()) -> str | Path:
        """The page as text, or where it was written, with what `policies` said; raises RunError where it cannot be.

        The items are gone through again for the pictures shown, up to the last of them.
        """
        text = render_audit(self.rows, self.verdict, self._pictures(), self.meta, policies)
        return text if path is None else write_whole(text, Path(path))

    def check(self, policy: Policy | str | Path) -> PolicyResult:
        """What a policy, or the one in a TOML file, finds; raises UsageError for a file that is none."""
        return check(policy if isinstance(policy, Policy) else load_policy(Path(policy)), self.rows)

    def _pictures(self) -> Mapping[str, Shown | str]:
        facts = facts_of(self.rows)
        rows = wanted(facts, choose(facts, block_rows(self.verdict)).pictures)
        return {want.key: self.pictureless for want in rows} if self.items is None else load_pictures(self.items, rows)

    def __repr__(self) -> str:
        told = " ".join(self.verdict.sentences[:2])
        return f"<Audit of {self.rows.num_rows} images, {self.summary.n_failed} failed. {told}>"

    def _repr_html_(self) -> str:
        """The verdict for a notebook; `to_html` gives the page."""
        sentences = [tag("li", sentence) for sentence in self.verdict.sentences]
        counts = f"{self.rows.num_rows:,} images, {self.summary.n_failed:,} failed"
        return tag("div", tag("p", tag("b", f"Audit: {counts}")), tag("ul", *sentences))


def audit_dataset(
    data: Data,
    *,
    pixels: bool = False,
    deep: bool = False,
    sha256: bool = False,
    jobs: int = 1,
    study: StudyCost | str | Path | None = None,
    seed: int = 0,
) -> Audit:
    """What compression has done to a dataset; an image that fails is a row with an `error_kind`.

    Args:
        data: what `unlossy.open_dataset` opens (a folder, an archive, ...), several such, or Items.
        pixels: decode each image and measure blockiness, grid offset and clipped samples.
        deep: read each JPEG whole: number of scans, bytes behind the end.
        sha256: read each file whole: its digest.
        jobs: processes.
        study: a finished study's RUN folder, whose losses the bands are then given; or such costs.
        seed: of the permutations of the tests.

    Raises:
        UsageError: there is nothing to open, or the study is no finished RUN.
    """
    cost = study_cost(study) if isinstance(study, str | Path) else study
    items, sources = _opened(data)
    options = ScanOptions(pixels=pixels, deep=deep, sha256=sha256, jobs=jobs)
    others: dict[str, int] = {}
    rows = pa.Table.from_batches(scan_batches(items, options, others), schema(pixels=pixels, sha256=sha256))
    verdict = judge(rows, study=cost, seed=seed, others=others)
    meta = audit_meta(sources, told_options(options, study), others)
    return Audit(rows, verdict, meta, None if isinstance(items, Iterator) else items)


def audit_of_rows(path: Path, *, seed: int = 0) -> Audit:
    """The audit whose rows `unlossy audit -o` wrote, without pictures; raises UsageError where the file is none."""
    try:
        with path.open("rb") as file:
            rows = pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        finding = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"{str(path)!r} cannot be read as Parquet: {printable(str(finding))}") from error
    version = (rows.schema.metadata or {}).get(ROWS_KEY, b"none").decode("ascii", "replace")
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{str(path)!r} does not hold the rows of an audit of this version (schema {version}, not "
            f"{SCHEMA_VERSION}); run `unlossy audit -o` again"
        )
    if lacking := [name for name in schema().names if name not in rows.column_names]:
        raise UsageError(f"{str(path)!r} lacks the columns {', '.join(lacking)}; run `unlossy audit -o` again")
    if odd := [field.name for field in schema() if plain(rows[field.name]).type != field.type]:
        raise UsageError(f"{str(path)!r} has columns of other types: {', '.join(odd)}; run `unlossy audit -o` again")
    return Audit(rows, judge(rows, seed=seed), audit_meta((), (), {}, path), pictureless=ROWS_ALONE)


def keeping(batches: Iterable[pa.RecordBatch], kept: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches; `kept` gets what a page is made from, some 300 bytes a row."""
    for batch in batches:
        kept.append(batch.drop_columns(["quantization_tables"]))
        yield batch


def page_rows(kept: Sequence[pa.RecordBatch], options: ScanOptions) -> pa.Table:
    """The rows of a page from what `keeping` kept, of which there may be none."""
    whole = schema(pixels=options.pixels, sha256=options.sha256)
    return pa.Table.from_batches(kept, whole.remove(whole.get_field_index("quantization_tables")))


def told_options(options: ScanOptions, study: object) -> list[str]:
    """What was asked for, as the command line says it."""
    flags = [f"--{name}" for name in ("pixels", "deep", "sha256") if getattr(options, name)]
    return [*flags, *(["--study", str(study)] if isinstance(study, str | Path) else [])]


def audit_meta(
    sources: Sequence[str], options: Sequence[str], others: Mapping[str, int], rows_file: Path | None = None
) -> AuditMeta:
    """What the page says of an audit's making."""
    versions = {name: version for name in ("unlossy", "Pillow", "pyarrow") if (version := version_of(name))}
    return AuditMeta(
        tuple(sources), None if rows_file is None else str(rows_file), tuple(options), dict(others), versions
    )


def check_page(path: Path) -> None:
    """Raises UsageError, before any work, where no page can be written under `path`; missing folders will be made."""
    check_place(path, "a file, such as audit.html", makes_folders=True)


def _opened(data: Data) -> tuple[Iterable[Item], tuple[str, ...]]:
    """The items, and the texts they were opened by."""
    if isinstance(data, str | Path):
        return open_sources([str(data)]), (str(data),)
    if isinstance(data, Sequence) and not data:
        raise UsageError("there is nothing to audit: the list is empty")
    if isinstance(data, Sequence) and all(isinstance(part, str | Path) for part in data):
        paths = tuple(map(str, data))
        return open_sources(paths), paths
    spec = getattr(data, "spec", None)
    return data, () if spec is None else (str(spec),)  # type: ignore[return-value]  # Items, by elimination
