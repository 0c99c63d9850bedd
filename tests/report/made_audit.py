"""Rows of an audit made by hand, so that what a page must hold is known beforehand."""

import io

import numpy as np
import pyarrow as pa
from PIL import Image

from unlossy.audit.schema import schema
from unlossy.core.blobs import BytesBlob
from unlossy.core.types import Item


def row_of(key, quality=90, *, chroma=None, error=None, message=None, groups=None, encoder="libjpeg", **more):
    """A JPEG of 80 x 40 pixels and 800 bytes; `quality` None is one without an honest quality."""
    sized = error is None
    return {
        "key": key,
        "groups": sorted((groups or {}).items()),
        "format": "jpeg",
        "size_bytes": 800,
        "width": 80 if sized else None,
        "height": 40 if sized else None,
        "process": "baseline" if sized else None,
        "ijg_quality_luma": quality if sized else None,
        "ijg_quality_chroma": chroma,
        "quality_exact": quality is not None if sized else None,
        "encoder": encoder if sized else None,
        "rate_bpp": 2.0 if sized else None,
        "truncated": False,
        "error_kind": error,
        "error_message": message,
    } | more


def table_of(rows):
    return pa.Table.from_pylist(list(rows), schema=schema())


def many_rows(n):
    """A large audit quickly: n rows in 20 classes, mostly of quality 95; every 100th of 12, in two classes."""
    place = np.arange(n)
    quality = np.where(place % 100 == 7, 12, 95 - place % 3)
    group = [[("class", f"class {c:02d}"), ("folder", f"class {c:02d}")] for c in range(20)]
    columns = {
        "key": [f"class {c % 20:02d}/image-{c:07d}.jpg" for c in place],
        "groups": pa.array([group[c % 20] for c in place], pa.map_(pa.string(), pa.string())),
        "format": ["jpeg"] * n,
        "size_bytes": 40_000 + place % 977,
        "width": np.full(n, 640, np.int32),
        "height": np.full(n, 480, np.int32),
        "components": np.full(n, 3, np.int32),
        "precision": np.full(n, 8, np.int32),
        "sampling": np.where(place % 100 == 7, "4:2:0", "4:4:4"),
        "process": ["baseline"] * n,
        "ijg_quality_luma": quality.astype(np.int32),
        "ijg_quality_chroma": quality.astype(np.int32),
        "quality_exact": np.full(n, True),
        "quality_residual": np.zeros(n),
        "encoder": np.where(place % 50 == 0, "mozjpeg", "libjpeg (turbo)"),
        "rate_bpp": 8 * (40_000 + place % 977) / (640 * 480),
        "truncated": place % 1000 == 3,
        "error_kind": [("truncated" if c % 1000 == 3 else None) for c in place],
        "error_message": [(f"ends at byte {c}" if c % 1000 == 3 else None) for c in place],
    }
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(n, field.type)
        for field in schema()
    ]
    return pa.Table.from_arrays(arrays, schema=schema())


def jpeg_bytes(width=80, height=40, quality=90, seed=0, **more):
    """A real JPEG of soft noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (max(2, height // 8), max(2, width // 8), 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC).save(
        buffer, "JPEG", quality=quality, **more
    )
    return buffer.getvalue()


def item_of(key, data, **groups):
    return Item(key, BytesBlob(data), None, groups)
