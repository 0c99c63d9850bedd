import io

import numpy as np
import pytest
from PIL import Image

from tests.jpeg import streams
from unlossy.jpeg import tables


def test_zigzag_is_the_order_of_the_standard():
    assert list(tables.ZIGZAG) == streams.ZIGZAG


def test_to_and_from_zigzag_are_inverse():
    table = np.arange(64, dtype=np.uint16).reshape(8, 8)
    assert np.array_equal(tables.from_zigzag(tables.to_zigzag(table)), table)


@pytest.mark.parametrize("quality", range(1, 101))
def test_scaled_tables_equal_those_that_libjpeg_writes(quality):
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "JPEG", quality=quality)
    written = Image.open(data).quantization
    assert tables.ijg_table(tables.LUMINANCE, quality).reshape(64).tolist() == written[0]
    assert tables.ijg_table(tables.CHROMINANCE, quality).reshape(64).tolist() == written[1]


def test_wide_tables_are_not_clamped_at_255():
    # cjpeg -quality 1 (libjpeg-turbo 2.1.5) writes 16 * 50 = 800 and 121 * 50 = 6050
    wide = tables.ijg_table(tables.LUMINANCE, 1, tables.MAX_ENTRY_16_BIT)
    assert (wide[0, 0], wide.max()) == (800, 6050)


@pytest.mark.parametrize("quality", [0, 101])
def test_qualities_outside_1_to_100_are_refused(quality):
    with pytest.raises(ValueError, match=r"1\.\.100"):
        tables.scaling_percent(quality)
