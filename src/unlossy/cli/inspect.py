"""`unlossy inspect`: everything that the bytes of one image file tell."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.columns import Columns
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from unlossy.audit.rows import AuditRow, table_as_json
from unlossy.audit.scan import Examined, examine
from unlossy.core.blobs import FileBlob
from unlossy.core.errors import ItemError, UsageError
from unlossy.core.tools import printable
from unlossy.core.types import Item
from unlossy.jpeg import JpegHeader
from unlossy.jpeg.quality import table_names
from unlossy.jpeg.segments import QuantizationTable


def inspect(
    file: Annotated[Path, typer.Argument(help="One image file.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Every field as JSON on stdout.")] = False,
) -> None:
    """Everything that the bytes of one image file tell of its compression; nothing is decoded.

    For a JPEG: size, coding process, components and sampling, quantization tables in natural (row-major) order, the IJG
    quality of luma and chroma with whether it is exact, application data, truncation. For others: format and size.

    For example:

        unlossy inspect photo.jpg

        unlossy inspect photo.jpg --json | jq .ijg_quality_luma

    Exit codes: 0 fine; 2 there is no such file; 3 the file cannot be read or is malformed (what is known is shown).
    """
    if not file.exists():
        raise UsageError(f"there is no file {str(file)!r}")
    if file.is_dir():
        raise UsageError(f"{str(file)!r} is a folder; `unlossy audit {file}` looks at all images in it")
    examined = examine(Item(printable(str(file)), FileBlob(file)))
    if as_json:
        typer.echo(json.dumps(as_dict(examined), indent=2))
    else:
        _print(examined)
    if examined.row.error_kind is not None:
        raise typer.Exit(ItemError.exit_code)


def as_dict(examined: Examined) -> dict[str, Any]:
    """The audit's columns under their names, and what only a JPEG's headers say (None where there are none)."""
    row, header = examined.row, examined.header
    columns = {field.name: getattr(row, field.name) for field in fields(AuditRow)}
    tables = None if row.quantization_tables is None else [table_as_json(table) for table in row.quantization_tables]
    return columns | {"groups": dict(row.groups), "quantization_tables": tables} | _jpeg_dict(header)


_PLAIN_FIELDS = (
    *("colorspace", "entropy_coding", "is_hierarchical", "has_jfif", "has_exif", "has_icc", "has_adobe"),
    *("adobe_transform", "scan_offset"),
)


def _jpeg_dict(header: JpegHeader | None) -> dict[str, Any]:
    """`sampling_factors` has one entry per component, in frame order; `table_names` goes by table id."""
    if header is None:
        return dict.fromkeys((*_PLAIN_FIELDS, "sampling_factors", "table_names"))
    return {name: getattr(header, name) for name in _PLAIN_FIELDS} | {
        "sampling_factors": [asdict(component) for component in header.components],
        "table_names": {str(table.id): list(table_names(table.entries)) for table in header.tables},
    }


def _print(examined: Examined) -> None:
    console = Console(highlight=False)
    row, header = examined.row, examined.header
    facts = RichTable(box=None, show_header=False, pad_edge=False)
    for name, value in _facts(row, header):
        facts.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    console.print(facts)
    if header is not None and header.tables:
        console.print()
        console.print(Columns([_grid(table, header) for table in header.tables], padding=(0, 4)))


def _facts(row: AuditRow, header: JpegHeader | None) -> list[tuple[str, str]]:
    """Name and value of each line; what the format does not say has none."""
    size = f"{row.width} x {row.height if row.height else 'unknown'}" if row.width else None
    rate = f", {row.rate_bpp:.3f} bits a pixel" if row.rate_bpp is not None else ""
    lines = [
        ("file", row.key),
        ("format", row.format or "unknown"),
        ("bytes", None if row.size_bytes is None else f"{row.size_bytes}{rate}"),
        ("size", size),
        *(_jpeg_facts(row, header) if header is not None else ()),
        ("error", row.error_kind and f"{row.error_kind}: {row.error_message}"),
    ]
    return [(name, value) for name, value in lines if value]


def _jpeg_facts(row: AuditRow, header: JpegHeader) -> list[tuple[str, str | None]]:
    flags = {
        "JFIF": header.has_jfif,
        "Exif": header.has_exif,
        "ICC profile": header.has_icc,
        "Adobe": header.has_adobe,
        "thumbnail": header.has_thumbnail,
        "multi-picture (MPF)": header.has_mpf,
    }
    transform = "" if header.adobe_transform is None else f" (Adobe transform {header.adobe_transform})"
    factors = ", ".join(f"{c.id}: {c.h}x{c.v} table {c.table_id}" for c in header.components)
    return [
        ("process", f"{header.process}{', hierarchical' if header.is_hierarchical else ''} ({header.entropy_coding})"),
        ("precision", f"{header.precision} bits a sample"),
        ("colours", f"{header.colorspace}{transform}"),
        ("sampling", f"{header.sampling} ({factors})"),
        ("IJG quality", _quality_text(row)),
        ("restarts", f"every {header.restart_interval} MCUs" if header.restart_interval else "none"),
        ("carries", ", ".join(name for name, there in flags.items() if there) or "no application data known here"),
        ("orientation", None if header.exif_orientation is None else f"{header.exif_orientation} (Exif)"),
        ("truncated", {True: "yes: no end marker", False: "no", None: "unknown"}[header.truncated]),
    ]


def _quality_text(row: AuditRow) -> str:
    def one(name: str, quality: int | None) -> str:
        return f"{name} {'none that fits' if quality is None else quality}"

    if row.quality_exact is None:
        return "unknown: no quantization table in use"
    chroma = (
        ""
        if row.ijg_quality_chroma is None and row.sampling == "grey"
        else f", {one('chroma', row.ijg_quality_chroma)}"
    )
    residual = "unknown, a table is missing" if row.quality_residual is None else f"{row.quality_residual:.3f}"
    sure = "exact" if row.quality_exact else f"not IJG tables, nearest by residual {residual}"
    return f"{one('luma', row.ijg_quality_luma)}{chroma} ({sure})"


def _grid(table: QuantizationTable, header: JpegHeader) -> RichTable:
    """The 8 x 8 entries under a title that names the components that use the table, and the IJG table it equals."""
    users = [str(component.id) for component in header.components if component.table_id == table.id]
    use = f"component {', '.join(users)}" if users else "unused"
    names = " or ".join(table_names(table.entries)) or "no IJG table"
    grid = RichTable(title=f"table {table.id}, {table.entry_bits} bit, {use}\n{names}", box=None, show_header=False)
    for _ in range(8):
        grid.add_column(justify="right", min_width=3)
    for line in table.entries:
        grid.add_row(*(str(int(entry)) for entry in line))
    return grid
