"""`unlossy audit`: what compression has done to a dataset.

What needs pyarrow is imported when the command runs: the other commands would pay for it at every start.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from unlossy.cli.progress import progress_bar
from unlossy.core.errors import ItemError, RunError
from unlossy.core.tools import printable

ERRORS_SHOWN: Final = 10


def audit(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Folders of images, searched to their depth; images, archives, Parquet, PDF, globs, URLs; - for a "
            "list on stdin.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Parquet file for the rows, one per image.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="A page with the verdict, charts, pictures and the rows.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON on stdout.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", help="Processes.", min=1)] = 1,
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Decode each image: blockiness, its grid's offset, clipped samples.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read each JPEG whole: number of scans, bytes behind its end.")
    ] = False,
    sha256: Annotated[bool, typer.Option("--sha256", help="Read each file whole: its SHA-256.")] = False,
    fail_under: Annotated[
        float | None,
        typer.Option("--fail-under", help="Exit 1 where a JPEG's luma quality is lower.", show_default=False),
    ] = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option("--policy", help="Exit 1 where the rows break this TOML policy; repeatable.", show_default=False),
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option("--study", help="RUN of a study: what each band of quality costs its model.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the leakage test's shuffles.", min=0)] = 0,
) -> None:
    """What compression has done to a dataset, from a few KiB of each file; nothing is decoded unless --pixels asks.

    Every file with an image suffix or image bytes is a row: format, size, JPEG process, chroma sampling, quantization
    tables, the IJG quality of luma and chroma (exact or with a residual), encoder, truncation. Other files are counted.
    The verdict names rogue blocks (images whose compression sets a class, split or folder apart) and says whether
    headers alone tell the class.

    For example:

        unlossy audit photos                    a summary on the terminal

        unlossy audit photos -o rows.parquet    and each image's evidence as a row

        unlossy audit photos --html audit.html  a page to look at, with the worst pictures

        unlossy audit photos scans --json       two folders, for a program

        unlossy audit photos --fail-under 60    a gate for continuous integration

    Exit codes: 0 fine; 1 a gate is broken; 2 a source is missing or holds no image, a policy is not understood, or a
    result would overwrite what is read; 3 some files could not be read (their rows say why); 5 the rows or the page
    could not be written.
    """
    from unlossy.audit.options import ScanOptions
    from unlossy.audit.parquet import check_output, recorded
    from unlossy.audit.scan import scan_batches
    from unlossy.audit.schema import schema
    from unlossy.audit.sources import open_sources
    from unlossy.audit.verdict import judge
    from unlossy.cli.audit_gates import EXIT_CODE, checked, gates, print_gates
    from unlossy.cli.audit_outputs import check_outputs
    from unlossy.cli.audit_text import Failure, print_counts, print_verdict

    if output is not None:
        check_output(output)
    if html is not None:
        from unlossy.report import audited  # loads the study's report too, which no other audit should pay for

        audited.check_page(html)
    options = ScanOptions(pixels=pixels, deep=deep, sha256=sha256, jobs=jobs)
    checkers = gates(fail_under, policy or (), options)
    cost = None if study is None else _cost_of(study)
    sources = open_sources(paths)
    outputs = [path for path in (output, html) if path is not None]
    check_outputs(outputs, paths, [*(policy or ()), *([] if study is None else [study])], sources)
    others: dict[str, int] = {}
    batches = scan_batches(sources, options, others)
    if output is not None:
        batches = recorded(batches, output, schema(pixels, sha256))
    kept: list[Any] = []
    if html is not None:
        batches = audited.keeping(batches, kept)
    failures: list[Failure] = []
    batches = checked(_noting(_shown(batches, sources.n_items), failures), checkers)
    verdict = judge(batches, study=cost, seed=seed, others=others)
    results = [checker.result() for checker in checkers]
    unwritten: RunError | None = None
    if html is not None:
        meta = audited.audit_meta(paths, audited.told_options(options, study), others, output)
        try:
            audited.Audit(audited.page_rows(kept, options), verdict, meta, sources).to_html(html, policies=results)
        except RunError as error:  # what the scan has found is told first
            html, unwritten = None, error
    if as_json:
        written = {"rows": str(output) if output else None, "html": str(html) if html else None}
        told = {"paths": paths, **written, **verdict.summary.as_json()}
        gated = {"policies": [result.as_json() for result in results]}
        typer.echo(json.dumps({**told, "verdict": verdict.as_json(), **gated}, indent=2))
    else:
        print_verdict(verdict)
        print_counts(verdict.summary, failures, output)
        print_gates(results)
        if html is not None:
            typer.echo(f"page: {printable(str(html))}")
    if unwritten is not None:
        raise unwritten
    if not all(result.passed for result in results):
        raise typer.Exit(EXIT_CODE)
    if verdict.summary.n_failed:
        raise typer.Exit(ItemError.exit_code)


def _cost_of(run: Path) -> Any:  # noqa: ANN401 (an audit.bands.StudyCost)
    """What the RUN's model loses at each quality; imported only here, since reading a RUN loads the tasks."""
    from unlossy.report.audit.cost import study_cost

    return study_cost(run)


def _shown(batches: Iterable[Any], total: int | None) -> Iterator[Any]:
    """The record batches, with a progress bar on stderr where that is a terminal."""
    done = 0
    with progress_bar("audit") as show:
        for batch in batches:
            yield batch
            done += batch.num_rows
            show(done, total)


def _noting(batches: Iterable[Any], failures: list[Any]) -> Iterator[Any]:
    """The record batches; the first few rows that failed are kept in `failures`."""
    from unlossy.cli.audit_text import Failure

    for batch in batches:
        kinds = batch.column("error_kind")
        if kinds.null_count < len(kinds) and len(failures) < ERRORS_SHOWN:
            rows = batch.select(["key", "error_kind", "error_message"]).filter(kinds.is_valid())
            failures.extend(Failure(*row.values()) for row in rows.slice(0, ERRORS_SHOWN).to_pylist())
            del failures[ERRORS_SHOWN:]
        yield batch
