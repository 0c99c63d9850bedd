"""One file's evidence in the terminal: facts, quantization tables as grids, the map of markers."""

from dataclasses import dataclass

from rich.columns import Columns
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from unlossy.audit.rows import AuditRow
from unlossy.jpeg import JpegHeader
from unlossy.jpeg.encoder import identify
from unlossy.jpeg.marker_map import Part
from unlossy.jpeg.quality import table_names
from unlossy.jpeg.segments import QuantizationTable

Fact = tuple[str, str | None]


@dataclass(frozen=True, slots=True, eq=False)
class Inspected:
    """The row, and what stands behind it: header and parts of a JPEG, remarks on another format."""

    row: AuditRow
    header: JpegHeader | None
    parts: tuple[Part, ...]
    remarks: tuple[str, ...]


def print_inspected(inspected: Inspected) -> None:
    """Prints all of it to stdout."""
    console = Console(highlight=False)
    header = inspected.header
    facts = RichTable(box=None, show_header=False, pad_edge=False)
    for name, value in _facts(inspected):
        facts.add_row(Text(name, style="bold"), Text(value, overflow="fold"))
    console.print(facts)
    if header is not None and header.tables:
        console.print()
        console.print(Columns([_grid(table, header) for table in header.tables], padding=(0, 4)))
    if inspected.parts:
        console.print()
        console.print(_map(inspected.parts))


def _facts(inspected: Inspected) -> list[tuple[str, str]]:
    """Name and value of each line; what the format does not say has none."""
    row, header = inspected.row, inspected.header
    size = f"{row.width} x {row.height if row.height else 'unknown'}" if row.width else None
    rate = f", {row.rate_bpp:.3f} bits a pixel" if row.rate_bpp is not None else ""
    lines = [
        ("file", row.key),
        ("format", row.format or "unknown"),
        ("bytes", None if row.size_bytes is None else f"{row.size_bytes}{rate}"),
        ("size", size),
        *(_jpeg_facts(row, header) if header is not None else _other_facts(inspected)),
        ("error", row.error_kind and f"{row.error_kind}: {row.error_message}"),
    ]
    return [(name, value) for name, value in lines if value]


def _other_facts(inspected: Inspected) -> list[Fact]:
    row = inspected.row
    if row.width is None:
        return []
    coding = {True: "lossless", False: "lossy", None: "the header does not say whether lossy or lossless"}
    return [
        ("coding", coding[row.lossless]),
        ("precision", f"{row.precision} bits a sample" if row.precision else None),
        ("sampling", row.sampling),
        ("remarks", "; ".join(inspected.remarks)),
    ]


def _jpeg_facts(row: AuditRow, header: JpegHeader) -> list[Fact]:
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
        ("encoder", _encoder_text(header)),
        ("restarts", f"every {header.restart_interval} MCUs" if header.restart_interval else "none"),
        ("carries", ", ".join(name for name, there in flags.items() if there) or "no application data known here"),
        ("orientation", None if header.exif_orientation is None else f"{header.exif_orientation} (Exif)"),
        ("scans", None if row.scans is None else str(row.scans)),
        ("trailing", f"{row.trailing_bytes} bytes behind the end marker" if row.trailing_bytes else None),
        ("truncated", {True: "yes: no end marker", False: "no", None: "unknown"}[header.truncated]),
    ]


def _encoder_text(header: JpegHeader) -> str:
    guess = identify(header.signature)
    sure = f", {guess.confidence:.0%} sure" if guess.confidence else ""
    return f"{guess.text}{sure}: {guess.why}"


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


def _map(parts: tuple[Part, ...]) -> RichTable:
    """One line a part: offset in decimal, the marker's code and name, bytes with marker and length, what it says."""
    table = RichTable(box=None, header_style="bold", pad_edge=False)
    for name in ("offset", "marker", "", "bytes", "says"):
        table.add_column(name, justify="right" if name in ("offset", "bytes") else "left", overflow="fold")
    for part in parts:
        table.add_row(str(part.offset), part.code, part.name, str(part.size_bytes), Text(part.says, overflow="fold"))
    return table
