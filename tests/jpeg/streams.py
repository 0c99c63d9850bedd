"""JPEG streams made by hand, byte by byte, and by Pillow: what the tests read headers from."""

import io

import numpy as np
from PIL import Image

from unlossy.core.blobs import BytesBlob
from unlossy.jpeg import JpegHeader, read_header

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
# ITU-T T.81, figure A.6, written out: natural index of each entry in file order
ZIGZAG = [
    *[0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48],
    *[41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15],
    *[23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63],
]


def segment(code: int, payload: bytes) -> bytes:
    return bytes((0xFF, code)) + (len(payload) + 2).to_bytes(2, "big") + payload


def sof(
    width: int, height: int, components: list[tuple[int, int, int, int]], code: int = 0xC0, precision: int = 8
) -> bytes:
    body = b"".join(bytes((id_, h << 4 | v, table)) for id_, h, v, table in components)
    return segment(
        code,
        bytes((precision,)) + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes((len(components),)) + body,
    )


def dqt(id_: int, natural: np.ndarray, *, wide: bool = False) -> bytes:
    entries = natural.reshape(64)[ZIGZAG].astype(">u2" if wide else "u1").tobytes()
    return segment(0xDB, bytes(((0x10 if wide else 0) | id_,)) + entries)


def sos(*component_ids: int) -> bytes:
    body = b"".join(bytes((id_, 0)) for id_ in component_ids)
    return segment(0xDA, bytes((len(component_ids),)) + body + b"\x00\x3f\x00")


GREY = [(1, 1, 1, 0)]
YCC_420 = [(1, 2, 2, 0), (2, 1, 1, 1), (3, 1, 1, 1)]


def stream(*parts: bytes, scan: bytes = b"\x12\x34\xff\x00\x56", end: bytes = EOI) -> bytes:
    return SOI + b"".join(parts) + sos(1) + scan + end


def header(data: bytes) -> JpegHeader:
    return read_header(BytesBlob(data))


def encoded(*, mode: str = "RGB", size: tuple[int, int] = (24, 17), **options: object) -> bytes:
    pixels = np.random.default_rng(5).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()
