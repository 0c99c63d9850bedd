"""The encoders of many files at once are those of each alone."""

import dataclasses

import numpy as np
import pytest

from tests.jpeg.streams import YCC_420, encoded, header, sof
from tests.jpeg.test_encoder import JFIF, JPEGLI_Q90_420, MERGED, dht, made
from unlossy.jpeg.encoder import identify, identify_all
from unlossy.jpeg.encoders.mozjpeg_tables import LUMA_PRESETS
from unlossy.jpeg.tables import CHROMINANCE, LUMINANCE, ijg_table, to_zigzag


def tables_of_many_kinds() -> np.ndarray:
    """Pairs of tables in file order: IJG's, mozjpeg's, flat, fine, jpegli's corners, random ones."""
    noise = np.random.default_rng(8)
    ijg = [[to_zigzag(ijg_table(base, q)) for base in (LUMINANCE, CHROMINANCE)] for q in range(1, 101, 9)]
    moz = [[to_zigzag(ijg_table(LUMA_PRESETS[p], q)) for q in (75, 75)] for p in LUMA_PRESETS]
    flat = np.ones((4, 2, 64), int) * np.array([1, 2, 9, 255])[:, None, None]
    own = [noise.integers(1, high, (9, 2, 64)) for high in (4, 30, 256)]
    corners = own[1].copy()
    corners[:, :, 0], corners[:, :, 63] = 3, 10
    quality_90 = np.frombuffer(bytes.fromhex(JPEGLI_Q90_420), np.uint8).reshape(1, 2, 65)[:, :, 1:]
    return np.concatenate([ijg, moz, flat, *own, corners, quality_90]).astype(np.uint8)


@pytest.mark.parametrize("ids", [(0, 1), (1, 0), (2, 3), (0, 0)])
@pytest.mark.parametrize(
    "data",
    [
        encoded(quality=50),
        encoded(quality=50, progressive=True),
        made(JFIF, MERGED, sof(9, 8, YCC_420), dht(0, 0x10, 1, 0x11)),
        made(JFIF, MERGED, sof(9, 8, [(0, 1, 1, 0), (1, 1, 1, 1), (2, 1, 1, 1)], 0xC1), dht(0, 0x10, 1, 0x11)),
        made(JFIF, MERGED, sof(9, 8, [(1, 1, 1, 0), (2, 1, 1, 1), (3, 1, 1, 1)]), dht(0, 0x10, 1, 0x11)),
    ],
)
def test_many_files_that_differ_in_tables_are_named_as_each_alone(data, ids):
    tables = tables_of_many_kinds()
    signature = dataclasses.replace(header(data).signature, tables=tuple((id_, b"") for id_ in ids))
    alone = [
        identify(dataclasses.replace(signature, tables=tuple(zip(ids, map(bytes, pair), strict=True))))
        for pair in tables
    ]
    assert list(identify_all(signature, tables)) == alone
    if ids == (0, 1):
        assert len(set(alone)) > 1
