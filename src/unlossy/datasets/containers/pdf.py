"""PDFs: every image XObject that is a file of its own, its bytes as they stand in the document.

doc.pdf#p3/Im1          page 3, resource /Im1 (shared ones once, on the page of their first use)
doc.pdf#p3/Fm0/Im1      inside the form /Fm0 of that page
doc.pdf#obj17           on no page's list: soft masks, patterns, annotations, leftovers of editing

[DCTDecode], [JPXDecode] are the JPEG and the JPEG 2000; filters before them ([FlateDecode DCTDecode]) are undone. Other
images (FlateDecode, CCITTFaxDecode, JBIG2Decode: pixels without a file around them) and inline images give no Item and
are counted.
"""

import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from unlossy.core.blobs import BytesBlob, FileBlob
from unlossy.core.errors import ItemError, MissingDependency, ReadError, RefusedError, TooLargeError
from unlossy.core.tools import printable, require
from unlossy.core.types import Blob
from unlossy.datasets.containers.base import Archive, Container, Member, stream_of
from unlossy.datasets.failed import failed_blob

MAX_STREAM_BYTES: Final = 64 << 20
"""No stream is unpacked further; qpdf's own object streams neither, because its limit is set to this."""
MAX_CONTENT_BYTES: Final = 4 << 20
"""So much of each content stream is searched for inline images."""
IMAGE_FILTERS: Final = ("/DCTDecode", "/JPXDecode")
FLATE: Final = "/FlateDecode"
SMALL_FILTERS: Final = frozenset({"/ASCII85Decode", "/ASCIIHexDecode", "/RunLengthDecode"})
"""qpdf undoes these, which cannot grow much. LZWDecode can, and qpdf has no limit for it."""
INLINE: Final = "inline image in a PDF"
UNSEARCHED: Final = "PDF page not searched for inline images"
_INLINE_IMAGE: Final = re.compile(rb"(?:^|[\s\0])BI[\s\0/][^>]{0,400}?[\s\0>\]]ID[\s\0]")


def members(archive: Archive) -> Iterator[Member]:
    """The images of a PDF, page by page; raises ReadError where it is encrypted, or what pikepdf raises."""
    pikepdf = require("pikepdf", "pdf", "reading a PDF")
    _limit_unpacking(pikepdf)
    try:
        with pikepdf.open(_source(archive.blob)) as document:
            yield from _images(archive, pikepdf, document)
    except pikepdf.PasswordError as error:
        raise ReadError("the PDF is encrypted and does not open without a password; save it without one") from error
    except pikepdf.PdfError as error:
        raise ReadError(f"the PDF is damaged: {_said(error, archive)}") from error


def _source(blob: Blob) -> Path | io.BufferedReader:
    return Path(blob.location) if isinstance(blob, FileBlob) else stream_of(blob)


def _said(error: Exception, archive: Archive) -> str:
    """The error's finding without the file's place, so that the row is the same wherever the file lies."""
    place = re.escape(str(_source(archive.blob))) if isinstance(archive.blob, FileBlob) else "stream <.*>"
    return printable(re.sub(rf"^{place}:? ?", "", str(error)))


def _images(archive: Archive, pikepdf: Any, document: Any) -> Iterator[Member]:  # noqa: ANN401 (pikepdf's own)
    """Those of the pages, each where it is used first, then those that no page lists."""
    seen: set[tuple[int, int]] = set()
    for number, page in enumerate(document.pages, start=1):
        yield from _page_images(archive, pikepdf, document, page, f"p{number}", seen)
    for stream in document.objects:
        if isinstance(stream, pikepdf.Stream) and stream.objgen not in seen and _is(stream, "/Image"):
            yield from _member(archive, pikepdf, document, f"obj{stream.objgen[0]}", stream)


def _limit_unpacking(pikepdf: Any) -> None:  # noqa: ANN401 (the module)
    """Sets qpdf's limits for this process, where nobody has set them; raises MissingDependency for an older pikepdf."""
    if not hasattr(pikepdf.settings, "get_qpdf_limits"):
        raise MissingDependency("pikepdf 10.17 or later", "pdf", "reading a PDF")
    now = pikepdf.settings.get_qpdf_limits()
    wanted = {"flate_max_memory": MAX_STREAM_BYTES, "run_length_max_memory": MAX_STREAM_BYTES, "doc_max_warnings": 1000}
    pikepdf.settings.set_qpdf_limits(**{name: limit for name, limit in wanted.items() if not now[name]})


def _page_images(
    archive: Archive,
    pikepdf: Any,  # noqa: ANN401 (the module)
    document: Any,  # noqa: ANN401 (a pikepdf.Pdf)
    page: Any,  # noqa: ANN401 (a pikepdf.Page)
    name: str,
    seen: set[tuple[int, int]],
) -> Iterator[Member]:
    """Those of a page's resources and of the forms in them, each object once in the document."""
    archive.others.update(_inline_images(pikepdf, page))
    waiting = [(name, page.obj)]
    while waiting:
        place, holder = waiting.pop()
        for key, stream in _xobjects(pikepdf, holder):
            if stream.objgen in seen:
                continue
            seen.add(stream.objgen)
            if _is(stream, "/Form"):
                waiting.append((f"{place}/{key[1:]}", stream))
            elif _is(stream, "/Image"):
                yield from _member(archive, pikepdf, document, f"{place}/{key[1:]}", stream)


def _xobjects(pikepdf: Any, holder: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 (pikepdf's module and objects)
    """The streams that the resources of a page or form name; none where they are damaged."""
    resources = holder.get("/Resources")
    named = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
    if not isinstance(named, pikepdf.Dictionary):
        return []
    return [(key, stream) for key, stream in named.items() if isinstance(stream, pikepdf.Stream)]


def _is(stream: Any, subtype: str) -> bool:  # noqa: ANN401 (a pikepdf.Stream)
    return str(stream.get("/Subtype", "")) == subtype


def _member(archive: Archive, pikepdf: Any, document: Any, name: str, stream: Any) -> Iterator[Member]:  # noqa: ANN401
    """The image, or nothing where it is no file of its own: then it is counted."""
    filters = _filters(pikepdf, stream)
    if not filters or filters[-1] not in IMAGE_FILTERS:
        archive.others[f"{' '.join(filters) or 'unfiltered'} image in a PDF"] += 1
        return
    blob: Blob
    try:
        blob = BytesBlob(_file_bytes(pikepdf, document, stream, filters))
    except ItemError as error:
        blob = failed_blob(error)
    except (pikepdf.PdfError, RuntimeError, ValueError, MemoryError) as error:
        blob = failed_blob(ReadError(f"the PDF's image stream is damaged: {_said(error, archive)}"))
    yield Member(name, blob)


def _filters(pikepdf: Any, stream: Any) -> list[str]:  # noqa: ANN401 (pikepdf's module and objects)
    value = stream.get("/Filter")
    values = list(value) if isinstance(value, pikepdf.Array) else [] if value is None else [value]
    return [str(one)[:40] for one in values]


def _file_bytes(pikepdf: Any, document: Any, stream: Any, filters: list[str]) -> bytes:  # noqa: ANN401
    """The bytes behind all filters but the image's own."""
    unknown = [name for name in filters[:-1] if name != FLATE and name not in SMALL_FILTERS]
    if unknown:
        raise RefusedError(f"the image lies behind the filter {unknown[0]}, which is not undone here")
    data = bytes(stream.read_raw_bytes())
    for name in filters[:-1]:
        if name == FLATE:
            data = _inflated(data, MAX_STREAM_BYTES + 1)
        else:
            data = bytes(pikepdf.Stream(document, data, Filter=pikepdf.Name(name)).read_bytes())
        if len(data) > MAX_STREAM_BYTES:
            raise TooLargeError(
                f"the image unpacks to more than {MAX_STREAM_BYTES} bytes, as a decompression bomb does"
            )
    return data


def _inflated(data: bytes, limit: int) -> bytes:
    """The first `limit` bytes of what a zlib stream holds, whole or cut; raises ValueError where it is damaged."""
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error as error:
        raise ValueError(str(error)) from error


def _inline_images(pikepdf: Any, page: Any) -> dict[str, int]:  # noqa: ANN401 (pikepdf's module and objects)
    """How many images stand in the page's own content, or that it was not searched (whole)."""
    contents = page.obj.get("/Contents")
    streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    found = unsearched = 0
    for stream in streams:
        if isinstance(stream, pikepdf.Stream):
            content = _content(pikepdf, stream)
            found += len(_INLINE_IMAGE.findall(content or b""))
            unsearched |= content is None or len(content) > MAX_CONTENT_BYTES
    return ({INLINE: found} if found else {}) | ({UNSEARCHED: 1} if unsearched else {})


def _content(pikepdf: Any, stream: Any) -> bytes | None:  # noqa: ANN401 (pikepdf's module and objects)
    """The start of a content stream; None where it cannot be read."""
    filters = _filters(pikepdf, stream)
    try:
        data = bytes(stream.read_raw_bytes())
        return data if not filters else _inflated(data, MAX_CONTENT_BYTES + 1) if filters == [FLATE] else None
    except (pikepdf.PdfError, RuntimeError, ValueError, MemoryError):
        return None


PDF: Final = Container(
    "pdf",
    (".pdf",),
    magic=lambda head: head.startswith(b"%PDF-"),
    members=members,
    joint="#",
    needs=("pikepdf", "pdf"),
)
