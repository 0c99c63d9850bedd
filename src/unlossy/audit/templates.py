"""Files that share everything but their tables: what follows from the tables is worked out for many at once.

Where every file has quantization tables of its own, no header is met twice. But headers are the same up to the 64
entries of one or two tables, so the first of them is a template, and of the others only tables, qualities and encoder
are new. Not every header can be one, only those of grey and of YCbCr with a table for luma and one for chroma.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np

from unlossy.audit.rows import FACTS, Facts
from unlossy.jpeg import JpegHeader
from unlossy.jpeg.encoder import Signature, identify
from unlossy.jpeg.qualities import Nearest, choice, nearest_qualities
from unlossy.jpeg.segments import QuantizationTable
from unlossy.jpeg.tables import ZIGZAG

_TABLE: Final = b"\xff\xdb\x00\x43"
"""DQT with the length of one 8-bit table."""
_NATURAL: Final = np.argsort(ZIGZAG)

_OF_TABLES: Final = frozenset(
    {"quantization_tables", "ijg_quality_luma", "ijg_quality_chroma", "quality_exact", "quality_residual"}
    | {"encoder", "encoder_confidence"}
)

Skeleton = tuple[bytes, int, bytes]
"""A header without the entries of its tables: the bytes before them, how many there are, and the bytes behind."""


class Spot(NamedTuple):
    """A header's skeleton, and the entries of its tables in file order."""

    skeleton: Skeleton
    tables: tuple[bytes, ...]


def spot_tables(key: bytes) -> Spot | None:
    """Where one or two 8-bit tables stand one behind the other in a plain header; None where none is found."""
    at = key.find(_TABLE)
    if at < 0:
        return None
    if key[at + 69 : at + 73] != _TABLE:
        return Spot((key[: at + 5], 1, key[at + 69 :]), (key[at + 5 : at + 69],))
    skeleton = (key[: at + 5] + key[at + 73 : at + 74], 2, key[at + 138 :])
    return Spot(skeleton, (key[at + 5 : at + 69], key[at + 74 : at + 138]))


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The facts and the signature of one file; the place of luma's and of chroma's table among those in the file."""

    facts: Facts
    signature: Signature
    luma: int
    chroma: int | None

    @classmethod
    def of(cls, header: JpegHeader, facts: Facts) -> "Template | None":
        """The template that a header makes, None where it cannot be one."""
        used = [component.table_id for component in header.components]
        in_file = [id_ for id_, _ in header.signature.tables]
        of_colour = {"grey": used[:1], "YCbCr": used[:2] if used[1:2] == used[2:3] else []}.get(header.colorspace, [])
        is_plain = all(table.entry_bits == 8 for table in header.tables)
        if not of_colour or not is_plain or header.process.is_lossless or sorted(in_file) != sorted(set(of_colour)):
            return None
        chroma = in_file.index(of_colour[1]) if len(of_colour) == 2 else None
        return cls(facts, header.signature, in_file.index(of_colour[0]), chroma)

    def fits(self, spot: Spot) -> bool:
        """Whether the file that made this template holds its tables where the spot says."""
        return tuple(entries for _, entries in self.signature.tables) == spot.tables


def facts_by_template(template: Template, spots: Sequence[Spot]) -> Iterator[Facts]:
    """The facts of each file that has the template's skeleton."""
    entries = np.frombuffer(b"".join(b"".join(spot.tables) for spot in spots), dtype=np.uint8)
    entries = entries.reshape(len(spots), -1, 64)
    luma = nearest_qualities(entries[:, template.luma], chroma=False)
    chroma = None if template.chroma is None else nearest_qualities(entries[:, template.chroma], chroma=True)
    natural = np.ascontiguousarray(entries[:, :, _NATURAL], dtype=np.uint16).reshape(len(spots), -1, 8, 8)
    natural.setflags(write=False)
    ids = [id_ for id_, _ in template.signature.tables]
    places = range(len(ids))
    by_id = sorted(places, key=ids.__getitem__)
    shared = {one.name: getattr(template.signature, one.name) for one in fields(Signature)}
    facts = {name: getattr(template.facts, name) for name in FACTS if name not in _OF_TABLES}
    for spot, tables, verdict in zip(spots, natural, _verdicts(luma, chroma), strict=True):
        shared["tables"] = tuple([(ids[place], spot.tables[place]) for place in places])
        guess = identify(Signature(**shared))
        yield Facts(
            **facts,
            quantization_tables=tuple([QuantizationTable(ids[place], 8, tables[place]) for place in by_id]),
            ijg_quality_luma=verdict[0],
            ijg_quality_chroma=verdict[1],
            quality_exact=verdict[2] == 0.0,
            quality_residual=verdict[2],
            encoder=guess.text,
            encoder_confidence=guess.confidence,
        )


def _verdicts(luma: Nearest, chroma: Nearest | None) -> Iterator[tuple[int | None, int | None, float]]:
    """Luma's quality, chroma's, and the larger residual."""
    if chroma is None:
        chroma = Nearest(np.zeros_like(luma.ijg_quality), np.zeros_like(luma.residual), {})
    columns = (luma.ijg_quality, chroma.ijg_quality, np.maximum(luma.residual, chroma.residual))
    tied = luma.ties.keys() | chroma.ties.keys()
    for index, (of_luma, of_chroma, residual) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        if index in tied:
            those = luma.candidates(index), chroma.candidates(index)
            yield choice(*those), choice(*reversed(those)), residual
        else:
            yield of_luma or None, of_chroma or None, residual
