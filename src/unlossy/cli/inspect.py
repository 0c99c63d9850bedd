"""`unlossy inspect`: everything that the bytes of one image file tell."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import typer

from unlossy.audit.examine import Examined, examine
from unlossy.audit.options import ScanOptions
from unlossy.audit.other_formats import read_other_header
from unlossy.audit.rows import AuditRow, table_as_json
from unlossy.cli.inspected import Inspected, print_inspected
from unlossy.core.blobs import FileBlob
from unlossy.core.errors import ItemError, UsageError
from unlossy.core.paths import is_file, is_folder, status_of
from unlossy.core.tools import printable
from unlossy.core.types import Blob, Item
from unlossy.datasets.containers.registry import container_by_magic, container_by_name
from unlossy.datasets.magic import HEAD_BYTES, has_image_magic
from unlossy.jpeg import JpegHeader
from unlossy.jpeg.encoder import identify
from unlossy.jpeg.marker_map import Part, marker_map
from unlossy.jpeg.quality import table_names


def inspect(
    file: Annotated[Path, typer.Argument(help="One image file.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Every field as JSON on stdout.")] = False,
) -> None:
    """Everything that the bytes of one image file tell of its compression; nothing is decoded.

    For a JPEG: size, coding process, components and sampling, quantization tables in natural (row-major) order, the IJG
    quality of luma and chroma with whether it is exact, the encoder with how sure that is and why, truncation, and a
    map of all markers with their offsets. For WebP, AVIF, HEIF, JPEG 2000 and JPEG XL: lossy or lossless, bits a sample
    and subsampling, as far as the header says. For others: format and size.

    For example:

        unlossy inspect photo.jpg

        unlossy inspect photo.jpg --json | jq .ijg_quality_luma

    Exit codes: 0 fine; 2 there is no such file; 3 the file cannot be read or is malformed (what is known is shown).
    """
    _refuse_all_but_files(file)
    blob = FileBlob(file)
    examined = examine(Item(printable(str(file)), blob), ScanOptions(deep=True))
    inspected = Inspected(examined.row, examined.header, parts_of(blob, examined), remarks_of(blob, examined))
    if as_json:
        typer.echo(json.dumps(as_dict(inspected), indent=2))
    else:
        print_inspected(inspected)
    if examined.row.error_kind is not None:
        raise typer.Exit(ItemError.exit_code)


def _refuse_all_but_files(file: Path) -> None:
    """UsageError for a path that is no file, and for one that holds many images: `audit` looks at those."""
    if status_of(file) is None:
        raise UsageError(f"there is no file {str(file)!r}")
    if is_folder(file):
        raise UsageError(f"{str(file)!r} is a folder; `unlossy audit {file}` looks at all images in it")
    if is_file(file) and (kind := _container_kind(file)):
        raise UsageError(f"{str(file)!r} holds images ({kind}); `unlossy audit {file}` looks at all of them")


def _container_kind(file: Path) -> str | None:
    """The kind of container that a file is, by its bytes or, where those are no image's, by its name; None for none."""
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError:
        return None  # the row will say why
    found = container_by_magic(head) or (None if has_image_magic(head) else container_by_name(file.name))
    return found.name if found else None


def parts_of(blob: Blob, examined: Examined) -> tuple[Part, ...]:
    """The marker map; empty where the file is no JPEG or cannot be read."""
    if examined.row.format != "jpeg":
        return ()
    try:
        return tuple(marker_map(blob))
    except ItemError:
        return ()


def remarks_of(blob: Blob, examined: Examined) -> tuple[str, ...]:
    """What the header of another format says beside the row's columns."""
    if examined.row.format == "jpeg" or examined.row.error_kind is not None:
        return ()
    try:
        return read_other_header(blob, examined.row.format).remarks
    except ItemError:
        return ()


def as_dict(inspected: Inspected) -> dict[str, Any]:
    """The audit's columns under their names, and what only `inspect` tells (None or empty where there is none)."""
    row = inspected.row
    columns = {field.name: getattr(row, field.name) for field in fields(AuditRow)}
    tables = None if row.quantization_tables is None else [table_as_json(table) for table in row.quantization_tables]
    return (
        columns
        | {"groups": dict(row.groups), "quantization_tables": tables}
        | _jpeg_dict(inspected.header)
        | {"markers": [asdict(part) for part in inspected.parts], "remarks": list(inspected.remarks)}
    )


_PLAIN_FIELDS = (
    *("colorspace", "entropy_coding", "is_hierarchical", "has_jfif", "has_exif", "has_icc", "has_adobe"),
    *("adobe_transform", "scan_offset"),
)


def _jpeg_dict(header: JpegHeader | None) -> dict[str, Any]:
    """`sampling_factors` has one entry per component, in frame order; `table_names` goes by table id."""
    if header is None:
        return dict.fromkeys((*_PLAIN_FIELDS, "sampling_factors", "table_names", "encoder_why"))
    return {name: getattr(header, name) for name in _PLAIN_FIELDS} | {
        "sampling_factors": [asdict(component) for component in header.components],
        "table_names": {str(table.id): list(table_names(table.entries)) for table in header.tables},
        "encoder_why": identify(header.signature).why,
    }
