from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from unlossy.core.errors import UsageError
from unlossy.jpeg.tables import CHROMINANCE, LUMINANCE, ijg_table
from unlossy.train import data
from unlossy.train import degrade as degrading
from unlossy.train.data import CropsByArea, Pairs, augment, batches, read_images, sharpened, specked
from unlossy.train.degrade import FACTORS, MARGIN, SHARES, Mix, degrade, through_jpeg
from unlossy.train.tables import Qualities, draw_tables, libjpeg_tables


def picture(height=96, width=128, seed=0):
    """Smooth shapes and texture, so that every codec has something to lose."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / a + y / b + c) for a, b, c in rng.uniform(3, 20, (3, 3))]
    noisy = 128 + 60 * np.stack(waves, axis=2) + rng.normal(0, 8, (height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def samples(n=400, size=48):
    region = picture(size + MARGIN, size + MARGIN)
    return [degrade(np.random.default_rng((7, i)), region) for i in range(n)]


def test_the_tables_asked_of_libjpeg_are_those_of_the_standard_in_natural_order():
    for quality in (1, 10, 50, 75, 98, 100):
        luma, chroma = libjpeg_tables(quality)
        assert np.array_equal(np.reshape(luma, (8, 8)), ijg_table(LUMINANCE, quality))
        assert np.array_equal(np.reshape(chroma, (8, 8)), ijg_table(CHROMINANCE, quality))


def test_the_tables_told_are_those_in_the_bytes():
    rng = np.random.default_rng(0)
    families = set()
    for _ in range(60):
        tables = draw_tables(rng, Qualities())
        assert all(len(table) == 64 and min(table) >= 1 and max(table) <= 255 for table in tables)
        _, told = through_jpeg(picture(16, 16), tables, "4:2:0")
        assert np.array_equal(told.reshape(2, 64), tables)
        families.add(tables == libjpeg_tables_like(tables))
    assert families == {True, False}
    _, grey = through_jpeg(picture(16, 16), tables, "grey")
    assert np.array_equal(grey[0].ravel(), tables[0])
    assert (grey[1] == 1).all()


def libjpeg_tables_like(tables):
    """libjpeg's own tables where these are some of them, else None."""
    return next((own for own in map(libjpeg_tables, range(1, 101)) if own == tables), None)


def test_qualities_are_denser_below_40():
    rng = np.random.default_rng(0)
    drawn = np.array([Qualities().draw(rng) for _ in range(4000)])
    assert (drawn.min(), drawn.max()) == (5, 98)
    assert 0.6 < (drawn <= 40).mean() < 0.7


def test_every_kind_is_drawn_in_its_share_and_told_what_its_file_would_tell():
    drawn = samples()
    kinds = [sample.kind for sample in drawn]
    for kind, share in SHARES.items():
        assert abs(kinds.count(kind) / len(kinds) - share) < 0.06
    for sample in drawn:
        assert sample.clean.shape == sample.degraded.shape == (48, 48, 3)
        assert sample.known == (sample.kind in ("jpeg", "double"))
        if not sample.known:
            assert (sample.tables == 1).all()
            assert sample.sampling_hv == (1, 1)
        assert np.array_equal(sample.clean, sample.degraded) == (sample.kind == "clean")
    assert {sample.sampling_hv for sample in drawn if sample.known} == set(FACTORS.values())


def block_edges(grey):
    """Which of the eight columns modulo 8 shows the largest step, the mark of a grid."""
    steps = np.abs(np.diff(grey.astype(float), axis=1)).mean(axis=0)
    steps = steps[: len(steps) // 8 * 8].reshape(-1, 8)
    return int(np.argmax(steps.mean(axis=0)))


def test_hidden_pictures_are_on_the_grid_and_shifted_ones_off_it(monkeypatch):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:208, :208]
    region = np.repeat(np.clip(x * 0.9 + 10 * np.sin(y / 9), 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    coarse = ([120] * 64, [120] * 64)
    monkeypatch.setattr(degrading, "draw_tables", lambda _rng, _qualities: coarse)
    for kind, places in (("hidden", {7}), ("jpeg", {7}), ("hidden_shifted", set(range(8)))):
        found = {block_edges(degrade(rng, region, Mix({kind: 1.0})).degraded[:, :, 1]) for _ in range(30)}
        assert found <= places
        assert len(found) >= (4 if kind == "hidden_shifted" else 1)


def test_a_double_jpeg_is_further_from_the_clean_picture_than_its_last_compression_alone(monkeypatch):
    strong, weak = libjpeg_tables(8), libjpeg_tables(90)
    queue = [strong, weak]
    monkeypatch.setattr(degrading, "draw_tables", lambda _rng, _qualities: queue.pop(0))
    sample = degrade(np.random.default_rng(1), picture(64, 64), Mix({"double": 1.0}, {"4:4:4": 1.0}))
    assert np.array_equal(sample.tables.reshape(2, 64), weak)
    alone, _ = through_jpeg(sample.clean, weak, "4:4:4")
    once, _ = through_jpeg(sample.clean, strong, "4:4:4")

    def error(image):
        return np.abs(image.astype(float) - sample.clean).mean()

    assert error(sample.degraded) > 2 * error(alone)
    assert error(sample.degraded) == pytest.approx(error(once), rel=0.25)


def test_a_sample_depends_on_seed_and_number_alone():
    pictures = [picture(seed=1), picture(seed=2)]
    first, again, other = (Pairs(pictures, (32, 32), seed, CropsByArea(pictures)) for seed in (5, 5, 6))
    for index in (0, 3, 1_000_000):
        assert np.array_equal(first.sample(index).degraded, again.sample(index).degraded)
    assert any(not np.array_equal(first.sample(i).clean, other.sample(i).clean) for i in range(3))
    assert not np.array_equal(first.sample(0).clean, first.sample(1).clean)


def test_batches_are_the_same_from_any_step_on_and_with_any_number_of_workers():
    pairs = Pairs([picture()], (32, 32), 0, CropsByArea([picture()]))
    alone = list(batches(pairs, 0, 4, 3, workers=0))
    for later, known in zip(batches(pairs, 2, 4, 3, workers=2), alone[2:], strict=True):
        for name in known.__slots__:
            assert torch.equal(getattr(later, name), getattr(known, name))


def test_augmented_squares_are_cut_from_the_picture_and_come_in_all_eight_attitudes():
    source = picture(64, 64)
    attitudes = {np.ascontiguousarray(np.rot90(f, k)).tobytes() for f in (source, source[:, ::-1]) for k in range(4)}
    drawn = {augment(np.random.default_rng(i), source, 64).tobytes() for i in range(200)}
    assert attitudes <= drawn
    assert len(drawn) > len(attitudes)


def test_a_sharpened_square_steps_more_and_keeps_what_is_flat():
    ramp = np.repeat(np.repeat(np.array([60, 60, 60, 90, 140, 170, 170, 170], np.uint8), 4)[None, :, None], 32, axis=0)
    square = np.repeat(ramp, 3, axis=2)
    for seed in range(5):
        found = sharpened(np.random.default_rng(seed), square)
        assert (found.shape, found.dtype) == (square.shape, square.dtype)
        assert found.min() < 60
        assert found.max() > 170
        assert np.array_equal(found[:, 0], square[:, 0])


def test_specks_are_black_or_white_few_and_leave_all_else():
    square = np.full((200, 200, 3), 100, np.uint8)
    shares = []
    for seed in range(30):
        found = specked(np.random.default_rng(seed), square)
        assert set(np.unique(found)) <= {0, 100, 255}
        assert (found == found[:, :, :1]).all(), "in all channels"
        shares.append(float((found != 100).any(axis=2).mean()))
        assert (found == 0).mean() == pytest.approx((found == 255).mean(), rel=0.6)
    assert 0.0005 < min(shares) < 0.003
    assert 0.02 < max(shares) < 0.055


def test_three_squares_of_ten_are_sharpened_seven_scaled_down_and_some_specked(monkeypatch):
    sizes, n_sharpened, n_specked = [], [], []
    shrink, sharpen, speck = Image.Image.resize, data.sharpened, data.specked
    monkeypatch.setattr(
        Image.Image, "resize", lambda image, *a, **k: sizes.append(image.size[0]) or shrink(image, *a, **k)
    )
    monkeypatch.setattr(data, "sharpened", lambda rng, square: n_sharpened.append(1) or sharpen(rng, square))
    monkeypatch.setattr(data, "specked", lambda rng, square: n_specked.append(1) or speck(rng, square))
    source = picture(200, 200)
    for index in range(400):
        assert augment(np.random.default_rng(index), source, 64).shape == (64, 64, 3)
    assert len(n_sharpened) / 400 == pytest.approx(0.3, abs=0.07)
    assert len(sizes) / 400 == pytest.approx(0.7, abs=0.07)
    assert len(n_specked) / 400 == pytest.approx(0.03, abs=0.025)
    assert 64 < min(sizes) < 70
    assert 170 < max(sizes) <= 183  # 64 / 0.35


def test_unreadable_and_small_pictures_are_named_and_left_out(tmp_path, capsys):
    Image.fromarray(picture()).save(tmp_path / "b.png")
    Image.fromarray(picture(20, 200)).save(tmp_path / "small.png")
    buffer = BytesIO()
    Image.fromarray(picture()).save(buffer, "PNG")
    (tmp_path / "cut.png").write_bytes(buffer.getvalue()[:5000])
    buffer.seek(0)
    Image.fromarray(picture(400, 400)).save(buffer, "PNG")
    whole = buffer.getvalue()
    (tmp_path / "zeroed.png").write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 2))
    images = read_images([tmp_path], 64)
    assert [name.rsplit("/", 1)[-1] for name in images] == ["b.png"]
    told = capsys.readouterr().err
    assert "small.png: left out" in told
    assert "cut.png: left out" in told
    assert "zeroed.png: left out" in told
    with pytest.raises(UsageError, match="name other folders"):
        read_images([tmp_path], 500)


def test_one_file_is_one_picture_whichever_way_leads_to_it(tmp_path):
    (tmp_path / "a").mkdir()
    Image.fromarray(picture()).save(tmp_path / "a" / "b.png")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "again.png").symlink_to("b.png")
    assert len(read_images([tmp_path, tmp_path / "a", tmp_path / "a" / ".." / "a", tmp_path / "link"], 64)) == 1


def test_pictures_of_16_bits_are_scaled_not_clipped(tmp_path):
    ramp = np.linspace(0, 65535, 96 * 128).reshape(96, 128).astype(np.uint16)
    for name in ("ramp.png", "ramp.tif"):
        Image.fromarray(ramp).save(tmp_path / name)
    for found in read_images([tmp_path], 64).values():
        assert found.shape == (96, 128, 3)
        assert np.abs(found - np.rint(ramp / 257)[:, :, None]).max() <= 1
