import numpy as np
import pytest

from tests.audit.dealt import dealt, even, jpegs, replaced, way
from unlossy.audit.evidence import gather
from unlossy.audit.headers import Headers, header_vectors
from unlossy.audit.leakage import FOLDS, MAX_IMAGES, measure_leakage
from unlossy.audit.ridge import PENALTY, cross_validated_auc


@pytest.fixture
def generator():
    return np.random.default_rng(7)


def leak_of(ways, **groups):
    (leak,) = measure_leakage(gather(dealt(ways, **groups)))
    return leak


def example(generator, n=200, n_vectors=12, n_classes=3):
    """Random vectors whose first column has to do with the class, of which some are equal."""
    vectors = generator.integers(0, 2, (n_vectors, 5)).astype(float)
    of = generator.integers(n_vectors, size=n)
    targets = (vectors[of, 0].astype(int) + generator.integers(0, n_classes, n)) % n_classes
    order = np.argsort(targets, kind="stable")
    folds = np.empty(n, np.int64)
    folds[order] = np.arange(n) % FOLDS
    return Headers(vectors, of), targets, folds


def auc_by_pairs(scores, own):
    """Every pair of one of the class and one of the rest; ties are half a win."""
    wins = scores[own][:, None] - scores[~own][None, :]
    return ((wins > 1e-9) + 0.5 * (np.abs(wins) <= 1e-9)).mean()


def test_area_equals_a_fit_and_a_count_image_by_image(generator):
    headers, targets, folds = example(generator)
    rows, areas = headers.vectors[headers.of], []
    for fold in range(FOLDS):
        train, held = folds != fold, folds == fold
        design = rows[train] - rows[train].mean(axis=0)
        wanted = np.eye(3)[targets[train]]
        weights = np.linalg.solve(design.T @ design + PENALTY * np.eye(5), design.T @ (wanted - wanted.mean(axis=0)))
        scores = (rows[held] - rows[train].mean(axis=0)) @ weights
        areas += [auc_by_pairs(scores[:, c], targets[held] == c) for c in range(3)]
    assert cross_validated_auc(headers, targets, folds, FOLDS) == pytest.approx(np.mean(areas))


def test_classes_of_their_own_encoders_are_told_without_fail():
    leak = leak_of([way(75), way(75, subsampling=0)] * 60, **{"class": ["a", "b"] * 60})
    assert (leak.auc, leak.p_value, leak.claimed) == (1.0, 0.005, True)
    assert leak.sentence.startswith(
        "Leak: a classifier that sees only file headers tells the class with AUC 1.00 (chance"
    )
    assert leak.chance_low < 0.5 < leak.chance_high


def test_random_labels_are_not_told(generator):
    leak = leak_of(jpegs(generator.integers(40, 96, 300)), **{"class": generator.choice(["a", "b", "c"], 300)})
    assert not leak.claimed
    assert abs(leak.auc - 0.5) < 0.08
    assert leak.p_value > 0.05


def test_chance_of_a_claim_is_as_small_as_it_says():
    claims = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        ways = jpegs(generator.choice([60, 75, 75, 90], 80))
        claims += leak_of(ways, **{"class": generator.choice(["a", "b"], 80)}).claimed
    assert claims <= 2


def test_grey_alone_tells_nothing():
    leak = leak_of([way(75), way(75, mode="L")] * 60, **{"class": ["a", "b"] * 60})
    assert leak.auc is None
    assert leak.reason == "the headers of all images say the same"


def test_sizes_and_rates_are_not_seen():
    table = dealt([way(75)] * 80, **{"class": ["a", "b"] * 40})
    numbers = {
        "size_bytes": [1, 9000] * 40,
        "width": [5, 500] * 40,
        "height": [5, 500] * 40,
        "rate_bpp": [0.1, 8.0] * 40,
    }
    (leak,) = measure_leakage(gather(replaced(table, **numbers)))
    assert leak.auc is None


def test_equal_seeds_give_equal_figures(generator):
    evidence = gather(dealt(jpegs(generator.integers(40, 96, 200)), **{"class": generator.choice(["a", "b"], 200)}))
    assert measure_leakage(evidence, 3) == measure_leakage(evidence, 3)


def test_small_classes_and_few_images_are_said():
    leak = leak_of(jpegs([75, 80] * 10), **{"class": ["a"] * 15 + ["b"] * 5})
    assert (leak.auc, leak.status) == (None, "not run")
    assert leak.reason == "fewer than two classes have 10 images"
    assert leak.left_out == "1 class of fewer than 10 images"


def test_many_images_are_drawn_from(generator):
    n = MAX_IMAGES + 500
    leak = leak_of(jpegs(generator.choice([70, 80, 90], n)), split=generator.choice(["x", "y"], n))
    assert (leak.label, leak.n) == ("split", MAX_IMAGES)
    assert leak.left_out == f"all but {MAX_IMAGES} images, drawn at random"


def test_images_without_labels_are_not_tested():
    assert measure_leakage(gather(dealt(jpegs([75] * 50)))) == ()


def test_vectors_keep_the_distances_of_their_facts():
    ways = [way(75), way(75, progressive=True), way(75, subsampling=0)]
    headers = header_vectors(gather(dealt(ways * 2)), np.arange(6))
    vectors = headers.vectors[headers.of[:3]]
    square = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    # one fact differs in two columns: it lacks one value and has the other
    assert square == pytest.approx(np.array([[0, 2, 2], [2, 0, 4], [2, 4, 0]]))


def test_a_small_but_sure_difference_is_a_faint_leak(generator):
    # one class in ten has a third of its images sampled otherwise
    ways = [way(75, subsampling=0) if c == "c1" and i % 3 == 0 else way(75) for i, c in enumerate(even(600, 10))]
    leak = leak_of(ways, **{"class": even(600, 10)})
    assert (leak.sure, leak.claimed) == (True, False)
    assert leak.sentence.startswith("Faint leak: ")
