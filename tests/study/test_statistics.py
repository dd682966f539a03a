"""The statistics of a study against values known from elsewhere."""

import numpy as np
import pytest

from orate.study.statistics import Share, binomial_test, crossed_interval, wilson_interval


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_wilson_intervals_as_published(right, total, low, high):
    assert wilson_interval(right, total) == pytest.approx((low, high), abs=6e-5)


def test_more_confidence_or_fewer_answers_make_the_interval_wider():
    def width(*arguments):
        low, high = wilson_interval(*arguments)
        return high - low

    assert width(12, 24, 0.99) > width(12, 24) > width(120, 240)


@pytest.mark.parametrize(
    ("right", "total", "probability"),
    [
        (5, 10, 1.0),
        (0, 1, 1.0),
        (8, 10, 0.109375),  # 2 (45 + 10 + 1) / 1024
        (2, 10, 0.109375),
        (10, 10, 2 / 1024),
        (17, 24, 0.06391466),  # scipy.stats.binomtest(17, 24).pvalue
        (18, 24, 0.02265584),
        (824, 1584, 0.11340780),  # 52% of 66 people x 24 clips, as in the paper
    ],
)
def test_binomial_test_is_exact(right, total, probability):
    assert binomial_test(right, total) == pytest.approx(probability, rel=1e-5)


def test_a_share_of_no_answers_is_not_known():
    assert Share(0, 0).value is None
    assert Share(0, 0).interval is None
    assert Share(3, 4).value == 0.75


def answers_of(people, clips, probability):
    """Each person sees each clip; (people, clips) or broadcastable probabilities of being right."""
    right = np.random.default_rng(1).uniform(size=(people, clips)) < probability
    return right.astype(float), np.ones((people, clips))


def test_the_interval_over_people_and_clips_knows_that_they_differ():
    """Half of the people are always right, half always wrong: as many answers say far less than independent ones."""
    able = np.repeat([[0.0], [1.0]], 10, axis=0)
    right, seen = answers_of(20, 24, able)
    low, high = crossed_interval(right, seen)
    wilson_low, wilson_high = wilson_interval(int(right.sum()), int(seen.sum()))
    assert high - low > 3 * (wilson_high - wilson_low)
    assert low < 0.5 < high


def test_with_independent_answers_it_is_near_wilsons_and_not_narrower():
    right, seen = answers_of(40, 24, 0.7)
    low, high = crossed_interval(right, seen)
    wilson_low, wilson_high = wilson_interval(int(right.sum()), int(seen.sum()))
    assert 0.95 < (high - low) / (wilson_high - wilson_low) < 2.2
    assert (low + high) / 2 == pytest.approx(right.mean(), abs=0.02)


def test_the_interval_repeats_and_needs_two_people():
    right, seen = answers_of(5, 6, 0.5)
    assert crossed_interval(right, seen) == crossed_interval(right, seen)
    assert crossed_interval(right[:1], seen[:1]) is None
    assert crossed_interval(right[:, :1], seen[:, :1]) is None
