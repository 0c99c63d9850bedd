import hashlib
import io
import itertools

import numpy as np
import pytest
from PIL import Image

from unlossy.core.errors import UsageError
from unlossy.core.types import ClassTarget
from unlossy.datasets.scenes.noise import Draws, mix, smooth_noise
from unlossy.datasets.scenes.textures import TEXTURES, draw_texture
from unlossy.datasets.synthetic import CLASS_NAMES, SceneBlob, SyntheticDataset, parse_synthetic, render_scene

DIGESTS = {
    (0, 0, 64, 48): "4e32d0579872ccfb5983e27a90939c0cefc661304aa6c69a98396068a89503ba",
    (0, 1, 64, 48): "c81030196d090453956c348b01f6ec777a1aa08f2a8a13fd8318b8e204bfbb79",
    (7, 123, 64, 48): "acd5fd2ebda2ff076e17ea231937c7be3ac08cf0bd365ba64861db325c0f001b",
    (0, 2, 224, 224): "5a74f1605d214cb49a8b895973286b77714da9bd83b587e71b3d22edfa481736",
    (1000000, 5, 224, 224): "776e37af07dd97479d0754ee7c03407af52a7e481fd0b09a10f0d16863f4641a",
}
"""SHA-256 of the pixels by (seed, index, width, height)."""


def digest(scene):
    return hashlib.sha256(scene.image_hwc.tobytes()).hexdigest()


@pytest.mark.parametrize("arguments", DIGESTS, ids=str)
def test_a_scene_is_the_same_bytes_on_every_machine(arguments):
    seed, index, width, height = arguments
    assert digest(render_scene(seed, index, width=width, height=height)) == DIGESTS[arguments]


def test_mix_is_splitmix64():
    # The first outputs of the reference generator seeded with 0 (Vigna, splitmix64.c): mix adds the increment itself.
    assert mix(0) == 0xE220A8397B1DCDAF
    assert mix(0x9E3779B97F4A7C15) == 0x6E789E6AA1B965F4


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 9), (9, 1), (2, 3), (17, 5), (40, 300)])
@pytest.mark.parametrize("subjects", [(1, 1), (1, 3)])
def test_any_size_renders(size_wh, subjects):
    width, height = size_wh
    for index in range(8):
        scene = render_scene(3, index, width=width, height=height, subjects=subjects)
        assert scene.image_hwc.shape == (height, width, 3)
        assert len(scene.instance_masks) == len(scene.boxes_xyxy) == len(scene.instance_classes) <= subjects[1]


def test_a_large_scene_renders_and_is_no_flat_field():
    scene = render_scene(0, 0, width=1024, height=1024)
    assert scene.image_hwc.std() > 20
    assert 20_000 < scene.instance_masks[0].sum() < 600_000


def test_boxes_are_the_tight_boxes_of_the_masks():
    for index in range(12):
        scene = render_scene(1, index, width=96, height=80, subjects=(1, 3))
        for mask, box in zip(scene.instance_masks, scene.boxes_xyxy, strict=True):
            ys, xs = np.nonzero(mask)
            assert box.tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


def test_no_pixel_belongs_to_two_instances_and_all_counts_of_subjects_occur():
    counts = set()
    for index in range(24):
        scene = render_scene(2, index, width=64, height=64, subjects=(1, 3))
        assert scene.instance_masks.sum(axis=0).max() <= 1
        counts.add(len(scene.instance_masks))
    assert counts >= {1, 2, 3}


def test_a_mask_says_where_the_subject_shows(monkeypatch):
    """Painted in a red that nothing else has, the subject's pixels are red inside the mask and nowhere else."""
    from unlossy.datasets.scenes import render

    honest = render.surface

    def red(thing, ys, xs, distance, light_from):
        colors = honest(thing, ys, xs, distance, light_from)
        colors[:] = np.array([1.0, 0.0, 0.0] if thing.texture else [0.0, 1.0, 0.0])[:, None, None]
        return colors

    monkeypatch.setattr(render, "surface", red)
    for index in range(12):
        scene = render_scene(4, index, width=96, height=96)
        pixels, mask = scene.image_hwc.astype(int), scene.instance_masks[0]
        strongly_red = (pixels[:, :, 0] > 3 * pixels[:, :, 1]) & (pixels[:, :, 0] > 25)
        # Only the anti-aliased rim, where the subject covers a part of the pixel, may be undecided.
        assert not (strongly_red & ~grown(mask)).any()
        assert not (~strongly_red & ~grown(~mask)).any()


def grown(mask):
    """The mask, the eight neighbours of each of its pixels, and the border of the picture."""
    padded = np.pad(mask, 1, constant_values=True)  # what lies beyond the picture, nobody knows
    height, width = mask.shape
    return np.any([padded[y : y + height, x : x + width] for y, x in itertools.product(range(3), repeat=2)], axis=0)


def test_the_subject_shows_for_the_most_part():
    shares = [render_scene(0, index, width=64, height=64).instance_masks[0].mean() for index in range(48)]
    assert min(shares) > 0.03
    assert 0.08 < np.median(shares) < 0.35


def test_seeds_and_indices_give_different_scenes():
    digests = {digest(render_scene(seed, index, width=32, height=32)) for seed in range(3) for index in range(5)}
    assert len(digests) == 15


def test_the_spectrum_falls_as_in_photographs():
    """Power over frequency, averaged over rings, falls as f^-2 or so (van der Schaaf 1996: -1.9 to -2.4)."""
    slopes = [spectral_slope(render_scene(0, index).image_hwc) for index in range(16)]
    assert -3.0 < np.mean(slopes) < -1.5
    assert max(slopes) < -1.0


def spectral_slope(image_hwc):
    luma = image_hwc.astype(float) @ [0.299, 0.587, 0.114]
    window = np.hanning(luma.shape[0])
    power = np.abs(np.fft.fft2((luma - luma.mean()) * window[:, None] * window[None, :])) ** 2
    cycles = np.fft.fftfreq(luma.shape[0]) * luma.shape[0]
    ring = np.hypot(cycles[:, None], cycles[None, :]).round().astype(int)
    rings = np.arange(3, luma.shape[0] // 2)
    mean_power = [power[ring == r].mean() for r in rings]
    # Few rings are coarse and many are fine, so bins of equal width in the logarithm are what the line is laid through.
    bins = np.geomspace(3, rings[-1], 12)
    return np.polyfit(np.log(bins), np.interp(np.log(bins), np.log(rings), np.log(mean_power)), 1)[0]


@pytest.mark.parametrize("name", TEXTURES)
def test_textures_have_equal_power_and_the_period_that_was_asked_for(name):
    ys = xs = np.arange(256) + 0.5
    powers, periods = [], []
    for seed in range(6):
        field = draw_texture(name, Draws(seed), 4.0).sample(ys, xs)
        powers.append(field.var())
        spectrum = np.abs(np.fft.fft2(field)) ** 2
        cycles = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None, :])
        periods.append(1.0 / ((spectrum * cycles).sum() / spectrum.sum()))
    assert np.mean(powers) == pytest.approx(1.0, abs=0.15)
    assert np.mean(periods) == pytest.approx(4.0, rel=0.12)


def test_smooth_noise_does_not_depend_on_the_window():
    ys, xs = np.arange(-20, 30) / 7.0, np.arange(40) / 3.0
    whole = smooth_noise(5, ys, xs)
    assert np.array_equal(whole[10:20, 5:9], smooth_noise(5, ys[10:20], xs[5:9]))
    assert smooth_noise(5, np.arange(400) / 2.3, np.arange(400) / 2.3).std() == pytest.approx(1.0, abs=0.1)


def test_items_are_ppm_that_pillow_reads_as_the_rendered_pixels():
    items = list(SyntheticDataset(3, size=33, seed=7))
    assert [item.key for item in items] == ["scene-000000.ppm", "scene-000001.ppm", "scene-000002.ppm"]
    for index, item in enumerate(items):
        scene = render_scene(7, index, width=33, height=33)
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(item.blob.all()))), scene.image_hwc)
        assert item.target == ClassTarget(scene.class_index)
        assert item.groups == {"class": CLASS_NAMES[scene.class_index]}


def test_a_blob_reads_windows_of_its_bytes():
    blob = SceneBlob(0, 1, 20)
    data = blob.all()
    assert blob.size_bytes == len(data)
    assert blob.read(0, 2) == b"P6"
    assert blob.read(100, 50) == data[100:150]
    assert blob.read(len(data) - 3, 50) == data[-3:]
    assert blob.read(len(data) + 3, 50) == b""


@pytest.mark.parametrize("n_items", [1, 7, 16, 50, 96])
def test_any_number_of_items_is_balanced(n_items):
    classes = [item.target.class_index for item in SyntheticDataset(n_items, seed=n_items)]
    counts = np.bincount(classes, minlength=len(CLASS_NAMES))
    assert counts.max() - counts.min() <= 1


def test_the_order_of_classes_depends_on_the_seed():
    first, second = ([item.target.class_index for item in SyntheticDataset(32, seed=seed)] for seed in (0, 1))
    assert first != second
    assert first[:16] != first[16:]


def test_the_spec_names_the_dataset():
    assert parse_synthetic("synthetic:300") == SyntheticDataset(300)
    assert parse_synthetic("synthetic:5,seed=9,size=64") == SyntheticDataset(5, size=64, seed=9)
    dataset = SyntheticDataset(12, size=48, seed=3)
    assert dataset.spec == "synthetic:12,size=48,seed=3"
    assert parse_synthetic(dataset.spec) == dataset
    assert len(dataset) == len(list(dataset)) == 12
    assert dataset.others == {}


@pytest.mark.parametrize(
    "spec",
    [
        "synthetic",
        "synthetic:",
        "synthetic:x",
        "synthetic:0",
        "synthetic:-5",
        "synthetic:1.5",
        "synthetic:2000000",
        "synthetic:9,size=0",
        "synthetic:9,size=99999",
        "synthetic:9,colour=1",
        "synthetic:9,size=3,size=4",
        "synthetic:9,",
        "synthetic:9 ",
        "synthetic:٣",
    ],
)
def test_nonsense_is_refused_with_a_remedy(spec):
    with pytest.raises(UsageError, match="Write synthetic:N"):
        parse_synthetic(spec)
