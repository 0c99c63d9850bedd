"""`unlossy.load_corrector`: the kind that went in comes out, and the evidence counts."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import unlossy
from tests.correctors.pictures import as_jpeg, dncnn_weights, jpeg_bytes, scene, tiny_weights
from unlossy.codecs import decode_hinted, hints_of
from unlossy.core.errors import DecodeError, ReadError, TruncatedError, UsageError
from unlossy.correctors.nets.weights_file import save_weights
from unlossy.correctors.pil_hints import hints_of_image
from unlossy.metrics import psnr_db

IMAGE = scene(120, 152, noise=1.0)
JPEG = jpeg_bytes(IMAGE, 20)
PIXELS = as_jpeg(IMAGE, 20).pixels_hwc


@pytest.fixture(scope="module")
def correct():
    return unlossy.load_corrector("small", threads=1)


@pytest.fixture(scope="module")
def expected(correct):
    (output,) = correct.corrector.correct([as_jpeg(IMAGE, 20)])
    assert psnr_db(output, IMAGE) > psnr_db(PIXELS, IMAGE) + 0.2
    return output


def test_bytes_paths_and_an_opened_jpeg_are_guided_by_their_tables(correct, expected, tmp_path):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    for given in (JPEG, bytearray(JPEG), tmp_path / "a.jpg", str(tmp_path / "a.jpg")):
        assert np.array_equal(correct(given), expected)
    with Image.open(tmp_path / "a.jpg") as image:
        output = correct(image)
    assert isinstance(output, Image.Image)
    assert np.array_equal(np.asarray(output), expected)
    assert np.array_equal(correct(PIXELS, hints=hints_of(JPEG)), expected)
    lossless = BytesIO()
    Image.fromarray(PIXELS).save(lossless, "PNG")
    assert np.array_equal(correct(lossless.getvalue(), hints=hints_of(JPEG)), expected)


def test_hints_guide_a_tensor_too(correct, expected):
    hints, tensor = hints_of(JPEG), torch.from_numpy(PIXELS.transpose(2, 0, 1).copy())
    for given in (tensor, tensor[None]):
        assert np.array_equal(correct(given, hints).reshape(tensor.shape).numpy().transpose(1, 2, 0), expected)
    assert not np.array_equal(correct(tensor).numpy().transpose(1, 2, 0), expected)
    with pytest.raises(UsageError, match="hints tell of one JPEG, and the tensor holds 2 pictures"):
        correct(torch.stack([tensor, tensor]), hints)


@pytest.mark.parametrize("place", [5, 6, 30])
def test_a_table_that_states_zero_gives_no_black_picture(correct, place):
    """libjpeg decodes the coefficient of such a step as 0, whatever is stored."""
    damaged = bytearray(JPEG)
    damaged[damaged.find(b"\xff\xdb") + place] = 0
    decoded = decode_hinted(bytes(damaged))
    assert decoded.hints.table_luma.min() == 0
    from_bytes, from_image = correct(bytes(damaged)), correct(Image.open(BytesIO(damaged)))
    assert np.array_equal(np.asarray(from_image), from_bytes)
    assert 0 < np.abs(from_bytes.astype(float) - decoded.pixels_hwc).mean() < 5


def test_a_grey_file_comes_out_in_three_equal_channels(correct):
    output = correct(jpeg_bytes(scene(40, 40, grey=True), 20))
    assert output.shape == (40, 40, 3)
    assert np.array_equal(output[:, :, 0], output[:, :, 2])


def test_arrays_and_tensors_show_a_grid_or_pass(correct):
    hidden = correct(PIXELS)
    assert psnr_db(hidden, IMAGE) > psnr_db(PIXELS, IMAGE) + 0.2
    grey = PIXELS[:, :, 1]
    assert correct(grey).shape == grey.shape
    assert correct(grey[:, :, None]).shape == (*grey.shape, 1)
    batch = torch.from_numpy(np.stack([PIXELS, IMAGE]).transpose(0, 3, 1, 2).copy())
    found = correct(batch)
    assert found.dtype == torch.uint8
    assert np.array_equal(found[0].numpy().transpose(1, 2, 0), hidden)
    assert torch.equal(found[1], batch[1])
    for kind in (torch.float32, torch.float16):
        floats = correct((batch / 255).to(kind))
        assert floats.dtype == kind
        assert (
            np.abs(floats[0].float().numpy().transpose(1, 2, 0) * 255 - hidden).max()
            <= (0.01, 1)[kind != torch.float32]
        )
    single = correct(batch[0])
    assert torch.equal(single, found[0])


def test_an_untouched_float_tensor_is_not_even_rounded(correct):
    batch = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    found = correct(batch)
    assert torch.equal(found, batch)
    assert found is not batch


def test_alpha_profile_and_size_are_kept(correct):
    alpha = np.tile(np.arange(152, dtype=np.uint8), (120, 1))
    image = Image.fromarray(np.dstack([PIXELS, alpha]))
    image.info["icc_profile"] = b"profile"
    output = correct(image)
    assert output.mode == "RGBA"
    assert np.array_equal(np.asarray(output)[:, :, 3], alpha)
    assert np.array_equal(np.asarray(output)[:, :, :3], correct(PIXELS))
    assert output.info["icc_profile"] == b"profile"


def test_a_cmyk_image_becomes_rgb_without_its_profile(correct):
    image = Image.fromarray(PIXELS).convert("CMYK")
    image.info |= {"icc_profile": b"profile", "dpi": (300, 300)}
    output = correct(image)
    assert output.mode == "RGB"
    assert np.array_equal(np.asarray(output), correct(np.asarray(image.convert("RGB"))))
    assert output.info == {"dpi": (300, 300)}
    untouched = Image.fromarray(IMAGE).convert("CMYK")
    untouched.info["icc_profile"] = b"profile"
    same = correct(untouched)
    assert (same.mode, same.info) == ("CMYK", {"icc_profile": b"profile"})


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32, torch.float16])
def test_an_empty_batch_comes_back(correct, kind):
    output = correct(torch.zeros(0, 3, 8, 8, dtype=kind))
    assert (output.shape, output.dtype) == ((0, 3, 8, 8), kind)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("quality", [5, 40, 90, 100])
def test_pillows_tables_are_those_of_the_header(subsampling, quality):
    data = jpeg_bytes(IMAGE, quality, subsampling)
    found, header = hints_of_image(Image.open(BytesIO(data))), hints_of(data)
    assert np.array_equal(found.table_luma, header.table_luma)
    assert np.array_equal(found.table_chroma, header.table_chroma)
    assert found.sampling_hv == header.sampling_hv


def opened():
    image = Image.open(BytesIO(JPEG))
    image.load()
    return image


def test_stale_tables_are_not_believed():
    grey = hints_of_image(Image.open(BytesIO(jpeg_bytes(scene(64, 64, grey=True), 30))))
    assert grey.table_chroma is None
    shrunk, drafted, pasted = opened(), Image.open(BytesIO(JPEG)), opened()
    shrunk.thumbnail((100, 90))
    drafted.draft("RGB", (70, 60))
    pasted.paste(Image.fromarray(scene(120, 152, seed=7, noise=3.0)))
    for image in (shrunk, drafted, pasted):
        assert image.quantization
        assert hints_of_image(image) is None
    assert hints_of_image(opened().rotate(90, expand=True)) is None
    assert hints_of_image(ImageOps.exif_transpose(opened()).crop((1, 1, 90, 90))) is None
    assert hints_of_image(Image.fromarray(IMAGE)) is None
    assert hints_of_image(opened()) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        None,
        [PIXELS],
        PIXELS.astype(float),
        PIXELS[None],
        PIXELS[:0],
        np.zeros((4, 4, 2), np.uint8),
        torch.zeros(3, 5),
        torch.zeros(1, 4, 8, 8),
        torch.zeros(1, 3, 8, 8, dtype=torch.int64),
        torch.full((1, 3, 8, 8), 2.0),
        torch.full((1, 3, 8, 8), float("nan")),
    ],
)
def test_what_is_no_picture_is_refused(correct, wrong):
    with pytest.raises(UsageError):
        correct(wrong)


def test_broken_files_are_items_errors(correct, tmp_path):
    with pytest.raises(ReadError):
        correct(tmp_path / "missing.jpg")
    with pytest.raises(DecodeError):
        correct(b"no image")
    with pytest.raises(TruncatedError, match=r"cannot be read: .*truncated"):
        correct(Image.open(BytesIO(JPEG[: len(JPEG) // 2])))
    lossless = BytesIO()
    Image.fromarray(scene(64, 64, noise=9.0)).save(lossless, "PNG")
    damaged = bytearray(lossless.getvalue())
    damaged[len(damaged) // 2] ^= 255
    with pytest.raises(DecodeError, match="pixels cannot be read"):
        correct(Image.open(BytesIO(damaged)))
    frames = [Image.fromarray(scene(16, 16, seed)) for seed in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(DecodeError, match="3 pictures"):
        correct(tmp_path / "a.gif")


@pytest.mark.parametrize("kind", ["I;16", "I", "F"])
def test_more_than_8_bits_a_sample_stay_as_they_are(kind):
    deep = PIXELS[:, :, 0].astype(np.uint16) * 257 + 3
    image = Image.fromarray(deep if kind == "I;16" else deep.astype({"I": np.int32, "F": np.float32}[kind]))
    assert image.mode == kind
    output = unlossy.load_corrector("small", threads=1, hidden="always")(image)
    assert output.mode == kind
    assert np.array_equal(np.asarray(output), np.asarray(image))


def test_weights_may_be_given_as_a_path(tmp_path):
    weights = tiny_weights(tmp_path)
    corrector = unlossy.load_corrector(weights, threads=1).corrector
    assert corrector.digest == unlossy.load_corrector(str(weights), threads=1).corrector.digest
    assert corrector.name == str(weights)


@pytest.mark.parametrize("device", ["cuda:99", "meta", "xyz", ""])
def test_an_absent_device_is_refused(device, tmp_path):
    save_weights(tmp_path / "d.safetensors", dncnn_weights(), {})
    for name in ("small", f"dncnn3@{tmp_path / 'd.safetensors'}"):
        with pytest.raises(UsageError, match=f"cannot use the device '{device}' here .*give cpu"):
            unlossy.load_corrector(name, device=device)


def test_unknown_choices_are_refused():
    for wrong in ({"hidden": "maybe"}, {"runtime": "x"}, {"threads": -1}):
        with pytest.raises(UsageError):
            unlossy.load_corrector("small", **wrong)
    with pytest.raises(UsageError):
        unlossy.load_corrector("huge")
