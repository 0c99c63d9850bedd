"""One suite over every codec of the registry: a new codec is tested by being registered."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from unlossy.codecs import codec_families, codec_family, parse_codecs
from unlossy.codecs.registry import MODULES
from unlossy.core.errors import CodecError, UsageError

NAMES = sorted(MODULES)
SIZES_HW = [(1, 1), (1, 17), (7, 1), (8, 8), (15, 31), (33, 48), (64, 65)]


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A smooth ramp with texture: something that compresses, and loses by it."""
    rows, columns = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 40, (height, width, channels))
    ramp = (rows * 3 + columns * 2)[:, :, None] % 200
    return (ramp + noise).astype(np.uint8)


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((a.astype(float) - b.astype(float)) ** 2))))


@pytest.fixture(params=NAMES)
def family(request):
    family = codec_family(request.param)
    assert family.availability().available, "every codec of this version's core install works everywhere"
    return family


def test_family_names_itself(family):
    assert MODULES[family.name].endswith(family.name)
    assert family.availability().version
    assert all(quality in family.scale for quality in family.scale.sweep)


@pytest.mark.parametrize("size_hw", SIZES_HW)
@pytest.mark.parametrize("channels", [1, 3])
def test_size_comes_back(family, size_hw, channels):
    image = picture(*size_hw, channels)
    codec = family.make(family.scale.highest)
    decoded = codec.decode(codec.encode(image))
    assert decoded.shape[:2] == size_hw
    assert decoded.shape[2] in (channels, 3)
    assert decoded.dtype == np.uint8


def test_grey_stays_grey(family):
    image = picture(40, 40, 1)
    codec = family.make(90)
    decoded = codec.decode(codec.encode(image)).astype(int)
    assert np.ptp(decoded, axis=2).max() <= 2
    assert psnr_db(decoded, np.broadcast_to(image, decoded.shape)) > 25


def test_rate_and_fidelity_grow_with_quality(family):
    image = picture(128, 160)
    qualities = range(max(5, family.scale.lowest), family.scale.highest + 1, 15)
    codecs = [family.make(quality) for quality in qualities]
    sizes = [len(codec.encode(image)) for codec in codecs]
    fidelities = [psnr_db(image, codec.decode(codec.encode(image))) for codec in codecs]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1.5 * sizes[0]
    assert fidelities[-1] > fidelities[0] + 2


def test_equal_input_gives_equal_bytes_from_many_threads(family):
    images = [picture(64, 80, seed=seed) for seed in range(8)]
    codec = family.make(50)
    expected = [codec.encode(image) for image in images]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert list(pool.map(codec.encode, images)) == expected
        decoded = list(pool.map(codec.decode, expected))
    assert all(np.array_equal(codec.decode(data), pixels) for data, pixels in zip(expected, decoded, strict=True))


@pytest.mark.parametrize("garbage", [b"", b"\xff", b"not an image at all", b"\xff\xd8\xff\xe0" + bytes(64)])
def test_garbage_is_a_codec_error(family, garbage):
    with pytest.raises(CodecError):
        family.make(50).decode(garbage)


def test_half_a_file_is_a_codec_error(family):
    codec = family.make(50)
    data = codec.encode(picture(64, 64))
    with pytest.raises(CodecError):
        codec.decode(data[: len(data) // 2])


def test_a_callers_lower_limit_of_pillow_does_not_hold_for_what_the_codec_wrote(family, monkeypatch):
    codec = family.make(50)
    data = codec.encode(picture(33, 48))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert codec.decode(data).shape[:2] == (33, 48)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_setting_is_canonical(family):
    for option in ("", *family.options):
        text = f"{family.name}[{option}]:50" if option else f"{family.name}:50"
        (codec,) = parse_codecs(text)
        (again,) = parse_codecs(codec.setting)
        assert again.setting == codec.setting
        assert again == codec
        assert codec.codec_quality == 50


def test_qualities_out_of_scale_are_refused(family):
    for quality in (family.scale.highest + 1, 9999):
        with pytest.raises(UsageError, match="takes a quality of"):
            parse_codecs(f"{family.name}:{quality}")


def test_too_wide_an_image_is_a_codec_error(family):
    with pytest.raises(CodecError):
        family.make(50).encode(np.zeros((1, 66_000, 3), np.uint8))


def test_registry_lists_every_module():
    assert [family.name for family in codec_families()] == list(MODULES)
