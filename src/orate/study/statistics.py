"""What the answers of a study say about chance: an exact test, and two intervals. Shares are in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
BOOTSTRAP_DRAWS = 4000
MIN_PEOPLE = 2  # of one person nothing is known about others


@dataclass(frozen=True)
class Share:
    """How many answers of some were right."""

    right: int
    total: int

    @property
    def value(self) -> float | None:
        """In [0, 1]; None where there is no answer."""
        return self.right / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """`wilson_interval`; None where there is no answer."""
        return wilson_interval(self.right, self.total) if self.total else None


def wilson_interval(right: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a share: unlike the normal one it stays within [0, 1] and holds for few answers.

    (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), Wilson, JASA 22 (1927), 209-212.

    Args:
        right: of ``total``.
        total: at least one.
        confidence: in (0, 1).
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = right / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    # At 0 and 1 the ends are exact; rounding must not say otherwise.
    low = 0.0 if right == 0 else max(0.0, centre - half)
    high = 1.0 if right == total else min(1.0, centre + half)
    return low, high


def binomial_test(right: int, total: int) -> float:
    """Exact two-sided probability of a result at least as far from one half, where every answer is a toss of a coin.

    With a chance of 1/2 the distribution is symmetric, and both tails are equally large. Integers until the last
    division: nothing is rounded, however many answers there are.

    Args:
        right: of ``total``.
        total: at least one.
    """
    below = min(right, total - right)
    tail = sum(comb(total, k) for k in range(below + 1))
    probability: float = 2 * tail / 2**total
    return min(1.0, probability)


def crossed_interval(
    right: NDArray[np.float64], seen: NDArray[np.float64], confidence: float = CONFIDENCE, seed: int = 0
) -> tuple[float, float] | None:
    """Interval of the share for other people and other clips, by the pigeonhole bootstrap.

    Answers of one person, and answers to one clip, are alike: Wilson's interval and the binomial test do not know that.
    People and clips are each drawn with replacement, and the percentiles of the share taken: Owen, Annals of
    Applied Statistics 1 (2007), 386-411. It errs on the wide side.

    Args:
        right: (people, clips), right answers.
        seen: (people, clips), answers.
        confidence: in (0, 1).
        seed: of the draws; the same figures every time.

    Returns:
        None with fewer than two people or two clips.
    """
    people, clips = seen.shape
    if people < MIN_PEOPLE or clips < MIN_PEOPLE:
        return None
    random = np.random.default_rng(seed)
    of_people = random.multinomial(people, np.full(people, 1 / people), BOOTSTRAP_DRAWS)
    of_clips = random.multinomial(clips, np.full(clips, 1 / clips), BOOTSTRAP_DRAWS)
    hits, answers = (np.einsum("dp,pc,dc->d", of_people, table, of_clips, optimize=True) for table in (right, seen))
    shares = hits[answers > 0] / answers[answers > 0]
    outside = (1 - confidence) / 2
    low, high = np.quantile(shares, [outside, 1 - outside])
    return float(low), float(high)
