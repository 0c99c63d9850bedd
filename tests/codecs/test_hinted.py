"""Decoding with the evidence: tables and sampling, partial pictures, several pictures in one file."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tests.codecs.test_conformance import picture
from tests.codecs.test_source import saved
from unlossy.codecs import decode_hinted, decode_source, hints_of
from unlossy.core.errors import DecodeError, TruncatedError

RGB = picture(60, 75)


@pytest.mark.parametrize(("subsampling", "factors"), [("4:2:0", (2, 2)), ("4:2:2", (2, 1)), ("4:4:4", (1, 1))])
def test_a_jpeg_brings_its_tables(subsampling, factors):
    data = saved(Image.fromarray(RGB), "JPEG", quality=50, subsampling=subsampling)
    decoded = decode_hinted(data)
    assert np.array_equal(decoded.pixels_hwc, decode_source(data))
    # ITU-T T.81, tables K.1 and K.2: quality 50 is the tables themselves
    assert decoded.hints.table_luma[0].tolist() == [16, 11, 10, 16, 24, 40, 51, 61]
    assert decoded.hints.table_chroma[1].tolist() == [18, 21, 26, 66, 99, 99, 99, 99]
    assert decoded.hints.sampling_hv == factors


def test_a_grey_jpeg_has_no_chroma_table_and_others_no_hints():
    grey = decode_hinted(saved(Image.fromarray(RGB).convert("L"), "JPEG", quality=50))
    assert grey.pixels_hwc.shape == (60, 75, 1)
    assert grey.hints.table_chroma is None
    for data in (
        saved(Image.fromarray(RGB), "PNG"),
        saved(Image.fromarray(RGB), "WEBP"),
        saved(Image.fromarray(RGB).convert("CMYK"), "JPEG"),
        saved(Image.fromarray(RGB), "JPEG", keep_rgb=True),
    ):
        assert decode_hinted(data).hints is None
    assert hints_of(b"\xff\xd8nonsense") is None
    assert hints_of(b"") is None


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_cut_jpeg_is_decoded_in_part_where_asked(options):
    image = picture(160, 160)
    data = saved(Image.fromarray(image), "JPEG", quality=90, **options)
    cut = data[: len(data) // 2]
    with pytest.raises(TruncatedError):
        decode_hinted(cut)
    partial = decode_hinted(cut, partial=True)
    assert partial.pixels_hwc.shape == image.shape
    assert partial.hints is not None
    whole = decode_hinted(data)
    if not options:  # the upper part is whole, the lower part grey
        assert np.array_equal(partial.pixels_hwc[:48], whole.pixels_hwc[:48])
        assert partial.pixels_hwc[-8:].std() < 1
    assert np.array_equal(decode_hinted(data, partial=True).pixels_hwc, whole.pixels_hwc)


def test_partial_is_no_way_around_what_is_no_picture():
    for data in (b"", b"hello", b"\xff\xd8\xff\xd9", saved(Image.fromarray(RGB), "PNG")[:200]):
        with pytest.raises(DecodeError):
            decode_hinted(data, partial=True)


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_pictures_in_one_file_are_refused(format_name):
    frames = [Image.fromarray(picture(20, 20, seed=seed)) for seed in range(4)]
    buffer = BytesIO()
    frames[0].save(buffer, format_name, save_all=True, append_images=frames[1:])
    with pytest.raises(DecodeError, match="4 pictures"):
        decode_hinted(buffer.getvalue())
