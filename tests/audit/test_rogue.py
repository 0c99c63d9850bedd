import numpy as np
import pytest

from tests.audit.dealt import dealt, even, jpegs, replaced, way
from unlossy.audit.block import KEYS_IN_JSON
from unlossy.audit.evidence import gather
from unlossy.audit.rogue import find_rogue_blocks

WEB = [60, 70, 75, 75, 80, 80, 85, 90, 90, 95, *range(30, 96, 5)]


def blocks_of(ways, **groups):
    return find_rogue_blocks(gather(dealt(ways, **groups)))


@pytest.fixture
def generator():
    return np.random.default_rng(3)


@pytest.mark.parametrize("background", [[90], WEB])
def test_some_images_of_two_classes_at_quality_12(generator, background):
    classes, qualities = even(600, 10), generator.choice(background, 600)
    odd = np.concatenate([60 * c + generator.choice(60, 15, replace=False) for c in (3, 7)])
    qualities[odd] = 12
    splits = generator.choice(["train", "val"], 600)
    (block,) = blocks_of(jpegs(qualities), **{"class": classes, "split": splits, "folder": classes})
    assert (block.dimension, set(block.groups), block.n) == ("class", {"c3", "c7"}, 30)
    assert block.traits["quality"] == "12"
    assert block.row_numbers.tolist() == sorted(odd.tolist())
    assert block.keys == tuple(f"{i:05d}.jpg" for i in sorted(odd))
    assert (block.n_of_groups, block.n_elsewhere, block.n_of_rest) == (120, 0, 480)
    assert block.name in {f"30 images at quality 12, in classes {a} and {b}" for a, b in (("c3", "c7"), ("c7", "c3"))}
    # Cohen's h of 1/4 against 0 is 2 asin(1/2)
    assert block.effect == pytest.approx(2 * np.arcsin(0.5))


def test_one_class_from_another_encoder_at_the_same_quality(generator):
    tables = [list(range(3, 67))] * 2
    ways = [way(75) if c != "c4" else way(qtables=tables) for c in even(600, 10)]
    (block,) = blocks_of(ways, **{"class": even(600, 10)})
    assert (block.groups, block.n) == (("c4",), 60)
    assert block.traits["luma table"] == gather(dealt(ways[240:241])).features["luma table"].names[0]
    assert "class c4: all of the 60 there, 0 of 540 elsewhere" in block.sentence


@pytest.mark.parametrize(
    ("odd", "trait", "value"),
    [
        (way(75, progressive=True), "process", "progressive"),
        (way(75, subsampling=0), "sampling", "4:4:4"),
        (way(kind="PNG"), "format", "png"),
    ],
)
def test_other_traits_are_named(odd, trait, value):
    ways = [odd if c == "c1" else way(75) for c in even(200, 8)]
    (block,) = blocks_of(ways, **{"class": even(200, 8)})
    assert (block.groups, block.n, block.traits[trait]) == (("c1",), 25, value)


def test_a_class_whose_qualities_are_all_lower_without_one_in_common(generator):
    qualities = generator.integers(70, 96, 600)
    qualities[120:180] = generator.integers(40, 66, 60)
    (block,) = blocks_of(jpegs(qualities), **{"class": even(600, 10)})
    assert (block.groups, block.n) == (("c2",), 60)
    low, high = (int(q) for q in block.traits["quality"].split(" to "))
    assert 40 <= low < high <= 65
    assert block.quality_median < 66 < block.rest_quality_median


def test_a_recompressed_shard_is_named_by_the_shard(generator):
    qualities = generator.choice(WEB, 500)
    shards = [f"{i % 10:04d}.tar" for i in range(500)]
    qualities[3::10] = 50
    classes = generator.choice(["a", "b", "c"], 500)
    (block,) = blocks_of(jpegs(qualities), **{"class": classes, "shard": shards})
    assert (block.dimension, block.groups, block.traits["quality"]) == ("shard", ("0003.tar",), "50")
    assert block.n == 50


def folders(n, n_classes):
    classes = even(n, n_classes)
    splits = ["val" if i % 5 == 0 else "train" for i in range(n)]
    return classes, splits, [f"{split}/{name}" for split, name in zip(splits, classes, strict=True)]


def test_chance_does_not_turn_classes_into_folders():
    classes, splits, names = folders(600, 4)
    qualities = np.full(600, 90)
    odd = [i for i in range(300) if names[i] != "val/c1"]  # none of the class's 30 images in val, by chance
    qualities[odd[::8]] = 12
    (block,) = blocks_of(jpegs(qualities), **{"class": classes, "split": splits, "folder": names})
    assert (block.dimension, set(block.groups)) == ("class", {"c0", "c1"})


def test_a_folder_that_is_the_odd_one_is_named_as_such():
    classes, splits, names = folders(600, 4)
    qualities = [50 if name == "train/c2" else 90 for name in names]
    (block,) = blocks_of(jpegs(qualities), **{"class": classes, "split": splits, "folder": names})
    assert (block.dimension, block.groups, block.n) == ("folder", ("train/c2",), 120)


def test_blocks_are_ranked_by_effect_and_told_apart(generator):
    qualities = np.full(600, 90)
    qualities[:60] = 30  # all of c0
    qualities[60:80] = 12  # a third of c1
    first, second = blocks_of(jpegs(qualities), **{"class": even(600, 10)})
    assert (first.groups, first.n, first.traits["quality"]) == (("c0",), 60, "30")
    assert (second.groups, second.n, second.traits["quality"]) == (("c1",), 20, "12")
    assert first.effect > second.effect


def test_the_smaller_part_is_the_block():
    (block,) = blocks_of(jpegs([80] * 400 + [90] * 200), **{"class": ["b"] * 400 + ["a"] * 200})
    assert (block.groups, block.n, block.traits["quality"]) == (("a",), 200, "90")


@pytest.mark.parametrize(
    "ways",
    [
        [way(90)] * 300,
        [way(kind="PNG")] * 300,
        [way(kind="PNG"), way(75)] * 150,
        jpegs(range(30, 90)) * 5,
        [way(qtables=[[1 + (i + k) % 250 for k in range(64)]]) for i in range(60)] * 5,
        [way(90)] * 3,
        [],
    ],
    ids=["one quality", "png only", "two formats alike", "a continuum", "many tables", "three images", "none"],
)
def test_nothing_is_claimed_where_classes_are_alike(ways):
    generator = np.random.default_rng(0)
    groups = {"class": generator.choice(["a", "b", "c"], len(ways)), "split": generator.choice(["x", "y"], len(ways))}
    assert blocks_of(ways, **groups) == ()


def test_a_class_of_grey_pictures_is_no_rogue_block():
    # grey tells the picture, not its compression
    ways = [way(80, mode="L") if c == "c2" else way(80) for c in even(200, 5)]
    assert blocks_of(ways, **{"class": even(200, 5)}) == ()


def test_a_small_difference_is_not_claimed_however_sure():
    # 30 % against 20 %: h = 0.23
    qualities = ([60] * 3 + [90] * 7) * 400 + ([60] * 2 + [90] * 8) * 400
    assert blocks_of(jpegs(qualities), **{"class": ["a"] * 4000 + ["b"] * 4000}) == ()


def test_random_dealings_are_hardly_ever_claimed():
    # each is claimed with a chance of at most 2 %, so four of forty with one of 1 in 130
    pool, claims = WEB * 10, 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        groups = {
            "class": generator.choice(list("abcdefgh"), len(pool)),
            "split": generator.choice(["x", "y"], len(pool)),
        }
        claims += bool(blocks_of(jpegs(pool), **groups))
    assert claims <= 3


def test_json_holds_no_more_than_a_thousand_keys(generator):
    ways = jpegs([20] * 1500 + [90] * 4000)
    (block,) = blocks_of(ways, **{"class": ["a"] * 1500 + ["b"] * 4000})
    assert (block.n, len(block.as_json()["keys"]), KEYS_IN_JSON) == (1500, 1000, 1000)


def test_rows_without_evidence_are_no_block():
    table = dealt([way(90)] * 100, **{"class": ["a"] * 80 + ["b"] * 20})
    names = ("format", "process", "ijg_quality_luma", "quantization_tables", "sampling", "encoder", "precision")
    told = {name: table[name].to_pylist()[:80] + [None] * 20 for name in names}
    assert find_rogue_blocks(gather(replaced(table, **told))) == ()
