import io

import numpy as np
import pytest
from PIL import Image

from tests.codecs.test_conformance import picture
from unlossy.codecs import parse_codecs
from unlossy.codecs.jpeg import JpegCodec, decode_jpeg, decode_jpeg_pillow


@pytest.mark.parametrize("quality", [1, 10, 50, 90, 100])
@pytest.mark.parametrize("setting", ["jpeg", "jpeg[422]", "jpeg[444]", "jpeg[progressive]", "jpeg[444,optimize]"])
@pytest.mark.parametrize("size_hw", [(1, 1), (37, 53), (64, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_both_decoders_give_identical_pixels(quality, setting, size_hw, channels):
    (codec,) = parse_codecs(f"{setting}:{quality}")
    data = codec.encode(picture(*size_hw, channels))
    assert np.array_equal(decode_jpeg(data), decode_jpeg_pillow(data))


def test_bytes_are_those_of_pillows_own_save():
    image = picture(45, 61)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=30, subsampling=2)
    assert JpegCodec(30).encode(image) == buffer.getvalue()


def test_options_do_what_they_say():
    image = picture(64, 64)
    opened = {
        setting: Image.open(io.BytesIO(parse_codecs(setting)[0].encode(image)))
        for setting in ("jpeg:50", "jpeg[422]:50", "jpeg[444]:50", "jpeg[progressive]:50")
    }
    sampling = {setting: file.layer[0][1:3] for setting, file in opened.items()}
    assert sampling["jpeg:50"] == (2, 2)
    assert sampling["jpeg[422]:50"] == (2, 1)
    assert sampling["jpeg[444]:50"] == (1, 1)
    assert opened["jpeg[progressive]:50"].info.get("progressive") == 1
    assert "progressive" not in opened["jpeg:50"].info


def test_optimised_tables_keep_the_pixels():
    image = picture(64, 64)
    plain, optimised = JpegCodec(50), JpegCodec(50, optimize=True)
    assert len(optimised.encode(image)) < len(plain.encode(image))
    assert np.array_equal(plain.decode(plain.encode(image)), optimised.decode(optimised.encode(image)))
